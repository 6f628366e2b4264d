ALTER TABLE calls ADD COLUMN duration_seconds integer CHECK (duration_seconds BETWEEN 0 AND 604800);
