ALTER TABLE call_counts DROP CONSTRAINT call_counts_pkey;
ALTER TABLE call_counts ADD COLUMN slot integer NOT NULL DEFAULT 0;
ALTER TABLE call_counts ALTER COLUMN slot DROP DEFAULT;
ALTER TABLE call_counts ADD PRIMARY KEY (account_id, month, slot);
