"""The physics both ends of the air share: who hears a frame, and what drowns it."""
