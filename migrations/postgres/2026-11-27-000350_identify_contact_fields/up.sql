-- Contact fields get a random UUID (version 4) and the time of their last change.
ALTER TABLE contact_fields
  ADD COLUMN uuid uuid NOT NULL DEFAULT gen_random_uuid(),
  ADD COLUMN updated_at timestamptz;
UPDATE contact_fields SET updated_at = created_at;
ALTER TABLE contact_fields
  ALTER COLUMN uuid DROP DEFAULT,
  ALTER COLUMN updated_at SET NOT NULL;
