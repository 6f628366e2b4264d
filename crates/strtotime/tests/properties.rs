//! What holds for every text.

use proptest::prelude::*;
use strtotime::{ErrorKind, parse, strtotime};

const NOW: i64 = 1_709_202_030;

/// Pieces that formats are made of, and some that fit nowhere.
const PIECES: &[&str] = &[
    "2018",
    "-02",
    "-30",
    "/",
    "1",
    "12",
    "24",
    "60",
    "99999",
    ":",
    ".",
    ",",
    " ",
    "\t",
    "\n",
    "\0",
    "\u{a0}",
    "+",
    "-",
    "T",
    "W05",
    "@",
    "am",
    "p.m.",
    "jan",
    "September",
    "XII",
    "st",
    "th",
    "monday",
    "sat",
    "weekdays",
    "first",
    "last",
    "next",
    "this",
    " day of",
    " of",
    "back of ",
    "week",
    "month",
    "years",
    "usec",
    "µs",
    "ago",
    "noon",
    "yesterday",
    "EST",
    "(cet)",
    "Europe/Paris",
    "America/Port-au-Prince",
    "GMT+5",
    "9999999999999",
    "é",
    "ſ",
    "x",
];

fn pieces() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(PIECES), 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_is_read_or_refused_at_a_place_within_it(text in any::<String>(), now in any::<i64>()) {
        if let Err(error) = parse(&text, now) {
            prop_assert!(error.offset() <= text.len());
        }
    }

    #[test]
    fn any_mix_of_formats_is_read_or_refused_at_a_character(text in pieces(), now in any::<i64>()) {
        if let Err(error) = parse(&text, now) {
            prop_assert!(text.is_char_boundary(error.offset()), "{text:?} {error}");
        }
    }

    #[test]
    fn both_functions_agree(text in pieces()) {
        prop_assert_eq!(strtotime(&text, NOW), parse(&text, NOW).ok());
    }

    #[test]
    fn white_space_around_a_text_changes_nothing(text in pieces(), before in "[ \t\r\n]{0,3}", after in "[ \t\r\n]{0,3}") {
        prop_assume!(!text.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']).is_empty());
        prop_assert_eq!(strtotime(&format!("{before}{text}{after}"), NOW), strtotime(&text, NOW));
    }

    #[test]
    fn instants_of_the_years_1_to_9999_come_back_from_their_text(instant in -62_135_596_800_i64..253_402_300_800) {
        let text = chrono::DateTime::from_timestamp(instant, 0).map(|utc| format!("{:?}", utc.naive_utc()));
        let text = format!("{}Z", text.unwrap_or_default());
        prop_assert_eq!(strtotime(&text, NOW), Some(instant), "{}", text);
    }

    #[test]
    fn timestamps_are_themselves(instant in any::<i64>()) {
        prop_assert_eq!(strtotime(&format!("@{instant}"), NOW), Some(instant));
    }
}

#[test]
fn texts_of_100_000_characters_are_answered() {
    for piece in PIECES {
        let long = piece.repeat(100_000 / piece.len());
        for text in [
            long.clone(),
            format!("2018-02-02{long}"),
            format!("{long}x"),
            format!("1{long}day"),
            format!("Feb {long}2"),
        ] {
            if let Err(error) = parse(&text, NOW) {
                assert!(error.offset() <= text.len());
            }
        }
    }
}

#[test]
fn spaces_within_a_text_may_be_many() {
    let spaces = " ".repeat(100_000);
    assert_eq!(strtotime(&format!("2018-02-02{spaces}10:00"), NOW), Some(1_517_565_600));
    assert_eq!(strtotime(&format!("2018-02-02{spaces}5 days"), NOW), Some(1_517_961_600));
}

#[test]
fn errors_say_what_and_where() {
    for (text, kind, offset) in [
        ("", ErrorKind::Empty, 0),
        ("2018-02-02 ?", ErrorKind::UnexpectedCharacter, 11),
        ("  10:00 foo", ErrorKind::UnknownZone, 8),
        ("10:00 11:00", ErrorKind::DoubleTime, 6),
        ("2018-02-02 2018-02-03", ErrorKind::DoubleDate, 11),
        ("utc utc utc", ErrorKind::DoubleZone, 8),
        ("@99999999999999999999", ErrorKind::OutOfRange, 0),
    ] {
        let found = parse(text, NOW).map_err(|error| (error.kind(), error.offset()));
        assert_eq!(found, Err((kind, offset)), "{text:?}");
    }
}
