ALTER TABLE tokens ADD COLUMN feed boolean NOT NULL DEFAULT false;
