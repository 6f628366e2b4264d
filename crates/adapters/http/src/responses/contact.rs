//! The JSON of a contact.

use domain::{Contact, Content, Name, StayInTouchFrequency, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::short_contact::{Avatar, DateResource, Flags, Names, hash_id};
use super::{AccountRef, ContactFieldResource, Iso8601, ResponseContext};

/// A contact. Members for data that Callbook does not store are 0, empty or null.
#[derive(Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactResource<'a> {
    #[schema(minimum = 1, example = 3)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "contact")]
    object: &'static str,
    hash_id: String,
    #[serde(flatten)]
    names: Names<'a>,
    middle_name: Option<&'a str>,
    description: Option<&'a str>,
    #[serde(flatten)]
    flags: Flags<'a>,
    /// The newest `called_at` of the contact's calls. Null without calls.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_called: Option<Iso8601>,
    last_activity_together: Option<String>,
    /// The contact is to be called once in so many days.
    #[schema(example = 30)]
    stay_in_touch_frequency: Option<i16>,
    /// When the contact is to be called next: so many days after `last_called`, or after `created_at` without calls.
    #[schema(value_type = Option<String>, format = DateTime)]
    stay_in_touch_trigger_date: Option<Iso8601>,
    information: Information<'a>,
    #[schema(value_type = Vec<String>)]
    addresses: [(); 0],
    #[schema(value_type = Vec<String>)]
    tags: [(); 0],
    statistics: Statistics,
    /// The contact fields. Only with `with=contactfields`.
    #[serde(rename = "contactFields", skip_serializing_if = "Option::is_none")]
    contact_fields: Option<Vec<ContactFieldResource<'a>>>,
    /// Only with `with=contactfields`. Callbook stores no notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    notes: Option<[(); 0]>,
    #[schema(example = "http://127.0.0.1:8080/api/contacts/3")]
    url: String,
    account: AccountRef,
    #[schema(value_type = String, format = DateTime)]
    created_at: Iso8601,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Iso8601,
}

impl<'a> ContactResource<'a> {
    /// Converts a contact, with its contact fields if `with_fields`.
    pub fn new(contact: &'a Contact, with_fields: bool, context: &ResponseContext) -> Self {
        let summary = &contact.summary;
        let profile = &summary.profile;
        let contact_fields = with_fields
            .then(|| contact.fields.iter().map(|field| ContactFieldResource::new(field, summary, context)).collect());
        Self {
            id: summary.id.get(),
            uuid: summary.uuid,
            object: "contact",
            hash_id: hash_id(summary.uuid),
            names: profile.into(),
            middle_name: profile.middle_name.as_ref().map(Name::as_str),
            description: contact.description.as_ref().map(Content::as_str),
            flags: Flags::new(profile, context.compat),
            last_called: contact.last_called.map(Iso8601),
            last_activity_together: None,
            stay_in_touch_frequency: contact.stay_in_touch_frequency.map(StayInTouchFrequency::days),
            stay_in_touch_trigger_date: contact.stay_in_touch_trigger_date().map(Iso8601),
            information: Information {
                relationships: Relationships::default(),
                dates: Dates { birthdate: profile.birthdate.into(), deceased_date: profile.deceased_date.into() },
                career: Career {
                    job: contact.job.as_ref().map(Name::as_str),
                    company: contact.company.as_ref().map(Name::as_str),
                },
                avatar: Avatar::of(summary.uuid, &context.links),
                food_preferences: None,
                how_you_met: HowYouMet {
                    general_information: None,
                    first_met_date: None.into(),
                    first_met_through_contact: None,
                },
            },
            addresses: [],
            tags: [],
            statistics: Statistics { number_of_calls: contact.calls, ..Statistics::default() },
            contact_fields,
            notes: with_fields.then_some([]),
            url: context.links.to_one("/api/contacts/", summary.id),
            account: summary.account.into(),
            created_at: Iso8601(contact.created_at),
            updated_at: Iso8601(contact.updated_at),
        }
    }
}

/// One contact.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactBody)]
pub struct ContactResponse<'a> {
    /// The contact.
    pub data: ContactResource<'a>,
}

#[derive(Serialize, ToSchema)]
struct Information<'a> {
    relationships: Relationships,
    dates: Dates,
    career: Career<'a>,
    avatar: Avatar,
    food_preferences: Option<String>,
    how_you_met: HowYouMet,
}

#[derive(Serialize, ToSchema)]
struct Dates {
    birthdate: DateResource,
    deceased_date: DateResource,
}

#[derive(Serialize, ToSchema)]
struct Career<'a> {
    job: Option<&'a str>,
    company: Option<&'a str>,
}

#[derive(Serialize, ToSchema)]
struct HowYouMet {
    general_information: Option<String>,
    first_met_date: DateResource,
    first_met_through_contact: Option<i64>,
}

/// Callbook stores no relationships.
#[derive(Default, Serialize, ToSchema)]
struct Relationships {
    love: RelationshipGroup,
    family: RelationshipGroup,
    friend: RelationshipGroup,
    work: RelationshipGroup,
}

#[derive(Default, Serialize, ToSchema)]
struct RelationshipGroup {
    total: u64,
    #[schema(value_type = Vec<String>)]
    contacts: [(); 0],
}

/// The number of calls of a contact. The other numbers are 0, because Callbook stores only calls.
#[derive(Default, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "Monica's names")]
struct Statistics {
    number_of_calls: u64,
    number_of_notes: u64,
    number_of_activities: u64,
    number_of_reminders: u64,
    number_of_tasks: u64,
    number_of_gifts: u64,
    number_of_debts: u64,
}
