//! Search of texts by words: folding, words, and the search of contacts.

use unicode_normalization::char::{decompose_compatible, is_combining_mark};

use crate::contact_field::digits;
use crate::{ContactFieldKind, PhoneNumber, PhoneSearch, trim};

/// The version of [`fold`], [`words`], [`phone_key`](crate::phone_key) and of what is indexed. A store that was indexed by
/// another version must be indexed again.
pub const INDEX_VERSION: i32 = 3;

/// The maximal length of a query, in characters.
const MAX_CHARACTERS: usize = 255;

/// The maximal number of words of a query.
const MAX_WORDS: usize = 32;

/// The minimal number of digits that are searched as a part of a phone number.
const MIN_DIGITS: usize = 3;

/// The number of characters of a word that are indexed: PostgreSQL indexes at most 2,046 bytes.
const MAX_WORD_CHARACTERS: usize = 255;

/// The size of the words that are indexed of one record, in bytes. PostgreSQL indexes at most 1 MiB.
const MAX_INDEXED_BYTES: usize = 512 << 10;

/// A search of contacts: those that have every word and number, or the field, or the phone number. Empty, it matches all
/// contacts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContactSearch {
    /// Folded words. Each begins a word of the contact.
    pub words: Vec<String>,
    /// Numbers. Each begins a word of the contact, or is a part of the searchable data of one of its fields.
    pub numbers: Vec<String>,
    /// A kind of contact field, and a part of its searchable data.
    pub field: Option<(ContactFieldKind, String)>,
    /// The phone number of one of the contact fields.
    pub phone: Option<PhoneSearch>,
    /// The query has characters, but no words: no contact matches.
    pub matches_nothing: bool,
}

/// A search of calls by the words of their contents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum CallSearch {
    /// Finds all calls.
    #[default]
    All,
    /// Finds calls whose content has all these folded words, each as a whole word or as the beginning of one.
    Words(Vec<String>),
    /// Finds nothing, because the query has characters but no words.
    Nothing,
}

impl CallSearch {
    /// Parses a query: words, separated by anything else than letters and digits. `None` if the query has more than 255
    /// characters or 32 words.
    pub fn parse(query: &str) -> Option<Self> {
        let query = trim(query);
        if query.chars().count() > MAX_CHARACTERS {
            return None;
        }
        let all = words(query);
        match all.len() {
            0 if query.is_empty() => Some(Self::All),
            0 => Some(Self::Nothing),
            1..=MAX_WORDS => Some(Self::Words(longest(all))),
            _ => None,
        }
    }
}

impl ContactSearch {
    /// Parses a query: words, a phone number with any spacing, or Monica's `field:value`. U+0000 is read as a space,
    /// because no stored text has it. A query of combining marks alone finds nobody. `None` if the query has more than
    /// 255 characters or 32 words, or the number of `phone:` more than 64 characters.
    pub fn parse(query: &str) -> Option<Self> {
        let query = &query.replace('\0', " ");
        let query = trim(query);
        if query.chars().count() > MAX_CHARACTERS {
            return None;
        }
        if let Some((name, value)) = query.split_once(':')
            && let Some(kind) = ContactFieldKind::named(trim(name))
        {
            if kind == ContactFieldKind::PHONE && !trim(value).is_empty() {
                let phone = PhoneNumber::parse(value).ok().map(PhoneSearch::new)?;
                return Some(Self { phone: Some(phone), ..Self::default() });
            }
            let field = (kind, unless_lost(kind.search_data(value), value));
            return Some(Self { field: Some(field), ..Self::default() });
        }
        let all = words(query);
        if all.len() > MAX_WORDS {
            return None;
        }
        let matches_nothing = all.is_empty() && !query.is_empty();
        let is_number = |word: &String| word.len() >= MIN_DIGITS && word.bytes().all(|byte| byte.is_ascii_digit());
        let (numbers, words): (Vec<_>, Vec<_>) = all.into_iter().partition(is_number);
        let is_phone = query.chars().all(|c| c.is_ascii_digit() || c.is_whitespace() || "+-./()".contains(c));
        let number = digits(query);
        let field = (is_phone && number.len() >= MIN_DIGITS).then_some((ContactFieldKind::PHONE, number));
        Some(Self { words: longest(words), numbers: longest(numbers), field, matches_nothing, ..Self::default() })
    }

