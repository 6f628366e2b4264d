//! Reads the parts of one token. The token table guarantees that the parts of a format are present.

use crate::error::ErrorKind;
use crate::zone::Zone;

const SPACE: [char; 4] = [' ', '\t', '\u{a0}', '\u{202f}'];

/// The rest of a token that is not read yet.
pub struct Scanner<'a>(&'a str);

impl<'a> Scanner<'a> {
    pub fn new(token: &'a str) -> Self {
        Self(token)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn starts_with(&self, characters: &[char]) -> bool {
        self.0.starts_with(characters)
    }

    /// Whether a minute or a second follows.
    pub fn has_time_part(&self) -> bool {
        self.0.starts_with(|c: char| c == ':' || c == '.' || c.is_ascii_digit())
    }

    pub fn has_digit(&self) -> bool {
        self.0.bytes().any(|byte| byte.is_ascii_digit())
    }

    /// Reads the next number, of at most `max_digits` digits.
    pub fn number(&mut self, max_digits: usize) -> i128 {
        self.skip_to_digit();
        self.digits(max_digits).parse().unwrap_or_default()
    }

    /// Reads the next number. An odd number of minus signs anywhere before it makes it negative.
    pub fn signed_number(&mut self, max_digits: usize) -> Result<i128, ErrorKind> {
        let signs = self.skip_to_digit();
        let number: i128 = self.digits(max_digits).parse().unwrap_or_default();
        let signed = if signs.matches('-').count() % 2 == 1 { -number } else { number };
        check_64_bits(signed)
    }

    /// Reads a year. With fewer than four digits, 0 to 69 mean 2000 to 2069 and 70 to 99 mean 1970 to 1999.
    pub fn year(&mut self) -> i128 {
        self.skip_to_digit();
        let digits = self.digits(4);
        match digits.parse().unwrap_or_default() {
            year @ 0..70 if digits.len() < 4 => year + 2000,
            year @ 70..100 if digits.len() < 4 => year + 1900,
            year => year,
        }
    }

    /// Reads a day of the month and its suffix, if present.
    pub fn day(&mut self) -> i128 {
        let day = self.number(2);
        if let Some(rest) = ["st", "nd", "rd", "th"].iter().find_map(|suffix| self.0.strip_prefix(suffix)) {
            self.0 = rest;
        }
        day
    }

    /// Reads a fraction after a point or a colon, in microseconds.
    pub fn fraction(&mut self) -> Result<i128, ErrorKind> {
        self.0 = self.0.strip_prefix(['.', ':']).unwrap_or(self.0);
        let digits = self.digits(usize::MAX);
        if digits.is_empty() {
            return Err(ErrorKind::UnexpectedCharacter);
        }
        // PHP multiplies floats: a long row of nines rounds up, and infinity becomes the smallest integer.
        let number = |text: &str| text.parse::<f64>().unwrap_or_default();
        let places = i64::try_from(digits.len()).unwrap_or(i64::MAX);
        let microseconds = number(digits) * number(&format!("1e{}", 6 - places));
        #[expect(clippy::cast_possible_truncation, reason = "at most a million")]
        Ok(if microseconds.is_finite() { microseconds as i128 } else { i64::MIN.into() })
    }

    pub fn skip_space(&mut self) {
        self.0 = self.0.trim_start_matches(SPACE);
    }

    /// Applies the meridian that follows to an hour of the 12-hour clock.
    pub fn meridian(&mut self, hour: i128) -> i128 {
        self.skip_space();
        match self.0.bytes().next() {
            Some(b'a' | b'A') if hour == 12 => 0,
            Some(b'p' | b'P') if hour != 12 => hour + 12,
            _ => hour,
        }
    }

    /// Reads the next word.
    pub fn word(&mut self) -> &'a str {
        let start = self.0.trim_start_matches(|c: char| !c.is_alphabetic());
        let end = start.find(|c: char| !c.is_alphabetic()).unwrap_or(start.len());
        let (word, rest) = start.split_at(end);
        self.0 = rest;
        word
    }

    /// Reads the name, the abbreviation or the Roman numeral of a month. Returns its number.
    pub fn month(&mut self) -> i128 {
        const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];
        const NAMES: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
        let word = self.word();
        let start = word.get(..3).unwrap_or_default();
        ordinal(&ROMAN, |roman| roman == word)
            .or_else(|| ordinal(&NAMES, |name| start.eq_ignore_ascii_case(name)))
            .unwrap_or(0)
    }

    /// Reads the rest as a zone, optionally in parentheses.
    pub fn zone(&mut self) -> Result<Zone, ErrorKind> {
        let name = self.0.trim_start_matches([' ', '\t']).trim_start_matches('(').trim_end_matches(')');
        Zone::parse(name).ok_or(ErrorKind::UnknownZone)
    }

    /// Skips everything before the next digit and returns it.
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

/// Rejects a number that does not fit into 64 bits.
pub fn check_64_bits(number: i128) -> Result<i128, ErrorKind> {
    i64::try_from(number).map(i128::from).map_err(|_| ErrorKind::OutOfRange)
}

/// The position of the first match in a table, counted from 1.
pub fn ordinal(table: &[&str], matches: impl Fn(&str) -> bool) -> Option<i128> {
    (1..).zip(table).find(|(_, name)| matches(name)).map(|(ordinal, _)| ordinal)
}
