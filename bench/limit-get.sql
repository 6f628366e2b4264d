-- GET one call in plain SQL: reads a call and its contact by id.
\set id random(1, :calls)
SELECT calls.id, calls.uuid, calls.contact_id, called_at, content, contact_called, emotions, calls.created_at,
  calls.updated_at, contacts.id, contacts.uuid, contacts.account_id, first_name, middle_name, last_name, nickname,
  gender, is_starred, is_partial, is_active, is_dead, birthdate, birthdate_is_age_based, birthdate_is_year_unknown,
  deceased_date, deceased_date_is_age_based, deceased_date_is_year_unknown
FROM calls JOIN contacts ON contacts.account_id = calls.account_id AND contacts.id = calls.contact_id
WHERE calls.account_id = 1 AND calls.id = :id;
