-- When the contact is to be called next: so many days after the newest call, or after the creation without calls. The
-- value is that of domain::StayInTouchFrequency::trigger_date; it is computed from the columns, so every write of
-- last_called moves it. The conversions to UTC make the expression independent of the session's time zone.
ALTER TABLE contacts
  ADD COLUMN stay_in_touch_frequency smallint CHECK (stay_in_touch_frequency BETWEEN 1 AND 3650),
  ADD COLUMN stay_in_touch_trigger_date timestamptz GENERATED ALWAYS AS (
    CASE WHEN stay_in_touch_frequency IS NOT NULL THEN least(
      (coalesce(last_called, created_at) AT TIME ZONE 'UTC' + stay_in_touch_frequency * interval '1 day')
        AT TIME ZONE 'UTC',
      timestamptz '9999-12-31 23:59:58+00'
    ) END
  ) STORED;
-- Two indexes, so that a call of a contact without a frequency writes to neither of them.
CREATE INDEX contacts_by_trigger_date ON contacts (account_id, stay_in_touch_trigger_date, id)
  WHERE stay_in_touch_frequency IS NOT NULL;
CREATE INDEX contacts_without_trigger_date ON contacts (account_id, id) WHERE stay_in_touch_frequency IS NULL;
