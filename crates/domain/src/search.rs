//! How contacts are searched.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::contact_field::digits;
use crate::{ContactFieldKind, trim};

/// The fewest digits that are taken for a part of a phone number.
const FEWEST_DIGITS: usize = 3;

/// Which contacts are searched: those in which every word is found, or, when a field is named, those that have it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactSearch {
    /// Folded words, each of which is found in the contact's texts or fields.
    pub words: Vec<String>,
    /// A kind of field, and what its searched data contain.
    pub field: Option<(ContactFieldKind, String)>,
}

impl ContactSearch {
    /// Reads a query: words, a phone number however it is spaced, or Monica's `field:value`. U+0000, which no text has,
    /// is read as a space.
    pub fn parse(query: &str) -> Self {
        let query = &query.replace('\0', " ");
        let query = trim(query);
        if let Some((name, value)) = query.split_once(':')
            && let Some(kind) = ContactFieldKind::named(trim(name))
        {
            return Self { words: Vec::new(), field: Some((kind, kind.search_data(value))) };
        }
        let words = fold(query).split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let is_number = query.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-./()".contains(c));
        let number = digits(query);
        let field = (is_number && number.len() >= FEWEST_DIGITS).then_some((ContactFieldKind::PHONE, number));
        Self { words, field }
    }
}

/// The text without case and accents, runs of white space as one space: `Zoë  Brontë` becomes `zoe bronte`.
pub fn fold(text: &str) -> String {
    let plain: String = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_accents_and_spacing_do_not_matter() {
        assert_eq!(fold("  Zoë\t BRONTË "), "zoe bronte");
        assert_eq!(fold("Łódź"), "łodz");
        assert_eq!(fold("Åsa"), fold("a\u{30a}SA"));
        assert_eq!(fold(""), "");
    }

    #[test]
    fn a_query_is_words_a_number_or_a_named_field() {
        let search = |words: &[&str], field: Option<(ContactFieldKind, &str)>| ContactSearch {
            words: words.iter().map(|word| (*word).to_owned()).collect(),
            field: field.map(|(kind, data)| (kind, data.to_owned())),
        };
        let phone = |data| Some((ContactFieldKind::PHONE, data));
        assert_eq!(ContactSearch::parse(" Zoë  BRONTË "), search(&["zoe", "bronte"], None));
        assert_eq!(ContactSearch::parse("phone:+1 555 0100"), search(&[], phone("15550100")));
        assert_eq!(ContactSearch::parse("Email: Zoë@x.org"), search(&[], Some((ContactFieldKind::EMAIL, "zoe@x.org"))));
        assert_eq!(ContactSearch::parse("+1 (555)"), search(&["+1", "(555)"], phone("1555")));
        assert_eq!(ContactSearch::parse("12"), search(&["12"], None));
        assert_eq!(ContactSearch::parse("note: call"), search(&["note:", "call"], None));
        assert_eq!(ContactSearch::parse("zoe\0 \0"), search(&["zoe"], None));
        assert_eq!(ContactSearch::parse("email:\0zoe"), search(&[], Some((ContactFieldKind::EMAIL, "zoe"))));
        assert_eq!(ContactSearch::parse("  "), ContactSearch::default());
    }
}
