//! Phone numbers, and when two of them are the same.
//!
//! Two numbers are the same if they denote one subscriber, however they are written: with or without spaces, punctuation,
//! the country code or the trunk prefix. A store holds the key of a number ([`phone_key`]), which does not depend on the
//! region. A [`PhoneSearch`] says which ranges of keys to read, and which of the keys are of the same number.

use std::fmt::{self, Write};
use std::ops::RangeInclusive;

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumber as LibraryNumber, Region};

use crate::{Text, fold, trim};

/// A phone number as a client writes it.
pub type PhoneNumber = Text<64>;

/// The minimal number of digits of a number that is the end of another one. A shorter one is a short code.
const MIN_DIGITS: usize = 7;

/// The maximal number of digits of an extension.
const MAX_EXTENSION: usize = 20;

/// The maximal number of characters of the key of a text: PostgreSQL indexes at most 2,700 bytes.
const MAX_TEXT: usize = 255;

/// The words before an extension, folded.
const EXTENSION_LABELS: [&str; 8] = ["x", "xt", "ext", "extn", "extension", "int", "anexo", "доб"];

/// A region, by whose rules numbers without a country code are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PhoneRegion(Region);

impl PhoneRegion {
    /// Returns the region with this code of ISO 3166-1 alpha-2, ignoring case. `None` if it has no phone numbers.
    pub fn parse(code: &str) -> Option<Self> {
        let region = Region::from_code(code).ok().filter(|region| *region != Region::World)?;
        PHONE_NUMBER_UTIL.get_country_code_for_region(region).map(|_| Self(region))
    }
}

impl fmt::Display for PhoneRegion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns the key of a number for the index of a store. The same numbers can have different keys.
///
/// The key of a number has its digits in reverse order, then `+` and the country code if the number has one, then `#` and
/// the extension if it has one. The key of a text that is no number is the folded text after `=`. Keys are compared by
/// bytes.
pub fn phone_key(number: &str) -> String {
    Reading::of(number).key()
}

/// A search of what has the same number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PhoneSearch {
    number: PhoneNumber,
    region: Option<PhoneRegion>,
    reading: Reading,
}

impl PhoneSearch {
    /// Searches for the number, without a region.
    pub fn new(number: PhoneNumber) -> Self {
        let reading = Reading::of(number.as_str());
        Self { number, region: None, reading }
    }

    /// Searches for the same number by the rules of the region.
    #[must_use]
    pub fn in_region(self, region: Option<PhoneRegion>) -> Self {
        let reading = Reading::of(self.number.as_str()).in_region(region);
        Self { region, reading, ..self }
    }

    /// Returns the number as it was written.
    pub fn number(&self) -> &PhoneNumber {
        &self.number
    }

    /// Returns ranges of keys. Every key of the same number is in one of them.
    pub fn key_ranges(&self) -> Vec<RangeInclusive<String>> {
        match &self.reading {
            Reading::Digits(dialled) if !dialled.is_short_code() => dialled.key_ranges(),
            reading => vec![reading.key()..=reading.key()],
        }
    }

    /// Whether a number with this key is the same.
    pub fn finds(&self, key: &str) -> bool {
        match (&self.reading, Reading::of_key(key).in_region(self.region)) {
            (Reading::Digits(sought), Reading::Digits(number)) => sought.is_same_as(&number),
            (Reading::Text(sought), Reading::Text(text)) => *sought == text,
            _ => false,
        }
    }
}

/// What a text denotes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Reading {
    /// A number.
    Digits(Dialled),
    /// A text that is no number, such as one with letters, folded and without spaces and punctuation.
    Text(String),
}

impl Reading {
    fn of(text: &str) -> Self {
        let folded = fold(text);
        Dialled::parse(&folded).map_or_else(|| Self::Text(compact(&folded, text)), Self::Digits)
    }

    fn of_key(key: &str) -> Self {
        let text = key.strip_prefix('=').unwrap_or(key);
        Dialled::of_key(key).map_or_else(|| Self::Text(text.to_owned()), Self::Digits)
    }

