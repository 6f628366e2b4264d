//! Search of contacts.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use crate::contact_field::digits;
use crate::{ContactFieldKind, trim};

/// The maximal length of a query, in characters.
const MAX_CHARACTERS: usize = 255;

/// The maximal number of words of a query. Each word is a scan of all contacts.
const MAX_WORDS: usize = 32;

/// The minimal number of digits that are searched as a part of a phone number.
const MIN_DIGITS: usize = 3;

/// A search of contacts: those that contain every word, or have the field. Empty, it matches all contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactSearch {
    /// Folded words, each of which the texts or fields of the contact contain.
    pub words: Vec<String>,
    /// A kind of contact field, and a part of its searchable data.
    pub field: Option<(ContactFieldKind, String)>,
}

impl ContactSearch {
    /// Parses a query: words, a phone number with any spacing, or Monica's `field:value`. U+0000 is read as a space,
    /// because no stored text has it. A query of combining marks alone finds nobody. `None` if the query has more than
    /// 255 characters or 32 words.
    pub fn parse(query: &str) -> Option<Self> {
        let query = &query.replace('\0', " ");
        let query = trim(query);
        if query.chars().count() > MAX_CHARACTERS {
            return None;
        }
        if let Some((name, value)) = query.split_once(':')
            && let Some(kind) = ContactFieldKind::named(trim(name))
        {
            return Some(Self { words: Vec::new(), field: Some((kind, unless_lost(kind.search_data(value), value))) });
        }
        let folded = unless_lost(fold(query), query);
        let words: Vec<_> = folded.split(' ').filter(|word| !word.is_empty()).map(str::to_owned).collect();
        let is_number = query.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-./()".contains(c));
        let number = digits(query);
        let field = (is_number && number.len() >= MIN_DIGITS).then_some((ContactFieldKind::PHONE, number));
        (words.len() <= MAX_WORDS).then_some(Self { words, field })
    }
}

/// Returns the folded text, or the text itself if folding leaves nothing of it. No folded text contains that one, while
/// every text contains an empty one.
fn unless_lost(folded: String, text: &str) -> String {
    if folded.is_empty() { trim(text).to_owned() } else { folded }
}

/// Folds case and accents, and collapses white space: `Zoë  Brontë` becomes `zoe bronte`.
pub fn fold(text: &str) -> String {
    let plain = text.nfkd().filter(|c| !is_combining_mark(*c)).flat_map(char::to_lowercase);
    // The Greek small sigma has another form at the end of a word.
    let plain: String = plain.map(|c| if c == 'ς' { 'σ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_accents_and_spacing() {
        assert_eq!(fold("  Zoë\t BRONTË "), "zoe bronte");
        assert_eq!(fold("Łódź"), "łodz");
        assert_eq!(fold("Åsa"), fold("a\u{30a}SA"));
        assert_eq!(fold("Σίσυφος"), fold("ΣΙΣΥΦΟΣ"));
        assert_eq!(fold(""), "");
    }

    #[test]
    fn parses_words_numbers_and_fields() {
        let search = |words: &[&str], field: Option<(ContactFieldKind, &str)>| {
            let words = words.iter().map(|word| (*word).to_owned()).collect();
            Some(ContactSearch { words, field: field.map(|(kind, data)| (kind, data.to_owned())) })
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
        assert_eq!(ContactSearch::parse("  "), Some(ContactSearch::default()));
        assert_eq!(ContactSearch::parse("\u{301}"), search(&["\u{301}"], None), "no stored text has a mark");
        assert_eq!(ContactSearch::parse("phone: \u{301}"), search(&[], phone("\u{301}")));
    }

    #[test]
    fn rejects_a_query_that_is_too_long() {
        assert!(ContactSearch::parse(&format!(" {} ", "é".repeat(255))).is_some());
        assert_eq!(ContactSearch::parse(&"é".repeat(256)), None);
        assert_eq!(ContactSearch::parse(&"a ".repeat(32)).unwrap().words.len(), 32);
        assert_eq!(ContactSearch::parse(&"a ".repeat(33)), None);
        assert_eq!(ContactSearch::parse(&"\u{fdfa}".repeat(20)), None, "one character that is four words");
    }
}
