-- When the contact is to be called next: so many days after the newest call, or after the creation without calls. The
-- value is that of domain::StayInTouchFrequency::trigger_date; it is computed from the columns, so every write of
-- last_called moves it. The number is 9999-12-31T23:59:58Z.
ALTER TABLE contacts ADD COLUMN stay_in_touch_frequency INTEGER CHECK (stay_in_touch_frequency BETWEEN 1 AND 3650);
ALTER TABLE contacts ADD COLUMN stay_in_touch_trigger_date BIGINT GENERATED ALWAYS AS (
  min(coalesce(last_called, created_at) + stay_in_touch_frequency * 86400, 253402300798)
) VIRTUAL;
-- Two indexes, so that a call of a contact without a frequency writes to neither of them.
CREATE INDEX contacts_by_trigger_date ON contacts (account_id, stay_in_touch_trigger_date)
  WHERE stay_in_touch_frequency IS NOT NULL;
CREATE INDEX contacts_without_trigger_date ON contacts (account_id) WHERE stay_in_touch_frequency IS NULL;
