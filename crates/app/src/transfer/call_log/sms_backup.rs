//! The XML of the Android app SMS Backup & Restore.

use std::borrow::Cow;
use std::io::Read;

use domain::LoggedCall;
use quick_xml::events::attributes::AttrError;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

use super::android::AndroidCall;
use super::{MAX_ROW, Row, Skip, file_error, from_millis};
use crate::error::Error;
use crate::transfer::bounded::{Bounded, PieceLimit};
use crate::transfer::utf8::{REPLACEMENT, Utf8Input};

/// The rows of a backup: its elements `call`.
pub struct SmsBackup<'a, R: Read> {
    xml: Reader<Bounded<Utf8Input<R>>>,
    limit: PieceLimit,
    name: &'a str,
    buffer: Vec<u8>,
    /// The number of open elements. `None` before the first one.
    depth: Option<u64>,
    has_ended: bool,
}

impl<'a, R: Read> SmsBackup<'a, R> {
    /// Reads the input. `name` is shown in errors.
    pub fn new(input: R, name: &'a str) -> Self {
        let limit = PieceLimit::default();
        let mut xml = Reader::from_reader(Bounded::new(Utf8Input::new(input), limit.clone()));
        // An empty element is also a beginning and an end.
        xml.config_mut().expand_empty_elements = true;
        Self { xml, limit, name, buffer: Vec::new(), depth: None, has_ended: false }
    }

    /// Reads up to the next call. `None` at the end.
    fn read(&mut self) -> Result<Option<Row>, Error> {
        loop {
            self.buffer.clear();
            self.limit.begin(MAX_ROW);
            let line = self.limit.line();
            match self.xml.read_event_into(&mut self.buffer) {
                Ok(Event::Decl(declaration)) => {
                    let encoding = declaration.encoding().and_then(Result::ok).unwrap_or(Cow::Borrowed("UTF-8"));
                    if !["utf-8", "us-ascii"].iter().any(|known| encoding.eq_ignore_ascii_case(known)) {
                        return Err(file_error(self.name, line, format!("it is in {encoding}; only UTF-8 is read")));
                    }
                }
                Ok(Event::Start(element)) => {
                    let element_name = element.name().0;
                    if self.depth.is_none() && element_name != "calls" {
                        let problem = format!("it is no backup of calls: it begins with <{element_name}>");
                        return Err(file_error(self.name, line, problem));
                    }
                    let is_call = self.depth == Some(1) && element_name == "call";
                    self.depth = Some(self.depth.unwrap_or_default() + 1);
                    if is_call {
                        return Ok(Some(Row { line, call: call(&element) }));
                    }
                }
                Ok(Event::End(_)) => self.depth = self.depth.map(|depth| depth.saturating_sub(1)),
                Ok(Event::Eof) => {
                    return match self.depth {
                        Some(0) => Ok(None),
                        Some(_) => Err(file_error(self.name, line, "it ends early: </calls> is missing")),
                        None => Err(file_error(self.name, line, "it is no backup of calls: it has no XML element")),
                    };
                }
                Ok(_) => {}
                Err(_) if self.limit.is_exceeded() => {
                    return Err(file_error(self.name, line, "an element has more than 1 MiB; the rest is not read"));
                }
                Err(error) => {
                    return Err(file_error(self.name, line, format!("it is not XML: {error}; the rest is not read")));
                }
            }
        }
    }
}

impl<R: Read> Iterator for SmsBackup<'_, R> {
    type Item = Result<Row, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.has_ended {
            return None;
        }
        let row = self.read().transpose();
        self.has_ended = !matches!(row, Some(Ok(_)));
        row
    }
}

/// Parses an element `call`.
fn call(element: &BytesStart) -> Result<LoggedCall, Skip> {
    let number = required(element, "number")?;
    let integer = |name: &str| -> Result<i64, Skip> {
        required(element, name)?.trim().parse().map_err(|_| Skip::unreadable(format!("`{name}` is not a whole number")))
    };
    // 2 is restricted, 3 unknown. The number is then empty or a word.
    if matches!(attribute(element, "presentation"), Ok(Some(presentation)) if matches!(presentation.trim(), "2" | "3"))
    {
        return Err(Skip::HiddenNumber);
    }
    let millis = integer("date")?;
    let called_at = from_millis(millis).ok_or(Skip::unreadable("`date` is out of range"))?;
    // The app writes emoji as pairs of references that XML does not permit. The call counts more than its name.
    let name = attribute(element, "contact_name").ok().flatten();
    let seconds = attribute(element, "duration")?.map(|_| integer("duration")).transpose()?;
    AndroidCall { number: &number, kind: integer("type")?, date: (called_at, millis), seconds, name: name.as_deref() }
        .into_logged_call()
}

fn required<'a>(element: &'a BytesStart, name: &str) -> Result<Cow<'a, str>, Skip> {
    attribute(element, name)?.ok_or_else(|| Skip::unreadable(format!("`{name}` is missing")))
}

