-- search_text has the distinct folded words of a contact, separated by spaces. Callbook fills it after the migration,
-- because SQL cannot fold as Callbook does, and stores the version of the folding.
UPDATE contacts SET search_text = '';
ALTER TABLE contacts ADD COLUMN search_words tsvector NOT NULL
  GENERATED ALWAYS AS (array_to_tsvector(string_to_array(search_text, ' '))) STORED;
CREATE INDEX contacts_by_word ON contacts USING gin (search_words);
CREATE TABLE search_index (version integer PRIMARY KEY);
