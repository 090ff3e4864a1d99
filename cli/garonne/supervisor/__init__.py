"""Start the parts in order, keep them up, stop them in reverse."""
