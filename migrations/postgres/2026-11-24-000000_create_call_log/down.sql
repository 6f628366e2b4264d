DROP TABLE call_counts;
DROP TABLE calls;
DROP TABLE contacts;
DROP TABLE tokens;
DROP TABLE accounts;
