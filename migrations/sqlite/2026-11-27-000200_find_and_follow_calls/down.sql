DROP TABLE deletions;
DROP TABLE search_index_progress;
DROP TABLE call_words;
DROP INDEX calls_by_external_id;
ALTER TABLE calls DROP COLUMN external_id;
ALTER TABLE calls DROP COLUMN phone_number;
ALTER TABLE calls DROP COLUMN answered;
