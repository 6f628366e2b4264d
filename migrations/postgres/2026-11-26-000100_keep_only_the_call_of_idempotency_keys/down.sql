-- The data for repeating the first response is lost.
DELETE FROM idempotency_keys;
ALTER TABLE idempotency_keys
  ALTER COLUMN call_id DROP NOT NULL, ADD COLUMN call_uuid uuid, ADD COLUMN called_at timestamptz NOT NULL;
