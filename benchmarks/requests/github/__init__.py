"""GitHub: who works on it, and what each of them has to be known for."""
