"""The sender: brings commands to ChirpStack, and is the only one that does."""
