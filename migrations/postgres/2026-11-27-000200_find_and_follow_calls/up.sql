ALTER TABLE calls
  ADD COLUMN answered boolean,
  ADD COLUMN phone_number text CHECK (char_length(phone_number) BETWEEN 1 AND 64),
  ADD COLUMN external_id text CHECK (char_length(external_id) BETWEEN 1 AND 255);
CREATE UNIQUE INDEX calls_by_external_id ON calls (account_id, external_id) WHERE external_id IS NOT NULL;

-- The folded words of the contents. Callbook fills the table after the migration. It is apart from calls, because an
-- update of a call would otherwise index all its words again.
CREATE TABLE call_words (
  account_id bigint NOT NULL,
  call_id bigint NOT NULL,
  words tsvector NOT NULL,
  PRIMARY KEY (account_id, call_id)
);
CREATE INDEX call_words_by_word ON call_words USING gin (words);

-- How far the index of words has been made: up to this call of each account.
CREATE TABLE search_index_progress (
  account_id bigint PRIMARY KEY,
  version integer NOT NULL,
  call_id bigint NOT NULL
);

-- What was deleted, for other systems that follow the account.
CREATE TABLE deletions (
  account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  number bigserial NOT NULL,
  -- 1: a call, 2: a contact
  object smallint NOT NULL CHECK (object IN (1, 2)),
  object_id bigint NOT NULL,
  uuid uuid NOT NULL,
  external_id text,
  deleted_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, number)
);
CREATE INDEX deletions_by_deleted_at ON deletions (account_id, deleted_at, number);
