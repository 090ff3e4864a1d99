"""Raw archive: every event of every kind, byte for byte, in the object store."""

from faas import Archive, Batch, on_batch


@on_batch(max_bytes=4_000_000, max_age_s=5.0)
def raw_archive(batch: Batch, archive: Archive) -> None:
    """Keep the batch as it was received."""
    archive.keep(batch)
