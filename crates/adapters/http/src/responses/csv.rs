//! Calls as CSV.

use std::borrow::Cow;

use csv::{Terminator, WriterBuilder};
use domain::{Call, CallDuration, Content, Name, PhoneNumber};

use super::error::{ApiError, ApiResult};

/// The names of the columns.
const COLUMNS: [&str; 10] = [
    "id",
    "called_at",
    "contact_id",
    "contact_name",
    "direction",
    "answered",
    "duration_seconds",
    "phone_number",
    "content",
    "external_id",
];

/// Builds the rows of calls, as RFC 4180 describes.
pub struct CsvBuilder;

impl CsvBuilder {
    /// Returns the row of the names of the columns.
    pub fn header() -> Vec<u8> {
        format!("{}\r\n", COLUMNS.join(",")).into_bytes()
    }

    /// Returns the rows of the calls.
    pub fn rows(calls: &[Call]) -> ApiResult<Vec<u8>> {
        let internal = |error: csv::Error| ApiError::Internal(ports::Error::internal(error));
        let mut writer = WriterBuilder::new().terminator(Terminator::CRLF).from_writer(Vec::new());
        for call in calls {
            writer.write_record(cells(call).iter().map(|cell| cell.as_bytes())).map_err(internal)?;
        }
        writer.into_inner().map_err(|error| ApiError::Internal(ports::Error::internal(error.to_string())))
    }
}

fn cells(call: &Call) -> [Cow<'_, str>; 10] {
    let details = &call.details;
    let direction = match details.contact_called {
        Some(true) => "incoming",
        Some(false) => "outgoing",
        None => "",
    };
    [
        call.id.to_string().into(),
        details.called_at.to_string().into(),
        call.contact.id.to_string().into(),
        without_formula(call.contact.profile.complete_name().into()),
        direction.into(),
        details.answered.map(|answered| answered.to_string()).unwrap_or_default().into(),
        details.duration.map(CallDuration::seconds).map(|seconds| seconds.to_string()).unwrap_or_default().into(),
        without_formula(details.phone_number.as_ref().map_or("", PhoneNumber::as_str).into()),
        without_formula(details.content.as_ref().map_or("", Content::as_str).into()),
        without_formula(details.external_id.as_ref().map_or("", Name::as_str).into()),
    ]
}

/// Prefixes a text that a spreadsheet would execute with an apostrophe. Numbers and phone numbers stay as they are.
fn without_formula(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    if is_formula && !is_phone_number(&text) && !is_number(&text) { format!("'{text}").into() } else { text }
}

/// A plus, and then digits with the usual punctuation.
fn is_phone_number(text: &str) -> bool {
    let digits = text.strip_prefix('+').unwrap_or_default();
    digits.contains(|c: char| c.is_ascii_digit())
        && digits.chars().all(|c| c.is_ascii_digit() || matches!(c, ' ' | '(' | ')' | '-' | '.' | '/'))
}

/// A sign, digits and a decimal point.
fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok() && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'+' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use domain::CallDetails;

    use super::*;
    use crate::tests::{call, leslie};

    fn row(details: CallDetails) -> String {
        String::from_utf8(CsvBuilder::rows(&[Call { details, ..call() }]).unwrap()).unwrap()
    }

    #[test]
    fn a_row_has_the_cells_of_the_header() {
        assert_eq!(
            CsvBuilder::header(),
            b"id,called_at,contact_id,contact_name,direction,answered,duration_seconds,phone_number,content,external_id\r\n"
        );
        let details = CallDetails {
            contact_called: Some(false),
            answered: Some(true),
            duration: CallDuration::from_seconds(61),
            phone_number: PhoneNumber::parse("+41 (0)31 000-00-00").ok(),
            content: Content::parse("He said \"hi\",\r\nand left.").ok(),
            external_id: Name::parse("pbx-1").ok(),
            ..CallDetails::at(call().details.called_at)
        };
        let expected = "5,2017-10-07T22:29:21Z,3,Leslie Knope,outgoing,true,61,+41 (0)31 000-00-00,\
                        \"He said \"\"hi\"\",\r\nand left.\",pbx-1\r\n";
        assert_eq!(row(details), expected);
        let minimal = row(CallDetails::at(call().details.called_at));
        assert_eq!(minimal, "5,2017-10-07T22:29:21Z,3,Leslie Knope,,,,,,\r\n");
    }

    #[test]
    fn a_spreadsheet_executes_no_cell() {
        for (text, cell) in [
            ("=1+1", "'=1+1"),
            ("+cmd|' /C calc'!A0", "'+cmd|' /C calc'!A0"),
            ("-2+3", "'-2+3"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("-12.5", "-12.5"),
            ("+1 555 0100", "+1 555 0100"),
            ("+", "'+"),
            ("-", "'-"),
            ("plain = text", "plain = text"),
        ] {
            assert_eq!(without_formula(text.into()), cell, "{text}");
        }
        let named = domain::Profile { first_name: Name::parse("=HYPERLINK(1)").unwrap(), ..leslie().profile };
        let contact = domain::ContactSummary { profile: named, ..leslie() };
        let rows = CsvBuilder::rows(&[Call { contact, ..call() }]).unwrap();
        assert!(String::from_utf8(rows).unwrap().contains(",'=HYPERLINK(1) Knope,"));
    }
}
