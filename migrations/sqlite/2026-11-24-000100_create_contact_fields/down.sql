DROP TABLE contact_fields;
