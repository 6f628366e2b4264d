//! Texts that users write: trimmed, bounded, without U+0000.

use std::fmt;

/// Why a text is not valid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// The text is empty after trimming.
    #[error("the text is blank")]
    Blank,
    /// The text has more code points than this.
    #[error("the text has more than {0} characters")]
    TooLong(usize),
    /// The text contains U+0000, which PostgreSQL cannot store.
    #[error("the text contains U+0000")]
    Nul,
}

/// A trimmed text of 1 to `MAX` code points without U+0000.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Text<const MAX: usize>(String);

/// The content of a call, or the description of a contact.
pub type Content = Text<100_000>;

/// A name or another text of one line, with Monica's limit.
pub type Name = Text<255>;

impl<const MAX: usize> Text<MAX> {
    /// The maximal length, in code points.
    pub const MAX: usize = MAX;

    /// Trims and validates the text.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = trim(text);
        Self::check(text)?;
        Ok(Self(text.to_owned()))
    }

    fn check(trimmed: &str) -> Result<(), TextError> {
        if trimmed.is_empty() {
            Err(TextError::Blank)
        } else if trimmed.contains('\0') {
            Err(TextError::Nul)
        } else if trimmed.len() > MAX && trimmed.chars().count() > MAX {
            Err(TextError::TooLong(MAX))
        } else {
            Ok(())
        }
    }

    /// Returns the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const MAX: usize> TryFrom<String> for Text<MAX> {
    type Error = TextError;

    /// Validates as [`Text::parse`] does, and copies the text only if it is not trimmed.
    fn try_from(text: String) -> Result<Self, TextError> {
        if trim(&text).len() < text.len() {
            return Self::parse(&text);
        }
        Self::check(&text)?;
        Ok(Self(text))
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

/// Removes Unicode white space, U+FEFF and U+200B from both ends, as Laravel's `TrimStrings` does.
pub fn trim(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\u{feff}' || c == '\u{200b}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trims_white_space_and_marks_at_both_ends() {
        for text in ["  hi ", "\u{feff}hi\u{200b}", "\u{3000}\t\r\nhi\u{a0}"] {
            assert_eq!(Content::parse(text).unwrap().as_str(), "hi", "{text:?}");
        }
        assert_eq!(Content::parse("a\r\n* b").unwrap().as_str(), "a\r\n* b");
    }

    #[test]
    fn rejects_a_blank_text() {
        for text in ["", "   ", "\u{feff}", "\u{200b}\u{200b}", "\r\n\t"] {
            assert_eq!(Content::parse(text), Err(TextError::Blank), "{text:?}");
        }
    }

    #[test]
    fn counts_code_points_not_bytes() {
        assert!(Content::parse(&"é".repeat(100_000)).is_ok());
        assert!(Content::parse(&"🎉".repeat(100_000)).is_ok());
        assert_eq!(Content::parse(&"é".repeat(100_001)), Err(TextError::TooLong(100_000)));
        assert!(Name::parse(&"x".repeat(255)).is_ok());
        assert_eq!(Name::parse(&"x".repeat(256)), Err(TextError::TooLong(255)));
    }

    #[test]
    fn rejects_nul() {
        assert_eq!(Content::parse("a\0b"), Err(TextError::Nul));
    }

    #[test]
    fn validates_an_owned_text_as_a_borrowed_one() {
        for text in ["hi", " hi ", "", "\u{feff}", "a\0b"] {
            assert_eq!(Name::try_from(text.to_owned()), Name::parse(text), "{text:?}");
        }
        assert_eq!(Name::try_from("x".repeat(256)), Err(TextError::TooLong(255)));
    }
}