    fn key(&self) -> String {
        match self {
            Self::Digits(dialled) => dialled.key(),
            Self::Text(text) => format!("={text}"),
        }
    }

    fn in_region(self, region: Option<PhoneRegion>) -> Self {
        match (self, region) {
            (Self::Digits(dialled), Some(PhoneRegion(region))) => Self::Digits(dialled.in_region(region)),
            (reading, _) => reading,
        }
    }
}

/// Returns the letters, digits and dialled symbols of a folded text, or the text itself if it has none.
fn compact(folded: &str, text: &str) -> String {
    let is_significant = |c: &char| c.is_alphanumeric() || "+*#".contains(*c);
    let compact: String = folded.chars().filter(is_significant).take(MAX_TEXT).collect();
    if compact.is_empty() { trim(text).chars().take(MAX_TEXT).collect() } else { compact }
}

/// A number without its writing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Dialled {
    /// The country code, 0 for one that no country has. `None` if the number is written without one.
    country: Option<i32>,
    /// The digits after the country code, without a trunk prefix. All dialled digits if there is no country code.
    digits: String,
    /// The digits of the extension. Empty if there is none.
    extension: String,
}

impl Dialled {
    /// Parses a folded text. `None` if it is no number.
    fn parse(folded: &str) -> Option<Self> {
        let (number, extension) = split_extension(folded.strip_prefix("tel:").unwrap_or(folded))?;
        let (mut digits, mut has_plus) = (String::new(), false);
        for c in number.chars() {
            match digit(c) {
                Some(digit) => digits.push(digit),
                None if c == '+' && digits.is_empty() => has_plus = true,
                None if c.is_alphanumeric() || "+*".contains(c) => return None,
                None => {}
            }
        }
        if digits.is_empty() {
            return None;
        }
        let international = if has_plus {
            with_country_code(&digits)
        } else {
            digits.strip_prefix("00").and_then(with_country_code).filter(is_possible)
        };
        Some(match international {
            Some(number) => Self::international(&number, extension),
            None => Self { country: has_plus.then_some(0), digits, extension },
        })
    }

    fn international(number: &LibraryNumber, extension: String) -> Self {
        Self { country: Some(number.country_code), digits: number.get_national_significant_number(), extension }
    }

    /// Returns the number of the key. `None` if the key is that of a text.
    fn of_key(key: &str) -> Option<Self> {
        let (number, extension) = key.split_once('#').unwrap_or((key, ""));
        let (reversed, country) = match number.split_once('+') {
            Some((reversed, country)) => (reversed, Some(country.parse().ok()?)),
            None => (number, None),
        };
        let is_number = !reversed.is_empty() && reversed.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| Self { country, digits: reverse(reversed), extension: extension.to_owned() })
    }

    fn key(&self) -> String {
        let mut key = reverse(&self.digits);
        if let Some(country) = self.country {
            // Writing to a String cannot fail.
            let _ = write!(key, "+{country}");
        }
        if !self.extension.is_empty() {
            let _ = write!(key, "#{}", self.extension);
        }
        key
    }

    /// Reads a number without country code by the rules of the region. A short code stays what it is, but a region can
    /// have short numbers of subscribers. Digits that are too many for the region can begin with a country code.
    fn in_region(self, region: Region) -> Self {
        if self.country.is_some() {
            return self;
        }
        let in_region = LibraryNumber::parse(&self.digits, Some(region)).ok();
        let number = if self.is_short_code() {
            in_region.filter(LibraryNumber::is_valid)
        } else if in_region.as_ref().is_some_and(is_possible) {
            in_region
        } else {
            with_country_code(&self.digits).filter(is_possible).or(in_region)
        };
        match number {
            Some(number) => Self::international(&number, self.extension),
            None => self,
        }
    }

    /// Whether the number has no country code and too few digits to be the end of another one.
    fn is_short_code(&self) -> bool {
        self.country.is_none() && self.without_trunk_prefix().len() < MIN_DIGITS
    }

    fn without_trunk_prefix(&self) -> &str {
        let trunk_prefix = if self.country.is_none() { "0" } else { "" };
        self.digits.strip_prefix(trunk_prefix).unwrap_or(&self.digits)
    }

    /// Whether both numbers denote one subscriber. Without a country code, a number can be the end of another one.
    fn is_same_as(&self, other: &Self) -> bool {
        let is_equal = self.country == other.country && self.digits == other.digits;
        let is_complete = self.country.is_some() && other.country.is_some();
        let is_same = is_equal || !is_complete && is_end(self.without_trunk_prefix(), other.without_trunk_prefix());
        is_same && self.extension == other.extension
    }

    /// Returns the ranges of the keys that are the end of the number, or of which it is the end.
    fn key_ranges(&self) -> Vec<RangeInclusive<String>> {
        let reversed = reverse(self.without_trunk_prefix());
        // After the digits, a key ends or has `#`, `+`, or the trunk prefix 0 and then the same. `/` follows these and
        // precedes the digits.
        let ends = (MIN_DIGITS..reversed.len()).filter_map(|digits| reversed.get(..digits));
        let ends: Vec<_> = ends.map(|end| end.to_owned()..=format!("{end}0/")).collect();
        let with_this_end = format!("{reversed}~");
        ends.into_iter().chain([reversed..=with_this_end]).collect()
    }
}

