//! Contact fields: how a contact is reached.

use crate::{ContactFieldId, Name, Timestamp, fold};

/// A kind of contact field: a fixed list, so an id means the same on every server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ContactFieldKind(u8);

struct Row {
    name: &'static str,
    protocol: Option<&'static str>,
    icon: &'static str,
    /// What programs tell kinds apart by; none for a network.
    slug: Option<&'static str>,
}

/// The kinds that every account of Monica begins with, numbered from 1.
const ROWS: [Row; 7] = [
    Row { name: "Email", protocol: Some("mailto:"), icon: "fa fa-envelope-open-o", slug: Some("email") },
    Row { name: "Phone", protocol: Some("tel:"), icon: "fa fa-volume-control-phone", slug: Some("phone") },
    Row { name: "Facebook", protocol: None, icon: "fa fa-facebook-official", slug: None },
    Row { name: "Twitter", protocol: None, icon: "fa fa-twitter-square", slug: None },
    Row { name: "Whatsapp", protocol: None, icon: "fa fa-whatsapp", slug: None },
    Row { name: "Telegram", protocol: None, icon: "fa fa-telegram", slug: None },
    Row { name: "LinkedIn", protocol: None, icon: "fa fa-linkedin-square", slug: None },
];

impl ContactFieldKind {
    /// An e-mail address.
    pub const EMAIL: Self = Self(1);
    /// A phone number.
    pub const PHONE: Self = Self(2);

    /// The kind with this id; none when there is no such kind.
    pub fn new(id: i64) -> Option<Self> {
        u8::try_from(id).ok().filter(|id| (1..=ROWS.len()).contains(&usize::from(*id))).map(Self)
    }

    /// The kind of this name, in any case.
    pub fn named(name: &str) -> Option<Self> {
        Self::all().find(|kind| kind.name().eq_ignore_ascii_case(name))
    }

    /// Every kind, by id.
    pub fn all() -> impl Iterator<Item = Self> {
        (1..).map_while(Self::new)
    }

    /// Its id, counted from 1.
    pub fn id(self) -> i64 {
        i64::from(self.0)
    }

    /// Its English name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// What makes a link of its data.
    pub fn protocol(self) -> Option<&'static str> {
        self.row().protocol
    }

    /// The name of its icon in Font Awesome 4.
    pub fn icon(self) -> &'static str {
        self.row().icon
    }

    /// What programs tell e-mail and phone by; none for the others.
    pub fn slug(self) -> Option<&'static str> {
        self.row().slug
    }

    /// The text as it is searched: of a phone number its digits, of anything else the folded text without spaces.
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

/// The digits of a phone number, whatever stands between them.
pub fn digits(text: &str) -> String {
    text.chars().filter_map(|c| c.to_digit(10)).filter_map(|digit| char::from_digit(digit, 10)).collect()
}

/// How a contact is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContactField {
    /// Its id.
    pub id: ContactFieldId,
    /// Its kind and data.
    pub content: NewContactField,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A contact field that may be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewContactField {
    /// What it is.
    pub kind: ContactFieldKind,
    /// The address or number.
    pub data: Name,
}

impl NewContactField {
    /// The data as it is searched.
    pub fn search_data(&self) -> String {
        self.kind.search_data(self.data.as_str())
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
