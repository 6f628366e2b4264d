//! The contact of a card.

use std::borrow::Cow;

use calcard::vcard::{VCard, VCardProperty, VCardValue};
use calcard::{Entry, Parser};
use domain::{ContactFieldKind, ImportantDate, Name, NewContact, NewContactField, Profile, Timestamp, Uuid};
use ports::outbound::{FieldIdentity, ImportContact};

use crate::transfer::derived_uuid;

/// The year of a birthday without a year, as Apple's address book writes it.
const APPLE_NO_YEAR: u16 = 1604;

/// Parses a card: names, numbers, e-mail addresses, birthday, organisation and title.
pub fn contact(text: &str, now: Timestamp) -> Result<ImportContact, String> {
    let text = with_compact_birthday(text);
    let Entry::VCard(card) = Parser::new(&text).entry() else { return Err("it is no vCard".to_owned()) };
    let fields = fields(&card)?;
    let company = first_name_of(&card, &VCardProperty::Org)?;
    let mut profile = profile(&card, company.as_ref(), &fields)?.ok_or("it has no name")?;
    profile.nickname = first_name_of(&card, &VCardProperty::Nickname)?;
    profile.birthdate = birthdate(&card, now);
    let contact = NewContact {
        job: first_name_of(&card, &VCardProperty::Title)?,
        company,
        fields,
        ..NewContact::with_profile(profile)
    };
    let uuid = uuid(&card, &contact);
    let identity = |field: &NewContactField| FieldIdentity {
        uuid: derived_uuid(&format!("vcard {uuid} {} {}", field.kind.name(), field.data)),
        created_at: now,
        updated_at: now,
    };
    let fields = contact.fields.iter().map(identity).collect();
    Ok(ImportContact { uuid, contact, fields, created_at: now, updated_at: now })
}

/// Writes the date of the birthday without hyphens and without a time. The parser reads other forms, such as Android's
/// `--04-12`, in one of the versions only, or not at all.
fn with_compact_birthday(text: &str) -> Cow<'_, str> {
    let is_birthday = |line: &&str| line.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("BDAY"));
    let Some((line, (name, value))) =
        text.lines().find(is_birthday).and_then(|line| Some((line, line.split_once(':')?)))
    else {
        return text.into();
    };
    let date = value.split(['T', 't', ' ']).next().unwrap_or_default();
    let (start, rest) = date.strip_prefix("--").map_or(("", date), |rest| ("--", rest));
    // A month and a day, or a year with them. A year and a month alone keep their hyphen.
    if !matches!((start, rest.len()), ("--", 5) | ("", 10)) {
        return text.into();
    }
    text.replacen(line, &format!("{name}:{start}{}", rest.replace('-', "")), 1).into()
}

/// Returns the values of a property as texts.
fn texts<'c>(card: &'c VCard, property: &'c VCardProperty) -> impl Iterator<Item = String> + 'c {
    card.properties(property).flat_map(|entry| &entry.values).map(text)
}

fn text(value: &VCardValue) -> String {
    match value {
        VCardValue::Text(text) => text.clone(),
        VCardValue::Component(parts) => parts.join(" "),
        VCardValue::Integer(number) => number.to_string(),
        _ => String::new(),
    }
}

/// Parses a text as a name. `None` if it is blank.
fn parse_name(what: &str, text: &str) -> Result<Option<Name>, String> {
    match Name::parse(text) {
        Ok(name) => Ok(Some(name)),
        Err(domain::TextError::Blank) => Ok(None),
        Err(error) => Err(format!("{what}: {error}")),
    }
}

fn first_name_of(card: &VCard, property: &VCardProperty) -> Result<Option<Name>, String> {
    parse_name(property.as_str(), &texts(card, property).next().unwrap_or_default())
}

/// Returns the names. `None` if the card has nothing that names a contact.
fn profile(card: &VCard, company: Option<&Name>, fields: &[NewContactField]) -> Result<Option<Profile>, String> {
    let mut parts = texts(card, &VCardProperty::N).map(|part| parse_name("N", &part));
    let mut part = || parts.next().transpose().map(Option::flatten);
    let (family, given, additional) = (part()?, part()?, part()?);
    let full = first_name_of(card, &VCardProperty::Fn)?;
    Ok(match (given, family, full) {
        (Some(given), family, _) => Some(Profile { middle_name: additional, last_name: family, ..Profile::new(given) }),
        (None, Some(family), _) => Some(Profile::new(family)),
        // An organisation.
        (None, None, Some(full)) if Some(&full) == company => Some(Profile::new(full)),
        (None, None, Some(full)) => Some(Profile::from_full_name(full)),
        (None, None, None) => company.or(fields.first().map(|field| &field.data)).cloned().map(Profile::new),
    })
}

