//! Calls as a calendar.

use calcard::icalendar::{
    ICalendar, ICalendarComponent, ICalendarComponentType, ICalendarEntry, ICalendarProperty, ICalendarValue,
};
use domain::{Call, CallDuration, Content, Timestamp};

use super::error::{ApiError, ApiResult};

/// The properties of the calendar. RFC 7986 has its name and how often to ask for it; older clients read those with X.
const HEAD: &str = "BEGIN:VCALENDAR\r\n\
                    VERSION:2.0\r\n\
                    PRODID:-//Callbook//Callbook//EN\r\n\
                    CALSCALE:GREGORIAN\r\n\
                    NAME:Calls\r\n\
                    X-WR-CALNAME:Calls\r\n\
                    REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n\
                    X-PUBLISHED-TTL:PT1H\r\n";

const TAIL: &str = "END:VCALENDAR\r\n";

/// The duration that calendars show if that of the call is unknown, in seconds.
const DEFAULT_DURATION: i32 = 15 * 60;

/// Builds a calendar of calls, as RFC 5545 describes. The library folds lines and escapes texts.
pub struct CalendarBuilder;

impl CalendarBuilder {
    /// Returns what precedes the events.
    pub fn head() -> Vec<u8> {
        HEAD.into()
    }

    /// Returns an event for each of the calls.
    pub fn events(calls: &[Call]) -> ApiResult<Vec<u8>> {
        let mut text = String::new();
        for call in calls {
            let event = ICalendar { components: vec![event(call)] };
            event.write_to(&mut text).map_err(|error| ApiError::Internal(ports::Error::internal(error)))?;
        }
        Ok(text.into_bytes())
    }

    /// Returns what follows the events.
    pub fn tail() -> Vec<u8> {
        TAIL.into()
    }
}

fn event(call: &Call) -> ICalendarComponent {
    let details = &call.details;
    let seconds = details.duration.map_or(DEFAULT_DURATION, CallDuration::seconds);
    let mut entries = vec![
        entry(ICalendarProperty::Uid, call.uuid.to_string()),
        entry(ICalendarProperty::Dtstamp, utc(call.updated_at)),
        entry(ICalendarProperty::Created, utc(call.created_at)),
        entry(ICalendarProperty::LastModified, utc(call.updated_at)),
        entry(ICalendarProperty::Dtstart, utc(details.called_at)),
        entry(ICalendarProperty::Duration, format!("PT{seconds}S")),
        entry(ICalendarProperty::Summary, clean(&format!("Call with {}", call.contact.profile.complete_name()))),
        // A past call does not make its owner busy.
        entry(ICalendarProperty::Transp, "TRANSPARENT".to_owned()),
    ];
    let description = details.content.as_ref().map(Content::as_str).map(clean);
    entries.extend(description.map(|text| entry(ICalendarProperty::Description, text)));
    ICalendarComponent { component_type: ICalendarComponentType::VEvent, entries, component_ids: Vec::new() }
}

fn entry(name: ICalendarProperty, text: String) -> ICalendarEntry {
    ICalendarEntry { name, params: Vec::new(), values: vec![ICalendarValue::Text(text)] }
}

/// Returns the time as `20180202T101500Z`.
fn utc(time: Timestamp) -> String {
    time.to_string().replace(['-', ':'], "")
}

/// Makes each line break a line feed, and removes the control characters that RFC 5545 does not permit.
fn clean(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

#[cfg(test)]
mod tests {
    use domain::{CallDetails, ContactSummary, Name, Profile};

    use super::*;
    use crate::tests::{call, leslie};

    fn lines(call: &Call) -> Vec<String> {
        let text = String::from_utf8(CalendarBuilder::events(std::slice::from_ref(call)).unwrap()).unwrap();
        let lines = text.strip_suffix("\r\n").unwrap().split("\r\n");
        let lines: Vec<String> = lines.map(str::to_owned).collect();
        assert!(lines.iter().all(|line| line.len() <= 75 && !line.contains(char::is_control)), "{lines:?}");
        lines
    }

    fn with_content(content: &str) -> Call {
        let details = CallDetails { content: Content::parse(content).ok(), ..call().details };
        Call { details, ..call() }
    }

    fn description(content: &str) -> String {
        let lines = lines(&with_content(content)).join("\r\n").replace("\r\n ", "");
        let line = lines.split("\r\n").find_map(|line| line.strip_prefix("DESCRIPTION:")).unwrap();
        line.to_owned()
    }

    #[test]
    fn an_event_has_the_data_of_the_call() {
        let details =
            CallDetails { duration: CallDuration::from_seconds(61), ..CallDetails::at(call().details.called_at) };
        let call = Call { details, ..call() };
        let expected = [
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}", call.uuid),
            format!("DTSTAMP:{}", utc(call.updated_at)),
            format!("CREATED:{}", utc(call.created_at)),
            format!("LAST-MODIFIED:{}", utc(call.updated_at)),
            "DTSTART:20171007T222921Z".to_owned(),
            "DURATION:PT61S".to_owned(),
            "SUMMARY:Call with Leslie Knope".to_owned(),
            "TRANSP:TRANSPARENT".to_owned(),
            "END:VEVENT".to_owned(),
        ];
        assert_eq!(lines(&call), expected);
        let unknown = Call { details: CallDetails::at(Timestamp::MIN), ..call };
        assert!(lines(&unknown).contains(&"DTSTART:00010101T000000Z".to_owned()));
        assert!(lines(&unknown).contains(&"DURATION:PT900S".to_owned()));
    }

    #[test]
    fn a_text_is_escaped_and_folded_and_adds_no_property() {
        for (content, expected) in [
            ("one; two, three", r"one\; two\, three"),
            (r"C:\new", r"C:\\new"),
            ("a\r\nEND:VEVENT\rb\nc", r"a\nEND:VEVENT\nb\nc"),
            ("a\u{1}\u{7f}\u{85}b\u{1b}[2J", "ab[2J"),
            ("\"quoted\": yes", "\"quoted\": yes"),
        ] {
            assert_eq!(description(content), expected, "{content:?}");
        }
        for long in ["é".repeat(1_000), "🎉;".repeat(500), "a b".repeat(400), "\\\n".repeat(300)] {
            let expected = long.trim().replace('\\', "\\\\").replace(';', "\\;").replace('\n', "\\n");
            assert_eq!(description(&long), expected);
        }
        let first_name = Name::parse("Les\r\nBEGIN:VALARM").unwrap();
        let contact = ContactSummary { profile: Profile { first_name, ..leslie().profile }, ..leslie() };
        let lines = lines(&Call { contact, ..call() });
        assert!(lines.iter().any(|line| line == r"SUMMARY:Call with Les\nBEGIN:VALARM Knope"), "{lines:?}");
    }
}
