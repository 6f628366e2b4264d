-- The data for repeating the first response is lost.
DELETE FROM idempotency_keys;
ALTER TABLE idempotency_keys ADD COLUMN call_uuid BLOB NOT NULL DEFAULT x'00';
ALTER TABLE idempotency_keys ADD COLUMN called_at BIGINT NOT NULL DEFAULT 0;
