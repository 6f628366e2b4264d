-- A repeated request gets the call as it is now.
DELETE FROM idempotency_keys WHERE call_id IS NULL;
ALTER TABLE idempotency_keys ALTER COLUMN call_id SET NOT NULL, DROP COLUMN call_uuid, DROP COLUMN called_at;
