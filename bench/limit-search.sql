-- The statements of a search for two words in the store of extensions.py: pgbench -n -M prepared -c 4 -T 5 -f limit-search.sql
\set n random(0, 9999)
\set id random(1, 900000)
BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT month, calls FROM call_counts WHERE account_id = 1 AND calls != 0 ORDER BY month DESC;
SELECT called_at, id FROM calls WHERE account_id = 1 AND id IN (SELECT call_id FROM call_words WHERE account_id = 1 AND words @@ format('''ra%1$s'':* & ''rb%1$s'':*', lpad(:n::text, 4, '0'))::tsquery) LIMIT 1001;
SELECT * FROM calls WHERE account_id = 1 AND id = ANY(ARRAY(SELECT generate_series(:id::bigint, :id::bigint + 90000, 10000)));
SELECT * FROM contacts WHERE account_id = 1 AND id = ANY(ARRAY(SELECT generate_series(:n::bigint % 900, :n::bigint % 900 + 90, 10)));
COMMIT;