/// Parses digits that begin with a country code. `None` if they do not.
fn with_country_code(digits: &str) -> Option<LibraryNumber> {
    LibraryNumber::parse(format!("+{digits}"), None).ok()
}

/// Whether the number has as many digits as the numbers of its country, with or without the area code.
fn is_possible(number: &LibraryNumber) -> bool {
    number.is_possible_with_reason().is_ok()
}

fn reverse(digits: &str) -> String {
    digits.chars().rev().collect()
}

/// Whether the shorter number is the end of the longer one, and no short code.
fn is_end(one: &str, other: &str) -> bool {
    let (shorter, longer) = if one.len() < other.len() { (one, other) } else { (other, one) };
    shorter.len() >= MIN_DIGITS && longer.ends_with(shorter)
}

/// Returns the digit as an ASCII digit. `None` if the character is no decimal digit of any script.
fn digit(c: char) -> Option<char> {
    if c.is_ascii() || !c.is_numeric() {
        return Some(c).filter(char::is_ascii_digit);
    }
    PHONE_NUMBER_UTIL.normalize_digits_only(c.to_string()).chars().next()
}

/// Splits a folded text into a number and the digits of its extension, such as those of `x5`, `ext. 5`, `;ext=5` or `#5`.
/// `None` if it has letters or symbols that are no label of an extension.
fn split_extension(folded: &str) -> Option<(&str, String)> {
    let Some(start) = folded.find(|c: char| c.is_alphabetic() || "#,;".contains(c)) else {
        return Some((folded, String::new()));
    };
    let (number, rest) = folded.split_at(start);
    let (label, extension) = rest.split_at(rest.find(char::is_numeric)?);
    let letters: String = label.chars().filter(|c| c.is_alphabetic()).collect();
    let is_label = (letters.is_empty() || EXTENSION_LABELS.contains(&letters.as_str()))
        && label.chars().all(|c| c.is_alphabetic() || " .:=-#,;".contains(c));
    let extension: String = extension.trim_end_matches('#').chars().map(digit).collect::<Option<_>>()?;
    (is_label && extension.len() <= MAX_EXTENSION).then_some((number, extension))
}

#[cfg(test)]
mod tests {
    use rlibphonenumber::PhoneNumberFormat;

    use super::*;

    fn search(number: &str, region: Option<&str>) -> PhoneSearch {
        let region = region.map(|code| PhoneRegion::parse(code).unwrap());
        PhoneSearch::new(PhoneNumber::parse(number).unwrap()).in_region(region)
    }

