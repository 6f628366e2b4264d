ALTER TABLE calls DROP COLUMN duration_seconds;