    /// Every contact matches.
    pub fn matches_all(&self) -> bool {
        *self == Self::default()
    }
}

/// Returns the folded text, or the text itself if folding leaves nothing of it. No folded text contains that one, while
/// every text contains an empty one.
fn unless_lost(folded: String, text: &str) -> String {
    if folded.is_empty() { trim(text).to_owned() } else { folded }
}

/// Removes words that begin another one: what has the longer word has the shorter one, too.
fn longest(mut words: Vec<String>) -> Vec<String> {
    words.sort_unstable();
    // A word is sorted directly before those that it begins.
    let is_needed = |n: usize| words.get(n + 1).is_none_or(|next| !next.starts_with(&words[n]));
    (0..words.len()).filter(|n| is_needed(*n)).map(|n| words[n].clone()).collect()
}

/// Returns the folded words of a text: sequences of letters and digits. Of a very long word, its beginning.
pub fn words(text: &str) -> Vec<String> {
    words_of_folded(&fold_letters(text)).map(str::to_owned).collect()
}

fn words_of_folded(folded: &str) -> impl Iterator<Item = &str> {
    let words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(|word| word.char_indices().nth(MAX_WORD_CHARACTERS).map_or(word, |(end, _)| &word[..end]))
}

/// Returns the words of the texts, separated by spaces, for the index of a store.
pub fn index_text<'a>(texts: impl IntoIterator<Item = &'a str>) -> String {
    let mut index = String::new();
    for text in texts {
        for word in words_of_folded(&fold_letters(text)) {
            if index.len() + word.len() >= MAX_INDEXED_BYTES {
                return index;
            }
            if !index.is_empty() {
                index.push(' ');
            }
            index.push_str(word);
        }
    }
    index
}

