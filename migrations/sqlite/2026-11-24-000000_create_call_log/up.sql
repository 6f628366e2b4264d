-- Timestamps are Unix seconds, UUIDs are 16 bytes. AUTOINCREMENT never reuses an id.

CREATE TABLE accounts (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  name TEXT NOT NULL,
  created_at BIGINT NOT NULL
);

CREATE TABLE tokens (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  name TEXT NOT NULL,
  hash BLOB NOT NULL UNIQUE,
  read_only BOOLEAN NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT,
  revoked_at BIGINT
);

CREATE TABLE contacts (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  uuid BLOB NOT NULL,
  first_name TEXT NOT NULL CHECK (length(first_name) BETWEEN 1 AND 255),
  middle_name TEXT,
  last_name TEXT,
  nickname TEXT,
  gender TEXT,
  is_starred BOOLEAN NOT NULL,
  is_partial BOOLEAN NOT NULL,
  is_active BOOLEAN NOT NULL,
  is_dead BOOLEAN NOT NULL,
  birthdate BIGINT,
  birthdate_is_age_based BOOLEAN NOT NULL,
  birthdate_is_year_unknown BOOLEAN NOT NULL,
  deceased_date BIGINT,
  deceased_date_is_age_based BOOLEAN NOT NULL,
  deceased_date_is_year_unknown BOOLEAN NOT NULL,
  description TEXT,
  job TEXT,
  company TEXT,
  -- folded names and texts; used by the search
  search_text TEXT NOT NULL,
  -- last_called and calls are updated with every write of a call
  last_called BIGINT,
  calls BIGINT NOT NULL DEFAULT 0 CHECK (calls >= 0),
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  UNIQUE (account_id, id)
);
CREATE INDEX contacts_by_created_at ON contacts (account_id, created_at);
CREATE INDEX contacts_by_updated_at ON contacts (account_id, updated_at);

CREATE TABLE calls (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  account_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  uuid BLOB NOT NULL,
  called_at BIGINT NOT NULL,
  content TEXT CHECK (length(content) BETWEEN 1 AND 100000),
  contact_called BOOLEAN,
  -- emotion ids, separated by commas
  emotions TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  updated_at BIGINT NOT NULL,
  FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
-- SQLite appends the rowid, here the id, to every index, which orders calls with equal timestamps.
CREATE INDEX calls_by_called_at ON calls (account_id, called_at);
CREATE INDEX calls_by_created_at ON calls (account_id, created_at);
CREATE INDEX calls_by_updated_at ON calls (account_id, updated_at);
CREATE INDEX calls_by_contact ON calls (account_id, contact_id, called_at);

-- The number of calls of an account per month of called_at, so that totals and years need no count.
CREATE TABLE call_counts (
  account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
  -- months since January of year 0
  month INTEGER NOT NULL,
  calls BIGINT NOT NULL,
  PRIMARY KEY (account_id, month)
) WITHOUT ROWID;
