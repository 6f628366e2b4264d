CREATE TABLE contact_fields (
  account_id bigint NOT NULL,
  id bigserial NOT NULL,
  contact_id bigint NOT NULL,
  kind smallint NOT NULL,
  data text NOT NULL CHECK (char_length(data) BETWEEN 1 AND 255),
  -- the digits of a phone number, the folded text of any other field; used by the search
  search_data text NOT NULL,
  created_at timestamptz NOT NULL,
  PRIMARY KEY (account_id, id),
  FOREIGN KEY (account_id, contact_id) REFERENCES contacts (account_id, id) ON DELETE CASCADE
);
CREATE INDEX contact_fields_by_contact ON contact_fields (account_id, contact_id, id);
