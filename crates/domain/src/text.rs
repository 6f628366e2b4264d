//! Texts that people write: trimmed, bounded, without U+0000.

use std::fmt;

/// Why a text was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing is left after trimming.
    #[error("the text is blank")]
    Blank,
    /// It has more code points than this.
    #[error("the text has more than {0} characters")]
    TooLong(usize),
    /// It contains U+0000, which PostgreSQL cannot store.
    #[error("the text contains U+0000")]
    Nul,
}

/// A trimmed text of 1 to `MAX` code points without U+0000.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(String);

/// What a call was about.
pub type Content = Text<100_000>;

/// A name or another text of one line, as Monica bounds it.
pub type Name = Text<255>;

impl<const MAX: usize> Text<MAX> {
    /// The longest text, in code points.
    pub const MAX: usize = MAX;

    /// Trims and takes the text.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = trim(text);
        if text.is_empty() {
            Err(TextError::Blank)
        } else if text.contains('\0') {
            Err(TextError::Nul)
        } else if text.len() > MAX && text.chars().count() > MAX {
            Err(TextError::TooLong(MAX))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// A text that was parsed before it was stored, taken as it is.
    pub fn from_store(text: String) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> From<Text<MAX>> for String {
    fn from(text: Text<MAX>) -> Self {
        text.0
    }
}

impl<const MAX: usize> fmt::Display for Text<MAX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Takes Unicode white space, U+FEFF and U+200B off both ends, as Laravel's `TrimStrings` does.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_are_trimmed_of_all_white_space_and_marks() {
        for text in ["  hi ", "\u{feff}hi\u{200b}", "\u{3000}\t\r\nhi\u{a0}"] {
            assert_eq!(Content::parse(text).unwrap().as_str(), "hi", "{text:?}");
        }
        assert_eq!(Content::parse("a\r\n* b").unwrap().as_str(), "a\r\n* b");
    }

    #[test]
    fn a_blank_text_is_no_text() {
        for text in ["", "   ", "\u{feff}", "\u{200b}\u{200b}", "\r\n\t"] {
            assert_eq!(Content::parse(text), Err(TextError::Blank), "{text:?}");
        }
    }

    #[test]
    fn characters_are_code_points_not_bytes() {
        assert!(Content::parse(&"é".repeat(100_000)).is_ok());
        assert!(Content::parse(&"🎉".repeat(100_000)).is_ok());
        assert_eq!(Content::parse(&"é".repeat(100_001)), Err(TextError::TooLong(100_000)));
        assert!(Name::parse(&"x".repeat(255)).is_ok());
        assert_eq!(Name::parse(&"x".repeat(256)), Err(TextError::TooLong(255)));
    }

    #[test]
    fn nul_is_refused_inside() {
        assert_eq!(Content::parse("a\0b"), Err(TextError::Nul));
    }
}
