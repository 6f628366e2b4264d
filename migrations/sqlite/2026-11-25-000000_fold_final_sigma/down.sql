-- Nothing to do: the search columns are derived from other columns.
SELECT 1;
