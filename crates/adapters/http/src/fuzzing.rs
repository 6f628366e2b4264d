//! Parses requests without a server, for the fuzzer in `fuzz/` and its short form in the unit tests.

use domain::{CallContact, PageSize, Timestamp};

use crate::Compat;
use crate::requests::{
    BatchRequest, CallRequest, CallRules, ContactFieldRequest, ContactRequest, ListRequest, parse, with_contact_fields,
};
use crate::responses::error::ApiError;

/// Parses a query string and a body, as JSON and as a form, in every way in which a handler does.
///
/// No input may make it panic, and what it accepts must be valid by the contract.
#[allow(clippy::panic, clippy::missing_panics_doc, reason = "a fuzzer finds panics")]
pub fn read(query: &str, body: &[u8]) {
    let Some(now) = Timestamp::from_unix(1_709_202_030) else { return };
    let list = ListRequest { path: "/api/calls", query, default_size: PageSize::SMALLEST, now };
    if let Ok(query) = list.calls(None) {
        let is_numbered_from_1 = query.page.number().is_none_or(|number| number >= 1);
        assert!(is_numbered_from_1 && (1..=100).contains(&query.page.size.get()), "{query:?}");
    }
    let _ =
        (list.contacts().is_ok(), list.numbered_page().is_ok(), list.deletions().is_ok(), with_contact_fields(query));
    let Ok(text) = std::str::from_utf8(body) else { return };
    for (query, text, is_form) in [(query, text, false), ("", text, true), (query, "", false)] {
        for is_keyed in [false, true] {
            parse_calls(|| Some(parse::<CallRequest>(query, text, is_form, is_keyed).ok()?.request), now);
            if let Ok(batch) = parse::<BatchRequest>(query, text, is_form, is_keyed) {
                let _ = batch.request.into_items();
            }
            if let Ok(field) = parse::<ContactFieldRequest>(query, text, is_form, is_keyed) {
                field.request.into_field().map_or_else(|error| assert_explained(&error), drop);
            }
            let contact = || Some(parse::<ContactRequest>(query, text, is_form, is_keyed).ok()?.request);
            if let (Some(created), Some(changed)) = (contact(), contact()) {
                created.into_new_contact(now).map_or_else(|error| assert_explained(&error), drop);
                changed.into_patch(now).map_or_else(|error| assert_explained(&error), drop);
            }
        }
    }
}

#[allow(clippy::panic, reason = "a fuzzer finds panics")]
fn parse_calls(request: impl Fn() -> Option<CallRequest>, now: Timestamp) {
    for compat in [Compat::Documented, Compat::Monica4] {
        match request().map(|request| request.into_upsert(CallRules::create(compat, now))) {
            Some(Ok(call)) => {
                if let CallContact::Id(contact) = call.contact {
                    assert!((1..1 << 53).contains(&contact.get()), "{call:?}");
                }
                let text = call.details.content.as_ref().map(domain::Content::as_str);
                assert!(text.is_some() || compat == Compat::Monica4, "{call:?}");
                assert!(text.is_none_or(|text| !text.contains('\0') && !text.is_empty()), "{call:?}");
            }
            Some(Err(error)) => assert_explained(&error),
            None => {}
        }
    }
    for rules in
        [CallRules::update(Compat::Documented, now), CallRules::update(Compat::Monica4, now), CallRules::patch(now)]
    {
        if let Some(Err(error)) = request().map(|request| request.into_patch(rules)) {
            assert_explained(&error);
        }
    }
}

/// Checks that an error has a reason and is not internal.
fn assert_explained(error: &ApiError) {
    let is_explained = match error {
        ApiError::Invalid(sentences) => !sentences.is_empty() && sentences.iter().all(|sentence| !sentence.is_empty()),
        ApiError::NotFound => true,
        ApiError::Annotated { error, .. } => return assert_explained(error),
        _ => false,
    };
    assert!(is_explained, "{error:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small deterministic random number generator, with Knuth's MMIX constants.
    struct Random(u64);

    impl Random {
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
        let mut random = Random(seed);
        for n in 0..4_000 {
            let mut text: String = (0..random.below(24)).map(|_| WORDS[random.below(WORDS.len())]).collect();
            if random.below(2) == 0 {
                text = format!("{{{text}}}");
            }
            let mut bytes = text.clone().into_bytes();
            if !bytes.is_empty() && random.below(4) == 0 {
                let at = random.below(bytes.len());
                bytes[at] = random.below(256).try_into().unwrap();
            }
            let read = std::panic::catch_unwind(|| read(&text, &bytes));
            assert!(read.is_ok(), "seed {seed}, text {n}: {text:?} {bytes:?}");
        }
        read("limit=5&sort=-called_at", br#"{"contact_id":3,"called_at":"2018-02-02","content":"x"}"#);
    }
}
