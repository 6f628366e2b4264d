ALTER TABLE calls ADD COLUMN answered BOOLEAN;
ALTER TABLE calls ADD COLUMN phone_number TEXT CHECK (length(phone_number) BETWEEN 1 AND 64);
ALTER TABLE calls ADD COLUMN external_id TEXT CHECK (length(external_id) BETWEEN 1 AND 255);
CREATE UNIQUE INDEX calls_by_external_id ON calls (account_id, external_id) WHERE external_id IS NOT NULL;

-- The folded words of the contents, by the id of the call. The words are folded, so the tokenizer has to split them at
-- the spaces only. Callbook fills the table after the migration.
CREATE VIRTUAL TABLE call_words USING fts5 (
  words, content = '', contentless_delete = 1, tokenize = 'ascii', detail = 'none'
);

-- How far the index of words has been made: up to this call of each account.
CREATE TABLE search_index_progress (
  account_id INTEGER PRIMARY KEY NOT NULL,
  version INTEGER NOT NULL,
  call_id BIGINT NOT NULL
);

-- What was deleted, for other systems that follow the account.
CREATE TABLE deletions (
  number INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  -- 1: a call, 2: a contact
  object SMALLINT NOT NULL CHECK (object IN (1, 2)),
  object_id BIGINT NOT NULL,
  uuid BLOB NOT NULL,
  external_id TEXT,
  deleted_at BIGINT NOT NULL
);
CREATE INDEX deletions_by_deleted_at ON deletions (account_id, deleted_at);