/// Returns the numbers and e-mail addresses, without repetitions: as many as a contact can have.
fn fields(card: &VCard) -> Result<Vec<NewContactField>, String> {
    let mut fields = Vec::new();
    for (property, kind, scheme) in [
        (VCardProperty::Tel, ContactFieldKind::PHONE, "tel:"),
        (VCardProperty::Email, ContactFieldKind::EMAIL, "mailto:"),
    ] {
        for text in texts(card, &property) {
            let start = text.get(..scheme.len()).filter(|start| start.eq_ignore_ascii_case(scheme));
            let data = parse_name(property.as_str(), text.get(start.map_or(0, str::len)..).unwrap_or_default())?;
            let field = data.map(|data| NewContactField { kind, data });
            fields.extend(field.filter(|field| fields.len() < NewContact::MAX_FIELDS && !fields.contains(field)));
        }
    }
    Ok(fields)
}

/// Returns the birthday. `None` if the card has none, or one without a day and a month.
fn birthdate(card: &VCard, now: Timestamp) -> Option<ImportantDate> {
    let value = card.property(&VCardProperty::Bday)?.values.first()?;
    let VCardValue::PartialDateTime(date) = value else { return None };
    let year = date.year.filter(|year| *year != APPLE_NO_YEAR).map(i32::from);
    ImportantDate::of_parts(year, date.month?.into(), date.day?.into(), now)
}

