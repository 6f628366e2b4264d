//! Reads the parts of one token. The token table vouches for the parts that a format has.

use crate::error::ErrorKind;
use crate::zone::Zone;

const SPACE: [char; 4] = [' ', '\t', '\u{a0}', '\u{202f}'];

/// What is left of a token.
pub struct Scan<'a>(&'a str);

impl<'a> Scan<'a> {
    pub fn new(token: &'a str) -> Self {
        Self(token)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn starts_with(&self, characters: &[char]) -> bool {
        self.0.starts_with(characters)
    }

    /// Does a minute or second follow?
    pub fn has_time_part(&self) -> bool {
        self.0.starts_with(|c: char| c == ':' || c == '.' || c.is_ascii_digit())
    }

    pub fn has_digit(&self) -> bool {
        self.0.bytes().any(|byte| byte.is_ascii_digit())
    }

    /// The next number, of at most so many digits.
    pub fn number(&mut self, max_digits: usize) -> i128 {
        self.skip_to_digit();
        self.digits(max_digits).parse().unwrap_or_default()
    }

    /// The next number; an odd count of minus signs anywhere before it makes it negative.
    pub fn signed_number(&mut self, max_digits: usize) -> Result<i128, ErrorKind> {
        let signs = self.skip_to_digit();
        let number: i128 = self.digits(max_digits).parse().unwrap_or_default();
        let signed = if signs.matches('-').count() % 2 == 1 { -number } else { number };
        in_64_bits(signed)
    }

    /// A year; one of fewer than four digits and below 100 lies within 1970 to 2069.
    pub fn year(&mut self) -> i128 {
        self.skip_to_digit();
        let digits = self.digits(4);
        match digits.parse().unwrap_or_default() {
            year @ 0..70 if digits.len() < 4 => year + 2000,
            year @ 70..100 if digits.len() < 4 => year + 1900,
            year => year,
        }
    }

    /// A day of the month, with or without its suffix.
    pub fn day(&mut self) -> i128 {
        let day = self.number(2);
        if let Some(rest) = ["st", "nd", "rd", "th"].iter().find_map(|suffix| self.0.strip_prefix(suffix)) {
            self.0 = rest;
        }
        day
    }

    /// Microseconds after a point or colon.
    pub fn fraction(&mut self) -> Result<i128, ErrorKind> {
        self.0 = self.0.strip_prefix(['.', ':']).unwrap_or(self.0);
        let digits = self.digits(usize::MAX);
        if digits.is_empty() {
            return Err(ErrorKind::UnexpectedCharacter);
        }
        // PHP multiplies floating point numbers: many nines round up, infinity becomes the least integer.
        let number = |text: &str| text.parse::<f64>().unwrap_or_default();
        let places = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let microseconds = number(digits) * number(&format!("1e{}", 6 - places));
        #[expect(clippy::cast_possible_truncation, reason = "below a million and one")]
        Ok(if microseconds.is_finite() { microseconds as i128 } else { i64::MIN.into() })
    }

    pub fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches(SPACE);
    }

    /// The hour of the day that an hour with a meridian means.
    pub fn meridian(&mut self, hour: i128) -> i128 {
        self.skip_space();
        match self.0.bytes().next() {
            Some(b'a' | b'A') if hour == 12 => 0,
            Some(b'p' | b'P') if hour != 12 => hour + 12,
            _ => hour,
        }
    }

    /// The next word.
    pub fn word(&mut self) -> &'a str {
        let start = self.0.trim_start_matches(|c: char| !c.is_alphabetic());
        let end = start.find(|c: char| !c.is_alphabetic()).unwrap_or(start.len());
        let (word, rest) = start.split_at(end);
        self.0 = rest;
        word
    }

    /// The number of a textual month.
    pub fn month(&mut self) -> i128 {
        const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
        const NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let word = self.word();
        let start = word.get(..3).unwrap_or_default();
        place(&ROMAN, |roman| roman == word)
            .or_else(|| place(&NAMES, |name| start.eq_ignore_ascii_case(name)))
            .unwrap_or(0)
    }

    /// The zone that the rest names, which may stand in brackets.
    pub fn zone(&mut self) -> Result<Zone, ErrorKind> {
        let name = self.0.trim_start_matches([' ', '\t']).trim_start_matches('(').trim_end_matches(')');
        Zone::parse(name).ok_or(ErrorKind::UnknownZone)
    }

    /// Passes over everything before the next digit.
    fn skip_to_digit(&mut self) -> &'a str {
        let start = self.0.find(|c: char| c.is_ascii_digit()).unwrap_or(self.0.len());
        let (before, rest) = self.0.split_at(start);
        self.0 = rest;
        before
    }

    fn digits(&mut self, max: usize) -> &'a str {
        let end = self.0.bytes().take(max).take_while(u8::is_ascii_digit).count();
        let (digits, rest) = self.0.split_at(end);
        self.0 = rest;
        digits
    }
}

/// PHP refuses a number that does not fit 64 bits.
pub fn in_64_bits(number: i128) -> Result<i128, ErrorKind> {
    i64::try_from(number).map(i128::from).map_err(|_| ErrorKind::OutOfRange)
}

/// The place in a table, counted from 1.
pub fn place(table: &[&str], is_it: impl Fn(&str) -> bool) -> Option<i128> {
    (1..).zip(table).find(|(_, name)| is_it(name)).map(|(place, _)| place)
}
