//! Parses requests without a server, for the fuzzer in `fuzz/` and its short form in the unit tests.

use domain::{PageSize, Timestamp};

use crate::Compat;
use crate::body::{form, json, pairs};
use crate::forms::{CallForm, ContactForm, Rules};
use crate::query::Query;
use crate::responses::error::ApiError;

/// Parses a query string and a body, as JSON and as a form, in every way in which a handler does.
///
/// No input may make it panic, and what it accepts must be valid by the contract.
#[allow(clippy::panic, clippy::missing_panics_doc, reason = "a fuzzer finds panics")]
pub fn read(query: &str, body: &[u8]) {
    let Some(now) = Timestamp::from_unix(1_709_202_030) else { return };
    let query = Query::parse(query);
    let default = PageSize::SMALLEST;
    if let Ok(page) = query.page_request(query.call_order(), default) {
        assert!(page.number >= 1 && (1..=100).contains(&page.size.get()), "{page:?}");
    }
    let _ = (query.contact_order().is_ok(), query.contact_search().is_ok(), query.wants_contact_fields());
    let bodies = [json(body), form(body), Ok(pairs(query.pairs()))];
    for members in bodies.into_iter().flatten() {
        for compat in [Compat::Documented, Compat::Monica4] {
            match CallForm::take(members.clone()).into_new_call(Rules::create(compat, now)) {
                Ok(call) => {
                    assert!((1..1 << 53).contains(&call.contact.get()), "{call:?}");
                    let text = call.content.as_ref().map(domain::Content::as_str);
                    assert!(text.is_some() || compat == Compat::Monica4, "{call:?}");
                    assert!(text.is_none_or(|text| !text.contains('\0') && !text.is_empty()), "{call:?}");
                }
                Err(error) => assert_explained(&error),
            }
            let replaced = CallForm::take(members.clone()).into_change(Rules::replace(compat, now));
            replaced.map_or_else(|error| assert_explained(&error), drop);
        }
        let changed = CallForm::take(members.clone()).into_change(Rules::change(now));
        changed.map_or_else(|error| assert_explained(&error), drop);
        let added = ContactForm::take(members.clone()).into_new_contact(now);
        added.map_or_else(|error| assert_explained(&error), drop);
        let changed = ContactForm::take(members).into_change(now);
        changed.map_or_else(|error| assert_explained(&error), drop);
    }
}

/// An error gives a reason and is not a fault of the server.
fn assert_explained(error: &ApiError) {
    let is_explained = match error {
        ApiError::Invalid(sentences) => !sentences.is_empty() && sentences.iter().all(|sentence| !sentence.is_empty()),
        ApiError::NotFound => true,
        _ => false,
    };
    assert!(is_explained, "{error:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small deterministic generator (Knuth's MMIX constants).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % n
        }
    }

    const WORDS: [&str; 40] = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "&",
        "=",
        "%",
        "contact_id",
        "called_at",
        "content",
        "emotions",
        "limit",
        "sort",
        "page",
        "null",
        "true",
        "1",
        "-1",
        "1e9",
        "9007199254740993",
        "\"contact_id\":3",
        "\"called_at\":\"2018-02-02\"",
        "\"content\":\"x\"",
        "\\ud800",
        "\\u0000",
        "\0",
        " ",
        "\u{200b}",
        "é🎉",
        "first_name",
        "\"first_name\":\"Leslie\"",
        "birthdate",
        "gender_id",
        "contact_fields",
        "1987-01-01",
        "is_birthdate_known",
        "[]=",
    ];

    #[test]
    fn no_query_and_no_body_makes_parsing_panic() {
        let seed = 2026;
        let mut dice = Dice(seed);
        for n in 0..4_000 {
            let mut text: String = (0..dice.below(24)).map(|_| WORDS[dice.below(WORDS.len())]).collect();
            if dice.below(2) == 0 {
                text = format!("{{{text}}}");
            }
            let mut bytes = text.clone().into_bytes();
            if !bytes.is_empty() && dice.below(4) == 0 {
                let at = dice.below(bytes.len());
                bytes[at] = dice.below(256).try_into().unwrap();
            }
            let read = std::panic::catch_unwind(|| read(&text, &bytes));
            assert!(read.is_ok(), "seed {seed}, text {n}: {text:?} {bytes:?}");
        }
        read("limit=5&sort=-called_at", br#"{"contact_id":3,"called_at":"2018-02-02","content":"x"}"#);
    }
}
