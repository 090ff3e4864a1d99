-- ChirpStack's first migration needs trigrams; without them it starts with no tables.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
