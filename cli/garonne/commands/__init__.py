"""What the person typed, one module per command."""
