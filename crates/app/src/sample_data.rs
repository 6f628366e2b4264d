//! Generated contacts and calls: any number, the same on every run.

use domain::{
    CallDetails, CallDuration, ContactFieldKind, Content, Name, NewContact, NewContactField, PhoneNumber, Profile,
    StayInTouchFrequency, Timestamp, Uuid,
};
use ports::inbound::ImportRecord;
use ports::outbound::{FieldIdentity, ImportCall, ImportContact};
use ports::{Error, Result};

#[rustfmt::skip]
const FIRST_NAMES: [&str; 24] = [
    "Leslie", "Henri", "Ann", "Tom", "Donna", "Ron", "April", "Andy", "Ben", "Chris", "Jerry", "Zoë", "Amina",
    "Björn", "Chiara", "Dmitri", "Emeka", "Fatima", "Guadalupe", "Hiroshi", "Ingrid", "João", "Katarzyna", "Liam",
];

#[rustfmt::skip]
const LAST_NAMES: [&str; 24] = [
    "Knope", "Troyat", "Perkins", "Haverford", "Meagle", "Swanson", "Ludgate", "Dwyer", "Wyatt", "Traeger",
    "Gergich", "Brontë", "Diallo", "Ångström", "Rossi", "Ivanov", "Okafor", "Haddad", "Ortiz", "Sato", "Larsen",
    "Silva", "Nowak", "Murphy",
];

const COMPANIES: [&str; 8] = [
    "City of Pawnee",
    "Entertainment 720",
    "Rent-a-Swag",
    "Sweetums",
    "Gryzzl",
    "Paunch Burger",
    "H&H Flooring",
    "Very Good Building Company",
];

/// How often, in days, every fourth contact is to be called.
const FREQUENCIES: [i64; 5] = [7, 30, 90, 180, 365];

const SENTENCES: [&str; 12] = [
    "He called, we had fun.",
    "She called back about the offer.",
    "We talked about nice stuff and especially about their wedding.",
    "Asked for the invoice again; it goes out tomorrow.",
    "Nobody answered, left a message on the machine.",
    "Just laughed super hard.",
    "Long talk about the new flat: fourth floor, no lift, but a view over the river.",
    "The meeting moves to Thursday at nine, the room stays.",
    "Wants to come by at the weekend with the children.",
    "They are back from Lisbon and have hundreds of photographs to show.",
    "Happy birthday!",
    "The parcel has arrived, one of the cups was broken; they send another.",
];

/// Generated calls happen in the ten years before 2026-01-01T00:00:00Z.
const END: i64 = 1_767_225_600;
const TEN_YEARS: u64 = 10 * 365 * 86_400;

/// A small random number generator (Knuth's MMIX constants), seeded by the kind and number of a record: record n is the
/// same for any number of records.
struct Random(u64);

impl Random {
    fn new(kind: u64, n: u64) -> Self {
        let mut random = Self((n << 2) ^ kind);
        random.next();
        random.next();
        random
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The low bits of such a generator hardly change; the finalizer of SplitMix64 mixes in the high ones.
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }

    fn choose<'a>(&mut self, texts: &[&'a str]) -> &'a str {
        let index = usize::try_from(self.below(texts.len() as u64)).unwrap_or_default();
        texts.get(index).copied().unwrap_or_default()
    }

    fn uuid(&mut self) -> Uuid {
        uuid::Builder::from_random_bytes(Uuid::from_u64_pair(self.next(), self.next()).into_bytes()).into_uuid()
    }

    /// Returns a time in the ten years.
    fn timestamp(&mut self) -> Result<Timestamp> {
        timestamp(END - 1 - self.below(TEN_YEARS).cast_signed())
    }
}

fn timestamp(seconds: i64) -> Result<Timestamp> {
    Timestamp::from_unix(seconds).ok_or_else(|| Error::internal("a generated time is out of range"))
}

/// Generates the contacts, then the calls.
pub fn records(contacts: u64, calls: u64) -> impl Iterator<Item = Result<ImportRecord>> {
    (1..=contacts).map(contact).chain((1..=calls).map(move |n| call(n, contacts)))
}

