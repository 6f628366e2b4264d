-- A repeated request gets the call as it is now.
ALTER TABLE idempotency_keys DROP COLUMN call_uuid;
ALTER TABLE idempotency_keys DROP COLUMN called_at;
