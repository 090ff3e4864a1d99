"""The three servers we start but did not write: broker, Redis, object store."""