/// Returns the UUID by which the card is recognised when it is imported again: that of its UID, or one that is derived
/// from the UID, or else from names, numbers and addresses.
fn uuid(card: &VCard, contact: &NewContact) -> Uuid {
    let uid = texts(card, &VCardProperty::Uid).next().unwrap_or_default();
    let uid = uid.trim();
    if uid.is_empty() {
        let fields: Vec<&str> = contact.fields.iter().map(|field| field.data.as_str()).collect();
        return derived_uuid(&format!("vcard {}\n{}", contact.profile.complete_name(), fields.join("\n")));
    }
    uid.parse().unwrap_or_else(|_| derived_uuid(&format!("vcard uid {uid}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &str) -> Result<ImportContact, String> {
        let now = Timestamp::from_unix(1_517_566_500).unwrap();
        contact(&format!("BEGIN:VCARD\r\n{lines}\r\nEND:VCARD\r\n"), now)
    }

    fn names(lines: &str) -> [String; 3] {
        let profile = read(lines).unwrap().contact.profile;
        let text = |name: Option<Name>| name.map(String::from).unwrap_or_default();
        [profile.first_name.into(), text(profile.middle_name), text(profile.last_name)]
    }

    #[test]
    fn reads_versions_3_and_4() {
        for (version, tel, email, bday) in [
            ("3.0", "TEL;TYPE=CELL,VOICE:+41 31 000 00 00", "EMAIL;TYPE=INTERNET:zoe@example.org", "BDAY:1985-04-12"),
            ("3.0", "item1.TEL:+41 31 000 00 00\r\nitem1.X-ABLabel:Phone", "EMAIL:zoe@example.org", "BDAY:19850412"),
            (
                "4.0",
                "TEL;VALUE=uri;TYPE=\"voice,home\":tel:+41 31 000 00 00",
                "EMAIL:mailto:zoe@example.org",
                "BDAY:19850412",
            ),
        ] {
            let card = format!(
                "VERSION:{version}\r\nN:Brontë;Zoë;Anne\\, Mary;Dr.;\r\nFN:Dr. Zoë Brontë\r\nNICKNAME:Z\r\nORG:Example\\; Ltd;Sales\r\n\
                 TITLE:Pilot\r\n{tel}\r\n{email}\r\nEMAIL:zoe@example.org\r\n{bday}\r\nUID:urn:uuid:67e55044-10b1-426f-9247-bb680e5fe0c8"
            );
            let read = read(&card).unwrap();
            assert_eq!(read.uuid.to_string(), "67e55044-10b1-426f-9247-bb680e5fe0c8");
            let NewContact { profile, company, job, fields, .. } = read.contact;
            assert_eq!(profile.complete_name(), "Zoë Anne, Mary Brontë (Z)");
            assert_eq!((company.unwrap().as_str(), job.unwrap().as_str()), ("Example; Ltd", "Pilot"));
            let fields: Vec<_> = fields.iter().map(|field| (field.kind, field.data.as_str())).collect();
            let expected =
                [(ContactFieldKind::PHONE, "+41 31 000 00 00"), (ContactFieldKind::EMAIL, "zoe@example.org")];
            assert_eq!(fields, expected, "{version}");
            let birthdate = profile.birthdate.unwrap();
            assert_eq!(
                (birthdate.date.to_string().as_str(), birthdate.is_year_unknown),
                ("1985-04-12T00:00:00Z", false)
            );
        }
    }

    #[test]
    fn a_contact_has_the_name_that_the_card_has() {
        assert_eq!(names("FN:Leslie Barbara Knope"), ["Leslie", "", "Barbara Knope"]);
        assert_eq!(names("N:;Leslie;;;\r\nFN:Leslie Knope"), ["Leslie", "", ""]);
        assert_eq!(names("N:Knope;;;;\r\nFN:Knope"), ["Knope", "", ""]);
        assert_eq!(names("N:;;;;\r\nFN:Parks and Rec\r\nORG:Parks and Rec"), ["Parks and Rec", "", ""]);
        assert_eq!(names("ORG:Parks and Rec"), ["Parks and Rec", "", ""]);
        assert_eq!(names("TEL:+41310000000"), ["+41310000000", "", ""]);
        assert_eq!(read("FN:\r\nNOTE:x").unwrap_err(), "it has no name");
        let long = read(&format!("FN:{}", "x".repeat(256))).unwrap_err();
        assert_eq!(long, "FN: the text has more than 255 characters");
    }

    #[test]
    fn a_birthday_needs_a_day_and_a_month() {
        let birthdate = |lines: &str| {
            let date = read(&format!("FN:A\r\n{lines}")).unwrap().contact.profile.birthdate?;
            Some((date.date.to_string(), date.is_year_unknown))
        };
        assert_eq!(birthdate("BDAY:--0412"), Some(("2018-04-12T00:00:00Z".to_owned(), true)));
        assert_eq!(birthdate("BDAY:--04-12"), Some(("2018-04-12T00:00:00Z".to_owned(), true)));
        assert_eq!(
            birthdate("BDAY;X-APPLE-OMIT-YEAR=1604:1604-02-29"),
            Some(("2016-02-29T00:00:00Z".to_owned(), true))
        );
        assert_eq!(birthdate("BDAY:1985-04-12T23:10:00Z"), Some(("1985-04-12T00:00:00Z".to_owned(), false)));
        for lines in ["BDAY:1985", "BDAY:1985-04", "BDAY;VALUE=text:circa 1800", "BDAY:", "BDAY:1985-02-30", "BDAY:x"] {
            assert_eq!(birthdate(lines), None, "{lines}");
        }
    }

    #[test]
    fn a_card_has_the_same_uuid_again() {
        let uuid = |lines: &str| read(lines).unwrap().uuid;
        assert_eq!(uuid("FN:A\r\nUID:abc"), uuid("FN:B\r\nUID:abc"), "the UID counts");
        assert_ne!(uuid("FN:A\r\nUID:abc"), uuid("FN:A\r\nUID:abd"));
        assert_eq!(uuid("FN:A\r\nTEL:1234567\r\nREV:1"), uuid("FN:A\r\nTEL:1234567\r\nREV:2"));
        assert_ne!(uuid("FN:A\r\nTEL:1234567"), uuid("FN:A\r\nTEL:1234568"), "another person of the same name");
    }

    #[test]
    fn a_contact_has_a_limited_number_of_fields() {
        let numbers: Vec<String> = (0..200).map(|n| format!("TEL:+4131000{n:04}")).collect();
        assert_eq!(
            read(&format!("FN:A\r\n{}", numbers.join("\r\n"))).unwrap().contact.fields.len(),
            NewContact::MAX_FIELDS
        );
    }
}
