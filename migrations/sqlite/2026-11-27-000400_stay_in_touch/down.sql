DROP INDEX contacts_by_trigger_date;
DROP INDEX contacts_without_trigger_date;
ALTER TABLE contacts DROP COLUMN stay_in_touch_trigger_date;
ALTER TABLE contacts DROP COLUMN stay_in_touch_frequency;