    /// Whether the numbers are the same. A key of the same number must be in a range of the search.
    fn is_same(one: &str, other: &str, region: Option<&str>) -> bool {
        let finds = |sought: &str, stored: &str| {
            let (search, key) = (search(sought, region), phone_key(stored));
            let finds = search.finds(&key);
            let ranges = search.key_ranges();
            assert!(!finds || ranges.iter().any(|range| range.contains(&key)), "{sought:?} {stored:?} {ranges:?}");
            finds
        };
        let is_same = finds(one, other);
        assert_eq!(finds(other, one), is_same, "{one:?} {other:?} {region:?}");
        is_same
    }

    fn assert_same(numbers: &[&str], region: Option<&str>) {
        for one in numbers {
            for other in numbers {
                assert!(is_same(one, other, region), "{one:?} {other:?} {region:?}");
            }
        }
    }

    fn assert_different(numbers: &[&str], region: Option<&str>) {
        for (n, one) in numbers.iter().enumerate() {
            for other in &numbers[n + 1..] {
                assert!(!is_same(one, other, region), "{one:?} {other:?} {region:?}");
            }
        }
    }

    #[test]
    fn the_writing_of_a_number_does_not_matter() {
        let writings = [
            "+41 31 000 00 00",
            "0310000000",
            "0041310000000",
            "+41 (0)31 000 00 00",
            "00 41 (0) 31 / 000.00-00",
            "tel:+41-31-000-00-00",
            "\u{202a}+41\u{a0}31\u{2011}000\u{2011}00\u{2011}00\u{202c}",
            "＋４１ ３１ ０００ ００ ００",
            "+٤١ ٣١ ٠٠٠ ٠٠ ٠٠",
            "41310000000",
            "310000000",
        ];
        assert_same(&writings, None);
        assert_same(&writings, Some("CH"));
        assert_same(&["+1 555 0100", "555-0100", "001 555 0100", "1 (555) 0100"], None);
        assert_same(&["+1 212 555 0100", "1-212-555-0100", "(212) 555-0100"], Some("US"));
        assert_same(&["+7 495 123-45-67", "8 (495) 123-45-67"], None);
        assert_same(&["+7 495 123-45-67", "8 (495) 123-45-67", "495 1234567"], Some("RU"));
        assert_same(&["+39 06 1234 5678", "0039 06 12345678", "06 12345678"], None);
        assert_same(&["+39 06 1234 5678", "0039 06 12345678", "06 12345678"], Some("IT"));
        assert_same(&["+1 555 0100", "555-0100", "001 555 0100", "1 (555) 0100"], Some("US"));
        assert_same(&["+41 31 000 00 00", "41310000000", "011 41 31 000 00 00", "00 41 31 000 00 00"], Some("US"));
    }

    #[test]
    fn numbers_of_every_region_are_the_same_in_every_format() {
        let (mut regions, mut without_region) = (0, 0);
        for region in PHONE_NUMBER_UTIL.get_supported_regions() {
            let Ok(example) = PHONE_NUMBER_UTIL.get_example_number(region) else { continue };
            let national = example.format_as(PhoneNumberFormat::National);
            let international = example.format_as(PhoneNumberFormat::International);
            let e164 = example.format_as(PhoneNumberFormat::E164);
            let dialled = e164.replace('+', "00");
            assert_same(&[&national, &international, &e164, &dialled], Some(&region.to_string()));
            assert_same(&[&international, &e164, &dialled], None);
            regions += 1;
            without_region += i32::from(is_same(&national, &e164, None));
        }
        assert!(regions > 200 && without_region > regions - 30, "{without_region} of {regions}");
    }

    #[test]
    fn without_a_region_a_number_can_be_the_end_of_another_one() {
        assert!(is_same("555 0100", "+1 212 555 0100", None));
        assert!(is_same("031 000 00 00", "+49 31 000 00 00", None));
        assert!(!is_same("55 0100", "+1 212 555 0100", None), "six digits");
        assert!(!is_same("0 550100", "+1 212 555 0100", None), "six digits after the trunk prefix");
        assert_different(&["+41 31 000 00 00", "+49 31 000 00 00", "+1 212 555 0100", "+1 555 0100"], None);
        assert_different(&["+41 31 000 00 00", "031 000 00 01", "021 000 00 00"], None);
    }

