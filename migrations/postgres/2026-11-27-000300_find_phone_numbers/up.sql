-- The keys of phone numbers, by which the same numbers are found. Callbook fills them after the migration. Ranges of keys
-- are compared by bytes, not by the rules of a language.
ALTER TABLE calls ADD COLUMN phone_key text COLLATE "C";
ALTER TABLE contact_fields ADD COLUMN phone_key text COLLATE "C";
CREATE INDEX calls_by_phone_key ON calls (account_id, phone_key) WHERE phone_key IS NOT NULL;
CREATE INDEX contact_fields_by_phone_key ON contact_fields (account_id, phone_key, contact_id)
  WHERE phone_key IS NOT NULL;
