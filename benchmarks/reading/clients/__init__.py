"""Who reads: each module is run by itself, told on its command line what to read, and says what it took."""
