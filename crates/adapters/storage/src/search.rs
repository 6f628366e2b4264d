//! How a word is looked for in a text.

/// The `LIKE` pattern, escaped by a backslash, that finds the word anywhere.
pub fn pattern(word: &str) -> String {
    format!("%{}%", word.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_the_word_mean_themselves() {
        assert_eq!(pattern("jane"), "%jane%");
        assert_eq!(pattern(r"50%_\"), r"%50\%\_\\%");
    }
}
