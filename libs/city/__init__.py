"""What the city's programs share with I/O."""
