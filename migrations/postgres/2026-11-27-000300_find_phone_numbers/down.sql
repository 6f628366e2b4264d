DROP INDEX contact_fields_by_phone_key;
DROP INDEX calls_by_phone_key;
ALTER TABLE contact_fields DROP COLUMN phone_key;
ALTER TABLE calls DROP COLUMN phone_key;
