//! The JSON of the lists that are the same in every account: emotions, genders and kinds of contact fields.

use domain::{AccountId, ContactFieldKind, Emotion, Gender, Timestamp, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountRef, Iso8601};

/// An emotion felt during a call.
#[derive(Serialize, ToSchema)]
#[schema(as = Emotion)]
pub struct EmotionResource {
    #[schema(example = 1)]
    id: i64,
    #[schema(example = "emotion")]
    object: &'static str,
    #[schema(example = "adoration")]
    name: &'static str,
}

impl From<Emotion> for EmotionResource {
    fn from(emotion: Emotion) -> Self {
        Self { id: emotion.id(), object: "emotion", name: emotion.name() }
    }
}

/// A kind of contact field.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactFieldType)]
pub struct ContactFieldTypeResource {
    #[schema(example = 2)]
    id: i64,
    /// The same on every server, because the list is fixed.
    uuid: Uuid,
    #[schema(example = "contactfieldtype")]
    object: &'static str,
    #[schema(example = "Phone")]
    name: &'static str,
    #[schema(example = "fa fa-volume-control-phone")]
    fontawesome_icon: &'static str,
    /// The URL scheme that makes a link of the data.
    #[schema(example = "tel:")]
    protocol: Option<&'static str>,
    /// Always false, because the list is fixed.
    delible: bool,
    /// `email`, `phone`, or null.
    #[serde(rename = "type")]
    #[schema(example = "phone")]
    slug: Option<&'static str>,
    account: AccountRef,
    #[schema(value_type = String, format = DateTime, example = "1970-01-01T00:00:00Z")]
    created_at: Iso8601,
    #[schema(value_type = String, format = DateTime, example = "1970-01-01T00:00:00Z")]
    updated_at: Iso8601,
}

impl ContactFieldTypeResource {
    /// The UUID of the kind with the id 0, which does not exist. The last digits of a kind's UUID are its id.
    const UUIDS: u128 = 0xca11_b00c_0000_8000_8000_0000_0000_0000;

    /// Converts a kind. It was never created or updated, so both times are the start of Unix time.
    pub fn new(kind: ContactFieldKind, account: AccountId) -> Self {
        Self {
            id: kind.id(),
            uuid: Uuid::from_u128(Self::UUIDS | u128::from(kind.id().unsigned_abs())),
            object: "contactfieldtype",
            name: kind.name(),
            fontawesome_icon: icon(kind),
            protocol: kind.protocol(),
            delible: false,
            slug: kind.slug(),
            account: account.into(),
            created_at: Iso8601(Timestamp::EPOCH),
            updated_at: Iso8601(Timestamp::EPOCH),
        }
    }
}

/// A gender.
#[derive(Serialize, ToSchema)]
#[schema(as = Gender)]
pub struct GenderResource {
    #[schema(minimum = 1, example = 1)]
    id: i64,
    #[schema(example = "gender")]
    object: &'static str,
    #[schema(example = "Man")]
    name: String,
    /// M, F or O (other).
    #[serde(rename = "type")]
    #[schema(example = "M")]
    letter: &'static str,
    account: AccountRef,
    #[schema(value_type = String, format = DateTime)]
    created_at: Iso8601,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Iso8601,
}

impl GenderResource {
    /// Converts a gender. `created_at` is when the account was created.
    pub fn new(id: i64, gender: &Gender, account: AccountId, created_at: Timestamp) -> Self {
        Self {
            id,
            object: "gender",
            name: gender.as_str().to_owned(),
            letter: gender.letter(),
            account: account.into(),
            created_at: Iso8601(created_at),
            updated_at: Iso8601(created_at),
        }
    }
}

/// One gender.
#[derive(Serialize, ToSchema)]
#[schema(as = GenderBody)]
pub struct GenderResponse {
    /// The gender.
    pub data: GenderResource,
}

/// Returns the name of the icon of the kind in Font Awesome 4.
fn icon(kind: ContactFieldKind) -> &'static str {
    const ICONS: [&str; 7] = [
        "fa fa-envelope-open-o",
        "fa fa-volume-control-phone",
        "fa fa-facebook-official",
        "fa fa-twitter-square",
        "fa fa-whatsapp",
        "fa fa-telegram",
        "fa fa-linkedin-square",
    ];
    // Kinds are numbered from 1.
    let icon = usize::try_from(kind.id() - 1).ok().and_then(|index| ICONS.get(index));
    icon.copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_contact_field_has_an_icon() {
        let icons: Vec<_> = ContactFieldKind::all().map(icon).collect();
        assert_eq!(icons.first(), Some(&"fa fa-envelope-open-o"));
        assert_eq!(icons.last(), Some(&"fa fa-linkedin-square"));
        assert!(icons.iter().all(|icon| icon.starts_with("fa fa-")));
    }
}
