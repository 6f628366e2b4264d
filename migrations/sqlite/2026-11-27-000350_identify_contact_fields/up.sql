-- Contact fields get a random UUID (version 4) and the time of their last change. The defaults are replaced at once:
-- SQLite requires constant ones for new columns.
ALTER TABLE contact_fields ADD COLUMN uuid BLOB NOT NULL DEFAULT x'00000000000000000000000000000000';
ALTER TABLE contact_fields ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
UPDATE contact_fields SET updated_at = created_at, uuid = unhex(
  hex(randomblob(6)) || '4' || substr(hex(randomblob(2)), 2)
  || substr('89AB', 1 + (random() & 3), 1) || substr(hex(randomblob(8)), 2)
);
