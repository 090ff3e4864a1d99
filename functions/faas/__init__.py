"""The function runtime's front door."""
