"""The command garonne and the supervisor of the embedded stack."""
