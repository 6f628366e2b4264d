-- Fold a final sigma like any other sigma.
UPDATE contacts SET search_text = replace(search_text, 'ς', 'σ') WHERE search_text LIKE '%ς%';
UPDATE contact_fields SET search_data = replace(search_data, 'ς', 'σ') WHERE search_data LIKE '%ς%';