/// Folds case and accents, and collapses white space: `Zoë  Brontë` becomes `zoe bronte`, `Straße` becomes `strasse`.
pub fn fold(text: &str) -> String {
    fold_letters(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Folds case and accents. Each character is folded by itself: Unicode's normalisation of texts would only reorder marks,
/// which are dropped.
fn fold_letters(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() {
            folded.push(c.to_ascii_lowercase());
        } else {
            decompose_compatible(c, |part| push_folded(&mut folded, part));
        }
    }
    folded
}

fn push_folded(folded: &mut String, c: char) {
    if is_combining_mark(c) {
        return;
    }
    // Lower case alone keeps `ß` and `ς`, whose upper case is that of other letters.
    for c in c.to_lowercase().flat_map(char::to_uppercase).flat_map(char::to_lowercase) {
        match without_stroke(c) {
            Some(letters) => folded.push_str(letters),
            None => folded.push(c),
        }
    }
}

/// Returns the basic letters of a letter that Unicode does not decompose: `ł` is no `l` with a mark.
fn without_stroke(c: char) -> Option<&'static str> {
    Some(match c {
        'æ' => "ae",
        'ƀ' => "b",
        'ȼ' => "c",
        'đ' | 'ð' => "d",
        'ɇ' => "e",
        'ǥ' => "g",
        'ħ' => "h",
        'ɨ' | 'ı' => "i",
        'ɉ' => "j",
        'ł' | 'ƚ' => "l",
        'ø' | 'ɵ' => "o",
        'œ' => "oe",
        'ᵽ' => "p",
        'ɍ' => "r",
        'ŧ' | 'ⱦ' => "t",
        'þ' => "th",
        'ʉ' => "u",
        'ɏ' => "y",
        'ƶ' => "z",
        'ⱥ' => "a",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_case_accents_and_spacing() {
        assert_eq!(fold("  Zoë\t BRONTË "), "zoe bronte");
        assert_eq!(fold("Łódź"), "lodz");
        assert_eq!(
            (fold("Straße"), fold("STRASSE"), fold("GROẞ")),
            ("strasse".into(), "strasse".into(), "gross".into())
        );
        assert_eq!((fold("Søren Ærø"), fold("Þór"), fold("Iıİi")), ("soren aero".into(), "thor".into(), "iiii".into()));
        assert_eq!(fold("Åsa"), fold("a\u{30a}SA"));
        assert_eq!(fold("Σίσυφος"), fold("ΣΙΣΥΦΟΣ"));
        assert_eq!(fold(""), "");
    }

    #[test]
    fn parses_words_numbers_and_fields() {
        let search = |all: &[&str], field: Option<(ContactFieldKind, &str)>| {
            let is_number = |word: &String| word.len() >= 3 && word.parse::<u64>().is_ok();
            let (numbers, words) = all.iter().map(|word| (*word).to_owned()).partition(is_number);
            let field = field.map(|(kind, data)| (kind, data.to_owned()));
            Some(ContactSearch { words, numbers, field, ..ContactSearch::default() })
        };
        let phone = |data| Some((ContactFieldKind::PHONE, data));
        assert_eq!(ContactSearch::parse(" Zoë  BRONTË "), search(&["bronte", "zoe"], None));
        let same_number = |number| {
            let phone = PhoneNumber::parse(number).ok().map(PhoneSearch::new);
            Some(ContactSearch { phone, ..ContactSearch::default() })
        };
        assert_eq!(ContactSearch::parse("Phone: +1 555 0100 "), same_number("+1 555 0100"));
        assert_eq!(ContactSearch::parse("phone: \u{301}"), same_number("\u{301}"));
        assert_eq!(ContactSearch::parse("phone: "), search(&[], phone("")));
        assert_eq!(ContactSearch::parse("Email: Zoë@x.org"), search(&[], Some((ContactFieldKind::EMAIL, "zoe@x.org"))));
        assert_eq!(ContactSearch::parse("+1 (555)"), search(&["1", "555"], phone("1555")));
        assert_eq!(ContactSearch::parse("12"), search(&["12"], None));
        assert_eq!(ContactSearch::parse("note: call"), search(&["call", "note"], None));
        assert_eq!(ContactSearch::parse("ann anna an 12 2024 202"), search(&["12", "anna", "2024"], None));
        for query in ["\"", "*", "-'", "☎", "\u{301}"] {
            assert!(ContactSearch::parse(query).unwrap().matches_nothing, "{query}");
        }
        assert_eq!(ContactSearch::parse("zoe\0 \0"), search(&["zoe"], None));
        assert_eq!(ContactSearch::parse("email:\0zoe"), search(&[], Some((ContactFieldKind::EMAIL, "zoe"))));
        assert_eq!(ContactSearch::parse("  "), Some(ContactSearch::default()));
    }

    #[test]
    fn splits_words_at_other_characters() {
        assert_eq!(
            words(" Zoë's e-mail: zoë@x.org, NEAR(1)"),
            ["zoe", "s", "e", "mail", "zoe", "x", "org", "near", "1"]
        );
        assert_eq!(words("李 Ян-Лев ٣"), ["李", "ян", "лев", "٣"]);
        assert_eq!(words(&"x".repeat(1_000)), ["x".repeat(255)]);
    }

    #[test]
    fn indexes_a_bounded_number_of_words() {
        assert_eq!(index_text(["Ann  Doe", "", "doe-b"]), "ann doe doe b");
        let many: Vec<String> = (0..100_000).map(|n| format!("word{n:06}")).collect();
        assert!((500_000..=MAX_INDEXED_BYTES).contains(&index_text(many.iter().map(String::as_str)).len()));
    }

    #[test]
    fn rejects_a_query_that_is_too_long() {
        assert!(ContactSearch::parse(&format!(" {} ", "é".repeat(255))).is_some());
        assert_eq!(ContactSearch::parse(&"é".repeat(256)), None);
        assert_eq!(ContactSearch::parse(&format!("phone:{}", "1".repeat(65))), None);
        assert_eq!(ContactSearch::parse(&"a ".repeat(32)).unwrap().words, ["a"]);
        assert_eq!(ContactSearch::parse(&"a ".repeat(33)), None);
        assert_eq!(ContactSearch::parse(&"\u{fdfa}".repeat(20)), None, "one character that is four words");
    }
}
