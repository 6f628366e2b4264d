DROP TABLE search_index;
DROP TRIGGER contact_words_insert;
DROP TRIGGER contact_words_delete;
DROP TRIGGER contact_words_update;
DROP TABLE contact_words;
