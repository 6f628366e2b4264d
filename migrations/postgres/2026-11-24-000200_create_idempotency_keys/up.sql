-- Idempotency keys, with the data for repeating the first response.
CREATE TABLE idempotency_keys (
  account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  key text NOT NULL,
  fingerprint bigint NOT NULL,
  -- null only within the transaction that creates the call
  call_id bigint,
  call_uuid uuid,
  called_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, key)
);
CREATE INDEX idempotency_keys_by_created_at ON idempotency_keys (account_id, created_at);
