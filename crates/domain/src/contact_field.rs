//! Contact fields: phone numbers, e-mail addresses and other ways to reach a contact.

use uuid::Uuid;

use crate::{ContactFieldId, ContactSummary, Name, Timestamp, fold, phone_key};

/// A kind of contact field. The list is fixed, so an id means the same on every server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactFieldKind(u8);

struct Row {
    name: &'static str,
    protocol: Option<&'static str>,
    /// The identifier for programs. `None` for social networks.
    slug: Option<&'static str>,
}

/// The kinds of a new Monica account, numbered from 1.
const ROWS: [Row; 7] = [
    Row { name: "Email", protocol: Some("mailto:"), slug: Some("email") },
    Row { name: "Phone", protocol: Some("tel:"), slug: Some("phone") },
    Row { name: "Facebook", protocol: None, slug: None },
    Row { name: "Twitter", protocol: None, slug: None },
    Row { name: "Whatsapp", protocol: None, slug: None },
    Row { name: "Telegram", protocol: None, slug: None },
    Row { name: "LinkedIn", protocol: None, slug: None },
];

impl ContactFieldKind {
    /// An e-mail address.
    pub const EMAIL: Self = Self(1);
    /// A phone number.
    pub const PHONE: Self = Self(2);

    /// Returns the kind with this id. `None` if there is none.
    pub fn new(id: i64) -> Option<Self> {
        u8::try_from(id).ok().filter(|id| (1..=ROWS.len()).contains(&usize::from(*id))).map(Self)
    }

    /// Returns the kind with this name, ignoring case. `None` if there is none.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Returns all kinds, by id.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..).map_while(Self::new)
    }

    /// Returns the id, counted from 1.
    pub fn id(self) -> i64 {
        i64::from(self.0)
    }

    /// Returns the English name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// Returns the URL scheme that makes a link of the data. `None` if there is none.
    pub fn protocol(self) -> Option<&'static str> {
        self.row().protocol
    }

    /// Returns `email` or `phone`. `None` for other kinds.
    pub fn slug(self) -> Option<&'static str> {
        self.row().slug
    }

    /// Returns the searchable form of the data: the digits of a phone number, else the folded text without spaces.
    pub fn search_data(self, text: &str) -> String {
        match digits(text) {
            number if self == Self::PHONE && !number.is_empty() => number,
            _ => fold(text).replace(' ', ""),
        }
    }

    fn row(self) -> &'static Row {
        ROWS.get(usize::from(self.0) - 1).unwrap_or(&ROWS[0])
    }
}

/// Returns the decimal digits of the text.
pub fn digits(text: &str) -> String {
    text.chars().filter_map(|c| c.to_digit(10)).filter_map(|digit| char::from_digit(digit, 10)).collect()
}

/// A stored contact field.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ContactField {
    /// The id, unique among all contact fields and never reused.
    pub id: ContactFieldId,
    /// The globally unique id.
    pub uuid: Uuid,
    /// The kind and the data.
    pub content: NewContactField,
    /// When the field was created.
    pub created_at: Timestamp,
    /// When the field last changed.
    pub updated_at: Timestamp,
}

/// A stored contact field with its contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldOfContact {
    /// The contact.
    pub contact: ContactSummary,
    /// The field.
    pub field: ContactField,
}

/// A contact field without an identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NewContactField {
    /// The kind.
    pub kind: ContactFieldKind,
    /// The address or the number.
    pub data: Name,
}

impl NewContactField {
    /// Returns the searchable form of the data.
    pub fn search_data(&self) -> String {
        self.kind.search_data(self.data.as_str())
    }

    /// Returns the [key](phone_key) of a phone number. `None` for other kinds.
    pub fn phone_key(&self) -> Option<String> {
        (self.kind == ContactFieldKind::PHONE).then(|| phone_key(self.data.as_str()))
    }
}

/// A contact field in the change of a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedField {
    /// The id of the stored field to change. `None` for a field to add.
    pub id: Option<ContactFieldId>,
    /// The kind and the data.
    pub content: NewContactField,
}

impl From<NewContactField> for NamedField {
    /// Names a field to add.
    fn from(content: NewContactField) -> Self {
        Self { id: None, content }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_numbered_from_1_and_found_by_name() {
        assert_eq!(ContactFieldKind::all().map(ContactFieldKind::id).collect::<Vec<_>>(), [1, 2, 3, 4, 5, 6, 7]);
        assert_eq!(ContactFieldKind::named("PHONE"), Some(ContactFieldKind::PHONE));
        assert_eq!(ContactFieldKind::named("email"), Some(ContactFieldKind::EMAIL));
        assert_eq!(
            (ContactFieldKind::named("fax"), ContactFieldKind::new(0), ContactFieldKind::new(8)),
            (None, None, None)
        );
    }

    #[test]
    fn a_phone_number_is_searched_by_its_digits() {
        for text in ["+1 555-0100", "+1 (555) 0100", "1.555.01 00", "15550100"] {
            assert_eq!(ContactFieldKind::PHONE.search_data(text), "15550100", "{text}");
        }
        assert_eq!(ContactFieldKind::EMAIL.search_data(" Zoë@Example.org"), "zoe@example.org");
    }
}
