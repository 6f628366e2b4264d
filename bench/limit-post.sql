-- POST a call in plain SQL: updates the contact's last_called and number of calls, inserts the call and updates the
-- counter of its month, in one round trip and one commit.
\set contact random(1, 1000)
\set second random(1, 315360000)
\set number random(1, 1000000)
WITH new AS (
  SELECT to_timestamp(1767225600 - :second) AS called_at
), contact AS (
  UPDATE contacts SET last_called = GREATEST(last_called, called_at), calls = calls + 1 FROM new
  WHERE account_id = 1 AND id = :contact AND is_active
  RETURNING id, uuid, account_id, first_name, middle_name, last_name, nickname, gender, is_starred, is_partial,
    is_active, is_dead, birthdate, birthdate_is_age_based, birthdate_is_year_unknown, deceased_date,
    deceased_date_is_age_based, deceased_date_is_year_unknown
), stored AS (
  INSERT INTO calls (account_id, contact_id, uuid, called_at, content, contact_called, emotions, created_at, updated_at)
  SELECT account_id, id, gen_random_uuid(), called_at,
    'Asked for the invoice again; it goes out tomorrow. ' || :number, NULL, '{}', now(), now()
  FROM contact, new
  RETURNING id, uuid
), counted AS (
  INSERT INTO call_counts (account_id, month, slot, calls)
  SELECT account_id,
    date_part('year', called_at AT TIME ZONE 'UTC')::integer * 12
      + date_part('month', called_at AT TIME ZONE 'UTC')::integer - 1,
    pg_backend_pid() % 4, 1
  FROM contact, new
  ON CONFLICT (account_id, month, slot) DO UPDATE SET calls = call_counts.calls + EXCLUDED.calls
)
SELECT stored.*, contact.* FROM stored, contact;
