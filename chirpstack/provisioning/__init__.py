"""Bring a ChirpStack to the declared state."""
