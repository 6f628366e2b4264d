CREATE TABLE contact_fields (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL,
  account_id BIGINT NOT NULL,
  contact_id BIGINT NOT NULL,
  kind INTEGER NOT NULL,
  data TEXT NOT NULL CHECK (length(data) BETWEEN 1 AND 255),
  -- the digits of a phone number, the folded text of any other field; used by the search
  search_data TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_fields_by_contact ON contact_fields (account_id, contact_id);
