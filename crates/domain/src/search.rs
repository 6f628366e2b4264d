//! Folding: how texts are compared when people search.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

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
}
