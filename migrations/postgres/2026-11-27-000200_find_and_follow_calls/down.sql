DROP TABLE deletions;
DROP TABLE search_index_progress;
DROP TABLE call_words;
DROP INDEX calls_by_external_id;
ALTER TABLE calls DROP COLUMN external_id, DROP COLUMN phone_number, DROP COLUMN answered;
