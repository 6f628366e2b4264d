ALTER TABLE contacts DROP COLUMN stay_in_touch_trigger_date, DROP COLUMN stay_in_touch_frequency;
