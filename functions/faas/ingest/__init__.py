"""Ingest: from the broker into the durable streams, nothing lost, nothing doubled."""
