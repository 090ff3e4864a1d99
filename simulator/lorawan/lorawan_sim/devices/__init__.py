"""One module per device type."""
