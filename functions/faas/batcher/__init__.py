"""The batcher: gives exact ranges of the streams to the functions that want all."""
