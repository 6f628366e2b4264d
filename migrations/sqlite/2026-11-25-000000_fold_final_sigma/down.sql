-- Searched texts are made of others; none is lost.
SELECT 1;
