DROP TABLE search_index;
ALTER TABLE contacts DROP COLUMN search_words;
