-- The keys and indexes of contacts and calls start with account_id, so that a distributed PostgreSQL can keep the rows of an account on one
-- node. For the same reason, ids are bigserial and not identity columns.

CREATE TABLE accounts (
  id bigserial PRIMARY KEY,
  name text NOT NULL,
  created_at timestamptz NOT NULL
);

CREATE TABLE tokens (
  id bigserial PRIMARY KEY,
  account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name text NOT NULL,
  hash bytea NOT NULL UNIQUE,
  read_only boolean NOT NULL,
  created_at timestamptz NOT NULL,
  expires_at timestamptz,
  revoked_at timestamptz
);

CREATE TABLE contacts (
  account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  id bigserial NOT NULL,
  uuid uuid NOT NULL,
  first_name text NOT NULL CHECK (char_length(first_name) BETWEEN 1 AND 255),
  middle_name text,
  last_name text,
  nickname text,
  gender text,
  is_starred boolean NOT NULL,
  is_partial boolean NOT NULL,
  is_active boolean NOT NULL,
  is_dead boolean NOT NULL,
  birthdate timestamptz,
  birthdate_is_age_based boolean NOT NULL,
  birthdate_is_year_unknown boolean NOT NULL,
  deceased_date timestamptz,
  deceased_date_is_age_based boolean NOT NULL,
  deceased_date_is_year_unknown boolean NOT NULL,
  description text,
  job text,
  company text,
  -- folded names and texts; used by the search
  search_text text NOT NULL,
  -- last_called and calls are updated with every write of a call
  last_called timestamptz,
  calls bigint NOT NULL DEFAULT 0 CHECK (calls >= 0),
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, id)
);
CREATE INDEX contacts_by_created_at ON contacts (account_id, created_at, id);
CREATE INDEX contacts_by_updated_at ON contacts (account_id, updated_at, id);

CREATE TABLE calls (
  account_id bigint NOT NULL,
  id bigserial NOT NULL,
  contact_id bigint NOT NULL,
  uuid uuid NOT NULL,
  called_at timestamptz NOT NULL,
  content text CHECK (char_length(content) BETWEEN 1 AND 100000),
  contact_called boolean,
  -- emotion ids
  emotions smallint[] NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, id),
  FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX calls_by_called_at ON calls (account_id, called_at, id);
CREATE INDEX calls_by_created_at ON calls (account_id, created_at, id);
CREATE INDEX calls_by_updated_at ON calls (account_id, updated_at, id);
CREATE INDEX calls_by_contact ON calls (account_id, contact_id, called_at, id);

-- The number of calls of an account per month of called_at, so that totals and years need no count.
-- Each connection updates the row of its slot, so that writes rarely wait for each other's commit.
-- The number is the sum over the slots; a single slot may be negative.
CREATE TABLE call_counts (
  account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  -- months since January of year 0
  month integer NOT NULL,
  slot integer NOT NULL,
  calls bigint NOT NULL,
  PRIMARY KEY (account_id, month, slot)
);