    #[test]
    fn a_region_says_how_numbers_without_country_code_are_read() {
        assert!(!is_same("031 000 00 00", "+49 31 000 00 00", Some("CH")));
        assert!(is_same("031 000 00 00", "+49 31 000 00 00", Some("DE")));
        assert!(!is_same("555 0100", "+1 212 555 0100", Some("US")), "a local number of another area");
        assert!(is_same("321234", "+299 321234", Some("GL")), "a subscriber has six digits");
        assert!(!is_same("321234", "+299 321234", None));
    }

    #[test]
    fn a_short_code_is_found_only_exactly() {
        assert_same(&["100", "1-00", " 1 0 0 "], None);
        for region in [None, Some("CH"), Some("US"), Some("DE")] {
            assert_different(&["100", "+1 555 0100", "0100", "+41 100", "117", "5550 117", "0 31 000 01 17"], region);
        }
    }

    #[test]
    fn an_extension_matters_but_not_how_it_is_written() {
        let numbers: Vec<String> = ["x5", " ext. 5", ";ext=5", " #5", ",,5", " extensión 5", " доб. 5#", "Ext:5"]
            .map(|extension| format!("+41 31 000 00 00{extension}"))
            .to_vec();
        assert_same(&numbers.iter().map(String::as_str).collect::<Vec<_>>(), None);
        assert_same(&["031 000 00 00 x5", "+41 31 000 00 00;ext=5"], Some("CH"));
        assert_different(&["+41 31 000 00 00", "+41 31 000 00 00 x5", "0310000000 x6", "+41 31 000 00 005"], None);
        assert_different(&["100 x1", "100"], None);
    }

    #[test]
    fn a_text_that_is_no_number_is_found_exactly() {
        assert_same(&["1-800-FLOWERS", "1 800 flowers"], None);
        assert_same(&["ΣΊΣΥΦΟΣ", "σισυφος"], Some("GR"));
        let texts =
            ["1-800-356-9377", "1-800-FLOWERS", "*100#", "100", "☎", "\u{301}", "x5", "+", "031 000 00 00 home"];
        assert_different(&texts, None);
        assert_different(&texts, Some("US"));
        for text in texts {
            assert!(is_same(text, text, None), "{text:?}");
        }
    }

    #[test]
    fn hostile_texts_are_read_without_a_panic() {
        let parts =
            ["+", "00", "0", "41", "é", ";ext=", "tel:", ";phone-context=a.b", "x", "#", "٣", "½", "\u{301}", "999"];
        for first in parts {
            for second in parts {
                for third in parts {
                    let text = format!("{first}{second}{third}");
                    assert!(is_same(&text, &text, None), "{text:?}");
                    assert!(is_same(&text, &text, Some("AR")), "{text:?}");
                }
            }
        }
        assert!(phone_key(&"\u{fdfa}".repeat(255)).chars().count() <= MAX_TEXT + 1);
        assert_eq!(phone_key(&"1".repeat(255)).len(), 255);
    }

    #[test]
    fn keys_have_a_stable_form() {
        assert_eq!(phone_key("+41 (0)31 000 00 12 x5"), "210000013+41#5");
        assert_eq!(phone_key("031 000 00 12"), "2100000130");
        assert_eq!(phone_key("+999 12"), "21999+0");
        assert_eq!(phone_key("1-800-Flowers"), "=1800flowers");
    }

    #[test]
    fn a_region_is_named_by_its_code() {
        assert_eq!(PhoneRegion::parse("ch").unwrap().to_string(), "CH");
        for code in ["", "C", "CHE", "ZZ", "EU", "001", "é", "41"] {
            assert_eq!(PhoneRegion::parse(code), None, "{code:?}");
        }
    }
}
