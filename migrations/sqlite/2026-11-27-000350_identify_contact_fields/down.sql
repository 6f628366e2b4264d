ALTER TABLE contact_fields DROP COLUMN uuid;
ALTER TABLE contact_fields DROP COLUMN updated_at;
