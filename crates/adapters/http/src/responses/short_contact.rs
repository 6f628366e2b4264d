//! The JSON of a contact inside a call, and the parts that it shares with the full contact.

use domain::{ContactSummary, Gender, ImportantDate, Name, Profile, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::{AccountRef, Iso8601, Links, ResponseContext};
use crate::Compat;

/// The names in the short and the full form of a contact.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactNames)]
pub struct Names<'a> {
    #[schema(example = "Leslie")]
    first_name: &'a str,
    #[schema(example = "Knope")]
    last_name: Option<&'a str>,
    nickname: Option<&'a str>,
    #[schema(example = "Leslie Knope")]
    complete_name: String,
    #[schema(example = "LK")]
    initials: String,
}

impl<'a> From<&'a Profile> for Names<'a> {
    fn from(profile: &'a Profile) -> Self {
        Self {
            first_name: profile.first_name.as_str(),
            last_name: profile.last_name.as_ref().map(Name::as_str),
            nickname: profile.nickname.as_ref().map(Name::as_str),
            complete_name: profile.complete_name(),
            initials: profile.initials(),
        }
    }
}

/// The gender and the flags in the short and the full form of a contact.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactFlags)]
pub struct Flags<'a> {
    /// The name of the gender. `none` if unknown.
    #[schema(value_type = String, example = "none")]
    gender: Option<&'a str>,
    #[schema(inline, value_type = GenderType)]
    gender_type: Option<&'static str>,
    is_starred: bool,
    is_partial: bool,
    /// Not archived.
    is_active: bool,
    is_dead: bool,
    /// Always false. Callbook does not store which contact is the owner of the account.
    is_me: bool,
}

crate::openapi::texts!(
    /// M, F, O (other) or N (unknown).
    GenderType: "M" M, "F" F, "O" O, "N" N
);

impl<'a> Flags<'a> {
    /// Converts the gender and the flags of a profile.
    pub fn new(profile: &'a Profile, compat: Compat) -> Self {
        let gender = profile.gender.as_ref();
        let (unknown_gender, unknown_type) = match compat {
            Compat::Documented => (Some("none"), Some("N")),
            Compat::Monica4 => (None, None),
        };
        Self {
            gender: gender.map(Gender::as_str).or(unknown_gender),
            gender_type: gender.map(Gender::letter).or(unknown_type),
            is_starred: profile.is_starred,
            is_partial: profile.is_partial,
            is_active: profile.is_active,
            is_dead: profile.is_dead,
            is_me: false,
        }
    }
}

/// The short contact inside a call.
#[derive(Serialize, ToSchema)]
#[schema(as = ShortContact)]
pub struct ShortContactResource<'a> {
    #[schema(minimum = 1, example = 3)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "contact")]
    object: &'static str,
    hash_id: String,
    #[serde(flatten)]
    names: Names<'a>,
    #[serde(flatten)]
    flags: Flags<'a>,
    information: ShortInformation,
    #[schema(example = "http://127.0.0.1:8080/api/contacts/3")]
    url: String,
    account: AccountRef,
}

impl<'a> ShortContactResource<'a> {
    /// Converts a contact.
    pub fn new(summary: &'a ContactSummary, context: &ResponseContext) -> Self {
        let profile = &summary.profile;
        Self {
            id: summary.id.get(),
            uuid: summary.uuid,
            object: "contact",
            hash_id: hash_id(summary.uuid),
            names: profile.into(),
            flags: Flags::new(profile, context.compat),
            information: ShortInformation {
                dates: match context.compat {
                    Compat::Documented => Some([DocumentDate::birthdate(profile.birthdate)]),
                    Compat::Monica4 => None,
                },
                birthdate: profile.birthdate.into(),
                deceased_date: profile.deceased_date.into(),
                avatar: Avatar::of(summary.uuid, &context.links),
            },
            url: context.links.to_one("/api/contacts/", summary.id),
            account: summary.account.into(),
        }
    }
}

/// Returns Monica's id of a contact in URLs of web pages. It is derived from the UUID.
pub fn hash_id(uuid: Uuid) -> String {
    let mut text = Uuid::encode_buffer();
    ["h:", &uuid.simple().encode_lower(&mut text)[..18]].concat()
}

#[derive(Serialize, ToSchema)]
pub struct ShortInformation {
    /// The document's list of dates.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Vec<DocumentDate>, required = true)]
    dates: Option<[DocumentDate; 1]>,
    birthdate: DateResource,
    deceased_date: DateResource,
    avatar: Avatar,
}

/// A date in the form of the document.
#[derive(Serialize, ToSchema)]
pub struct DocumentDate {
    #[schema(example = "birthdate")]
    name: &'static str,
    #[schema(inline)]
    is_birthdate_approximate: Approximation,
    #[schema(value_type = Option<String>, format = DateTime)]
    birthdate: Option<Iso8601>,
}

/// How well a date is known.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Approximation {
    Unknown,
    Approximate,
    Exact,
}

impl DocumentDate {
    fn birthdate(date: Option<ImportantDate>) -> Self {
        let is_birthdate_approximate = match date {
            None => Approximation::Unknown,
            Some(date) if date.is_age_based || date.is_year_unknown => Approximation::Approximate,
            Some(_) => Approximation::Exact,
        };
        Self { name: "birthdate", is_birthdate_approximate, birthdate: date.map(|date| Iso8601(date.date)) }
    }
}

/// A date in the form of Monica v4.1.2. All members are null if it is unknown.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportantDate)]
pub struct DateResource {
    /// The date is estimated from an age, so that only its year is meaningful.
    is_age_based: Option<bool>,
    /// Only the day and the month are known.
    is_year_unknown: Option<bool>,
    #[schema(value_type = Option<String>, format = DateTime)]
    date: Option<Iso8601>,
}

impl From<Option<ImportantDate>> for DateResource {
    fn from(date: Option<ImportantDate>) -> Self {
        Self {
            is_age_based: date.map(|date| date.is_age_based),
            is_year_unknown: date.map(|date| date.is_year_unknown),
            date: date.map(|date| Iso8601(date.date)),
        }
    }
}

/// The picture of a contact: a disc in one colour.
#[derive(Serialize, ToSchema)]
pub struct Avatar {
    url: String,
    #[schema(example = "default")]
    source: &'static str,
    #[schema(example = "#bd5067")]
    default_avatar_color: &'static str,
}

impl Avatar {
    pub fn of(uuid: Uuid, links: &Links) -> Self {
        let color = COLORS[usize::from(uuid.as_bytes()[15]) % COLORS.len()];
        Self {
            url: links.to(["/avatars/", &color[1..], ".svg"].concat()),
            source: "default",
            default_avatar_color: color,
        }
    }
}

/// The colours of avatars, dark enough for white initials.
const COLORS: [&str; 8] = ["#bd5067", "#4f6d7a", "#6a4c93", "#2f6690", "#7d5a3c", "#3a7d44", "#9c3848", "#5c677d"];
