"""Git Gateway: who works behind it, and what each of them has to be known for."""
