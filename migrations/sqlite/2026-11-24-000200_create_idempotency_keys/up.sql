-- Idempotency keys, with the data for repeating the first response.
CREATE TABLE idempotency_keys (
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  key TEXT NOT NULL,
  fingerprint BIGINT NOT NULL,
  call_id BIGINT NOT NULL,
  call_uuid BLOB NOT NULL,
  called_at BIGINT NOT NULL,
  created_at BIGINT NOT NULL,
  PRIMARY KEY (account_id, key)
) WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_created_at ON idempotency_keys (account_id, created_at);
