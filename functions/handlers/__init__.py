"""The city's functions: one file, one story."""
