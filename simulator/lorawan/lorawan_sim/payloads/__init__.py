"""What devices write on the air, from the same documents the codecs make of it."""
