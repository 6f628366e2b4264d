-- The keys of phone numbers, by which the same numbers are found. Callbook fills them after the migration.
ALTER TABLE calls ADD COLUMN phone_key TEXT;
ALTER TABLE contact_fields ADD COLUMN phone_key TEXT;
CREATE INDEX calls_by_phone_key ON calls (account_id, phone_key) WHERE phone_key IS NOT NULL;
CREATE INDEX contact_fields_by_phone_key ON contact_fields (account_id, phone_key, contact_id)
  WHERE phone_key IS NOT NULL;
