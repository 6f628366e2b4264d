-- search_text has the distinct folded words of a contact, separated by spaces. Callbook fills it after the migration,
-- because SQL cannot fold as Callbook does, and stores the version of the folding.
UPDATE contacts SET search_text = '';
-- The words are folded, so the tokenizer has to split them at the spaces only.
CREATE VIRTUAL TABLE contact_words USING fts5 (
  search_text, content = 'contacts', content_rowid = 'id', tokenize = 'ascii', detail = 'none', columnsize = 0
);
INSERT INTO contact_words (contact_words) VALUES ('rebuild');
CREATE TRIGGER contact_words_insert AFTER INSERT ON contacts BEGIN
  INSERT INTO contact_words (rowid, search_text) VALUES (new.id, new.search_text);
END;
CREATE TRIGGER contact_words_delete AFTER DELETE ON contacts BEGIN
  INSERT INTO contact_words (contact_words, rowid, search_text) VALUES ('delete', old.id, old.search_text);
END;
CREATE TRIGGER contact_words_update AFTER UPDATE OF search_text ON contacts
WHEN old.search_text <> new.search_text BEGIN
  INSERT INTO contact_words (contact_words, rowid, search_text) VALUES ('delete', old.id, old.search_text);
  INSERT INTO contact_words (rowid, search_text) VALUES (new.id, new.search_text);
END;
CREATE TABLE search_index (version INTEGER PRIMARY KEY NOT NULL);
