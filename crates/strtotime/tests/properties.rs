//! Properties of all texts.

use proptest::prelude::*;
use strtotime::{ErrorKind, parse, strtotime};

const NOW: i64 = 1_709_202_030;

/// Pieces of formats, and some that belong to no format.
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
    fn returns_error_offsets_within_the_text(text in any::<String>(), now in any::<i64>()) {
        if let Err(error) = parse(&text, now) {
            prop_assert!(error.offset() <= text.len());
        }
    }

    #[test]
    fn returns_error_offsets_at_character_boundaries(text in pieces(), now in any::<i64>()) {
        if let Err(error) = parse(&text, now) {
            prop_assert!(text.is_char_boundary(error.offset()), "{text:?} {error}");
        }
    }

    #[test]
    fn strtotime_and_parse_agree(text in pieces()) {
        prop_assert_eq!(strtotime(&text, NOW), parse(&text, NOW).ok());
    }

    #[test]
    fn ignores_surrounding_white_space(text in pieces(), before in "[ \t\r\n]{0,3}", after in "[ \t\r\n]{0,3}") {
        prop_assume!(!text.trim_matches([' ', '\t', '\n', '\x0b', '\x0c', '\r']).is_empty());
        prop_assert_eq!(strtotime(&format!("{before}{text}{after}"), NOW), strtotime(&text, NOW));
    }

    #[test]
    fn parses_iso_8601_texts_of_the_years_1_to_9999(timestamp in -62_135_596_800_i64..253_402_300_800) {
        let text = chrono::DateTime::from_timestamp(timestamp, 0).map(|utc| format!("{:?}", utc.naive_utc()));
        let text = format!("{}Z", text.unwrap_or_default());
        prop_assert_eq!(strtotime(&text, NOW), Some(timestamp), "{}", text);
    }

    #[test]
    fn parses_every_unix_timestamp(timestamp in any::<i64>()) {
        prop_assert_eq!(strtotime(&format!("@{timestamp}"), NOW), Some(timestamp));
    }
}

#[test]
fn handles_texts_of_100_000_characters() {
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
fn accepts_100_000_spaces_between_tokens() {
    let spaces = " ".repeat(100_000);
    assert_eq!(strtotime(&format!("2018-02-02{spaces}10:00"), NOW), Some(1_517_565_600));
    assert_eq!(strtotime(&format!("2018-02-02{spaces}5 days"), NOW), Some(1_517_961_600));
}

#[test]
fn returns_the_kind_and_offset_of_an_error() {
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
