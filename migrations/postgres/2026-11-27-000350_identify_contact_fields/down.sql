ALTER TABLE contact_fields DROP COLUMN uuid, DROP COLUMN updated_at;
