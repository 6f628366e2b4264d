//! Named zones outside the tables of chrono-tz. The expected timestamps are those of tzdata 2025b with `backzone`.

use strtotime::strtotime;

#[test]
fn keeps_the_history_of_identifiers_before_1970() {
    assert_eq!(strtotime("1930-01-01 12:00 Europe/Amsterdam", 0), Some(-1_262_261_972));
    assert_eq!(strtotime("1900-01-01 12:00 Africa/Luanda", 0), Some(-2_208_948_724));
    assert_eq!(strtotime("1912-01-01 12:00 Africa/Luanda", 0), Some(-1_830_344_400));
    assert_eq!(strtotime("1969-12-31 23:00 Europe/Amsterdam", 0), Some(-7_200));
}

#[test]
fn uses_local_mean_time_for_all_early_years() {
    assert_eq!(strtotime("1700-01-01 12:00 Europe/Paris", 0), Some(-8_520_293_361));
    assert_eq!(strtotime("-9999-01-01 Europe/Paris", 0), strtotime("-9999-01-01 +00:09:21", 0));
}

#[test]
fn applies_the_current_rules_to_all_later_years() {
    assert_eq!(strtotime("2180-07-20 Europe/Paris", 0), Some(6_644_325_600));
    assert_eq!(strtotime("9998-01-15 12:00 Australia/Sydney", 0), Some(253_340_442_000));
    assert_eq!(strtotime("+1000000-07-01 Europe/Paris", 0), strtotime("+1000000-07-01 +2", 0));
}

#[test]
fn ends_exceptions_to_the_rules_with_their_table() {
    assert_eq!(strtotime("2150-07-01 12:00 Africa/Casablanca", 0), Some(5_695_959_600));
    assert_eq!(strtotime("2428-05-09 12:00 Asia/Hebron", 0), Some(14_464_256_400));
}
