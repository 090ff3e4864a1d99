"""ChirpStack's contract in one process."""
