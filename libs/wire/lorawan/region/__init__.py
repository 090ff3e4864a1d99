"""Regional parameters, one file per region."""
