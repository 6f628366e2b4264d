//! How words and parts of texts are looked for in the databases.

/// The `LIKE` pattern, escaped by a backslash, that finds the part anywhere.
pub fn pattern(part: &str) -> String {
    format!("%{}%", part.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_"))
}

/// Returns the FTS5 query for texts in which each of the words begins a word. Folded words consist of letters and
/// digits, so that none of them is syntax.
pub fn fts5_query(words: &[String]) -> String {
    words.iter().map(|word| format!("\"{word}\" *")).collect::<Vec<_>>().join(" AND ")
}

/// Returns PostgreSQL's `tsquery` for texts in which each of the words begins a word.
pub fn ts_query(words: &[String]) -> String {
    words.iter().map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_of_the_part_mean_themselves() {
        assert_eq!(pattern("jane"), "%jane%");
        assert_eq!(pattern(r"50%_\"), r"%50\%\_\\%");
    }

    #[test]
    fn each_word_is_a_quoted_prefix() {
        let words = ["near", "zoe"].map(str::to_owned);
        assert_eq!(fts5_query(&words), r#""near" * AND "zoe" *"#);
        assert_eq!(ts_query(&words), "'near':* & 'zoe':*");
    }
}
