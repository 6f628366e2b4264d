-- Without the column, a token for a calendar would open the API.
DELETE FROM tokens WHERE feed;
ALTER TABLE tokens DROP COLUMN feed;