fn contact(n: u64) -> Result<ImportRecord> {
    let mut random = Random::new(1, n);
    let uuid = random.uuid();
    let first_name = Name::parse(random.choose(&FIRST_NAMES)).map_err(Error::internal)?;
    let last_name = Name::parse(random.choose(&LAST_NAMES)).ok();
    let profile = Profile { last_name, is_starred: random.below(10) == 0, ..Profile::new(first_name.clone()) };
    let fields =
        [(ContactFieldKind::PHONE, phone_number(n)), (ContactFieldKind::EMAIL, format!("contact{n}@example.org"))];
    let field = |(kind, data)| Ok(NewContactField { kind, data: Name::try_from(data).map_err(Error::internal)? });
    let created_at = timestamp(END - TEN_YEARS.cast_signed() - 86_400)?;
    let company = Name::parse(random.choose(&COMPANIES)).ok();
    let identities =
        std::iter::repeat_with(|| FieldIdentity { uuid: random.uuid(), created_at, updated_at: created_at });
    let identities = identities.take(fields.len()).collect();
    let days =
        if random.below(4) == 0 { FREQUENCIES.get(usize::try_from(random.below(5)).unwrap_or_default()) } else { None };
    Ok(ImportRecord::Contact(Box::new(ImportContact {
        uuid,
        contact: NewContact {
            profile,
            company,
            stay_in_touch_frequency: days.and_then(|days| StayInTouchFrequency::from_days(*days)),
            fields: fields.into_iter().map(field).collect::<Result<_>>()?,
            ..NewContact::new(first_name)
        },
        fields: identities,
        created_at,
        updated_at: created_at,
    })))
}

/// Returns the phone number of a contact. The numbers 555 01xx are reserved for fiction, as is example.org.
fn phone_number(contact: u64) -> String {
    format!("+1 {} 555 01{:02}", 200 + contact % 800, contact / 800 % 100)
}

fn call(n: u64, contacts: u64) -> Result<ImportRecord> {
    let mut random = Random::new(2, n);
    let uuid = random.uuid();
    let contact = 1 + random.below(contacts);
    let called_at = random.timestamp()?;
    let sentences: Vec<_> = (0..=random.below(4)).map(|_| random.choose(&SENTENCES)).collect();
    let contact_called = match random.below(3) {
        0 => None,
        n => Some(n == 1),
    };
    let content = Content::parse(&sentences.join(" ")).ok();
    let answered = random.below(5) > 0;
    let seconds = if answered { 10 + random.below(3_600) } else { 0 };
    // A call is recorded within an hour. One in eight is updated on the next day.
    let created_at = timestamp(called_at.unix() + random.below(3_600).cast_signed())?;
    let updated_at = if random.below(8) == 0 { timestamp(created_at.unix() + 86_400)? } else { created_at };
    Ok(ImportRecord::Call(Box::new(ImportCall {
        uuid,
        contact_uuid: Random::new(1, contact).uuid(),
        details: CallDetails {
            content,
            contact_called,
            duration: CallDuration::from_seconds(seconds.cast_signed()),
            answered: Some(answered),
            phone_number: PhoneNumber::parse(&phone_number(contact)).ok(),
            external_id: Name::parse(&format!("demo-{n}")).ok(),
            ..CallDetails::at(called_at)
        },
        created_at,
        updated_at,
    })))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn all(contacts: u64, calls: u64) -> Vec<ImportRecord> {
        records(contacts, calls).map(Result::unwrap).collect()
    }

    #[test]
    fn generates_the_same_distinct_records_each_time() {
        assert_eq!(all(50, 500), all(50, 500));
        let uuids: HashSet<_> = all(50, 500)
            .iter()
            .map(|record| match record {
                ImportRecord::Contact(contact) => contact.uuid,
                ImportRecord::Call(call) => call.uuid,
            })
            .collect();
        assert_eq!(uuids.len(), 550);
    }

    #[test]
    fn generates_calls_of_every_contact_in_every_year() {
        let records = all(20, 2_000);
        let mut contacts = HashSet::new();
        let (mut called, mut years) = (HashSet::new(), HashSet::new());
        for record in records {
            match record {
                ImportRecord::Contact(contact) => drop(contacts.insert(contact.uuid)),
                ImportRecord::Call(call) => {
                    assert!(contacts.contains(&call.contact_uuid));
                    assert!(call.details.content.is_some());
                    called.insert(call.contact_uuid);
                    years.insert(call.details.called_at.year());
                }
            }
        }
        assert_eq!((called.len(), years.len()), (20, 10));
    }
}