/// Returns the value of an attribute. `None` if it is absent.
fn attribute<'a>(element: &'a BytesStart, name: &str) -> Result<Option<Cow<'a, str>>, Skip> {
    let malformed = |_: AttrError| Skip::unreadable("its attributes are malformed");
    let Some(attribute) = element.try_get_attribute(name).map_err(malformed)? else { return Ok(None) };
    // Only the five entities of XML are known, so that no entity makes a value longer.
    let value = attribute.normalized_value(XmlVersion::Implicit1_0);
    match value {
        Ok(value) if value.contains(REPLACEMENT) => Err(Skip::unreadable(format!("`{name}` is not UTF-8"))),
        Ok(value) => Ok(Some(value)),
        Err(_) => Err(Skip::unreadable(format!("`{name}` has an entity that is unknown"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(xml: &[u8]) -> (Vec<Row>, Option<String>) {
        let (mut rows, mut failure) = (Vec::new(), None);
        for row in SmsBackup::new(xml, "calls.xml") {
            match row {
                Ok(row) => rows.push(row),
                Err(error) => failure = Some(error.to_string()),
            }
        }
        (rows, failure)
    }

    fn in_calls_text(rows: &str) -> String {
        format!("<?xml version='1.0' encoding='UTF-8'?>\n<calls count=\"1\">\n{rows}\n</calls>")
    }

    fn in_calls(rows: &str) -> Vec<Row> {
        let (rows, failure) = read(in_calls_text(rows).as_bytes());
        assert_eq!(failure, None);
        rows
    }

    fn problem(row: &Row) -> &str {
        match &row.call {
            Err(Skip::Unreadable(problem)) => problem,
            other => panic!("{other:?}"),
        }
    }

    const CALL: &str = r#"<call number="+41310000000" duration="61" date="1517566500123" type="1" contact_name="Zo&#235; &amp; Co" />"#;

    #[test]
    fn reads_calls() {
        let rows = in_calls(&format!("{CALL}\n<other><call/></other>\n<!-- {CALL} -->\n{CALL}"));
        assert_eq!(rows.iter().map(|row| row.line).collect::<Vec<_>>(), [3, 6]);
        let call = rows[0].call.as_ref().unwrap();
        assert_eq!(call.phone_number.as_str(), "+41310000000");
        assert_eq!(call.name.as_ref().unwrap().as_str(), "Zoë & Co");
        assert_eq!(call.details.duration.unwrap().seconds(), 61);
        assert_eq!(call.external_id.as_str(), "phone:+41310000000:1517566500123:in");
        assert_eq!(read(b"\xef\xbb\xbf<calls/>"), (vec![], None));
    }

    #[test]
    fn skips_only_the_calls_that_it_cannot_read() {
        let replaced = |old: &str, new: &str| CALL.replace(old, new);
        let rows = in_calls(
            &[
                replaced("1517566500123", "yesterday"),
                replaced("1517566500123", "99999999999999999"),
                replaced("type=\"1\"", ""),
                replaced("\"61\"", "\"-5\""),
                replaced("+41310000000", &"9".repeat(65)),
                replaced("+41310000000", "&lol;"),
                replaced("duration=\"61\"", "duration"),
                replaced("+41310000000", ""),
                replaced("+41310000000", "-1"),
                replaced("type=", "presentation=\"2\" type="),
                // A pair of surrogates.
                replaced("&#235;", "&#55357;&#56832;"),
            ]
            .join("\n"),
        );
        let problems: Vec<&str> = rows[..7].iter().map(problem).collect();
        let too_long = "the phone number: the text has more than 64 characters";
        assert_eq!(
            problems,
            [
                "`date` is not a whole number",
                "`date` is out of range",
                "`type` is missing",
                "the duration is not between 0 seconds and a week",
                too_long,
                "`number` has an entity that is unknown",
                "its attributes are malformed",
            ]
        );
        assert!(rows[7..10].iter().all(|row| row.call == Err(Skip::HiddenNumber)), "{rows:?}");
        assert_eq!(rows[10].call.as_ref().unwrap().name, None);
    }

    #[test]
    fn keeps_what_precedes_an_error_of_the_file() {
        let before = format!("<calls>{CALL}\n");
        for (rest, problem) in [
            ("", "line 2: it ends early"),
            ("<call number=\"1", "line 2: it is not XML"),
            ("</smses>", "line 2: it is not XML"),
            (&*format!("<call number=\"{}\"/></calls>", "9".repeat(2 << 20)), "line 2: an element has more than 1 MiB"),
        ] {
            let (rows, failure) = read(format!("{before}{rest}").as_bytes());
            assert_eq!(rows.len(), 1, "{problem}");
            assert!(failure.as_ref().is_some_and(|failure| failure.contains(problem)), "{failure:?}");
        }
    }

    #[test]
    fn reads_on_after_bytes_that_are_not_utf_8() {
        let text = in_calls_text(&[&CALL.replace("&#235;", "\u{1}"), &CALL.replace("0000", "\u{1}"), CALL].concat());
        let latin_1: Vec<u8> = text.bytes().map(|byte| if byte == 1 { 0xeb } else { byte }).collect();
        let (rows, failure) = read(&latin_1);
        assert_eq!(rows[0].call.as_ref().unwrap().name, None, "the call counts more than its name");
        assert_eq!((problem(&rows[1]), rows[2].call.is_ok(), failure), ("`number` is not UTF-8", true, None));
    }

    #[test]
    fn rejects_other_files() {
        for (text, problem) in [
            ("<smses count=\"1\"></smses>", "it begins with <smses>"),
            ("", "it has no XML element"),
            ("Typ;Datum", "it has no XML element"),
            ("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><calls/>", "only UTF-8 is read"),
        ] {
            let (rows, failure) = read(text.as_bytes());
            assert!(
                rows.is_empty() && failure.as_ref().is_some_and(|failure| failure.contains(problem)),
                "{failure:?}"
            );
        }
    }

    #[test]
    fn expands_no_entities() {
        let bomb = format!(
            "<!DOCTYPE calls [<!ENTITY a \"{}\"><!ENTITY b \"&a;&a;\">]><calls><call number=\"&b;\" date=\"1\" type=\"1\"/>{CALL}</calls>",
            "ha".repeat(1_000)
        );
        let (rows, failure) = read(bomb.as_bytes());
        assert_eq!(
            (problem(&rows[0]), rows[1].call.is_ok(), failure),
            ("`number` has an entity that is unknown", true, None)
        );
    }
}
