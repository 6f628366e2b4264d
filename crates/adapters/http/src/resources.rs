//! What is shown: the JSON of calls and contacts, member for member as the document and Monica v4.1.2 have them.

use domain::{
    AccountId, Call, Contact, ContactField, ContactFieldKind, ContactSummary, Content, Gender, ImportantDate, Name,
    Profile, Timestamp, Uuid,
};
use serde::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::links::Links;
use crate::responses::error::ApiError;

/// What a call of some hundred characters takes.
pub const CALL_BYTES: usize = 1_536;

/// The body as JSON, with room for so many bytes at once: what grows is copied again and again.
pub fn to_json(body: &impl Serialize, room: usize) -> Result<Vec<u8>, ApiError> {
    let mut json = Vec::with_capacity(room);
    serde_json::to_writer(&mut json, body).map_err(unwritable)?;
    Ok(json)
}

fn unwritable(error: serde_json::Error) -> ApiError {
    ApiError::Fault(ports::Error::fault(error))
}

/// An instant as `YYYY-MM-DDTHH:MM:SSZ`.
#[derive(Clone, Copy)]
pub struct Stamp(pub Timestamp);

impl Serialize for Stamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// The account that owns the thing.
#[derive(Serialize, ToSchema)]
#[schema(as = AccountRef)]
pub struct AccountRef {
    #[schema(example = 5)]
    id: i64,
}

impl From<AccountId> for AccountRef {
    fn from(id: AccountId) -> Self {
        Self { id: id.get() }
    }
}

/// A recorded call.
#[derive(Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallResource<'a> {
    #[schema(example = 5)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "call")]
    object: &'static str,
    /// When the call happened.
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    called_at: Stamp,
    /// What it was about; null only when a Monica client left it out.
    #[schema(example = "He called, we had fun.")]
    content: Option<&'a str>,
    /// Whether the contact called; null when never said.
    contact_called: Option<bool>,
    emotions: Vec<EmotionResource>,
    /// Where this call is.
    #[schema(example = "http://127.0.0.1:8080/api/calls/5")]
    url: String,
    account: AccountRef,
    #[schema(value_type = ShortContactResource)]
    contact: ContactInside<'a>,
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    created_at: Stamp,
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    updated_at: Stamp,
}

impl<'a> CallResource<'a> {
    /// The call as it is shown, with its contact as it was written before, when it was.
    pub fn new(call: &'a Call, contact: Option<&'a RawValue>, links: &Links) -> Self {
        let built = || ContactInside::Built(ShortContactResource::new(&call.contact, links));
        Self {
            id: call.id.get(),
            uuid: call.uuid,
            object: "call",
            called_at: Stamp(call.called_at),
            content: call.content.as_ref().map(Content::as_str),
            contact_called: call.contact_called,
            emotions: call.emotions.iter().copied().map(EmotionResource::from).collect(),
            url: links.to_one("/api/calls/", call.id),
            account: call.account.into(),
            contact: contact.map_or_else(built, ContactInside::Written),
            created_at: Stamp(call.created_at),
            updated_at: Stamp(call.updated_at),
        }
    }
}

/// The contact of all these calls as JSON, when they have the same: most of what each of them shows.
pub fn contact_of_all(calls: &[Call], links: &Links) -> Result<Option<Box<RawValue>>, ApiError> {
    let [first, others @ ..] = calls else { return Ok(None) };
    if others.is_empty() || others.iter().any(|call| call.contact != first.contact) {
        return Ok(None);
    }
    to_raw_value(&ShortContactResource::new(&first.contact, links)).map(Some).map_err(unwritable)
}

/// The contact inside a call: built for this one, or written once for all calls of a page.
#[expect(clippy::large_enum_variant, reason = "a box would cost more than the place it saves")]
enum ContactInside<'a> {
    Built(ShortContactResource<'a>),
    Written(&'a RawValue),
}

impl Serialize for ContactInside<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Built(contact) => contact.serialize(serializer),
            Self::Written(json) => json.serialize(serializer),
        }
    }
}

/// One call.
#[derive(Serialize, ToSchema)]
pub struct CallBody<'a> {
    /// The call.
    pub data: CallResource<'a>,
}

/// What is left of a deleted call or contact.
#[derive(Serialize, ToSchema)]
pub struct Deleted {
    /// Always true.
    pub deleted: bool,
    /// The id that was just deleted; it is never used again.
    #[schema(example = 31)]
    pub id: i64,
}

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

impl From<domain::Emotion> for EmotionResource {
    fn from(emotion: domain::Emotion) -> Self {
        Self { id: emotion.id(), object: "emotion", name: emotion.name() }
    }
}

/// What a contact is known by: the members that its short and its full form share.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactNames)]
struct Names<'a> {
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

/// A contact's gender and the flags that its short and its full form share.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactFlags)]
struct Flags<'a> {
    /// The gender's name; `none` when it is not known.
    #[schema(example = "none")]
    gender: &'a str,
    /// M, F, O (other) or N (not known).
    #[schema(example = "N")]
    gender_type: &'static str,
    is_starred: bool,
    is_partial: bool,
    /// Not archived.
    is_active: bool,
    is_dead: bool,
    /// Whether the contact is the account's owner; Callbook does not keep that.
    is_me: bool,
}

impl<'a> From<&'a Profile> for Flags<'a> {
    fn from(profile: &'a Profile) -> Self {
        let gender = profile.gender.as_ref();
        Self {
            gender: gender.map_or("none", Gender::as_str),
            gender_type: gender.map_or("N", Gender::letter),
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
    #[schema(example = 3)]
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
    fn new(summary: &'a ContactSummary, links: &Links) -> Self {
        let profile = &summary.profile;
        Self {
            id: summary.id.get(),
            uuid: summary.uuid,
            object: "contact",
            hash_id: hash_id(summary.uuid),
            names: profile.into(),
            flags: profile.into(),
            information: ShortInformation {
                dates: [DocumentDate::birthdate(profile.birthdate)],
                birthdate: profile.birthdate.into(),
                deceased_date: profile.deceased_date.into(),
                avatar: Avatar::of(summary.uuid, links),
            },
            url: links.to_one("/api/contacts/", summary.id),
            account: summary.account.into(),
        }
    }
}

/// Monica's id of a contact in its web pages, here made of the UUID.
fn hash_id(uuid: Uuid) -> String {
    let mut text = Uuid::encode_buffer();
    ["h:", &uuid.simple().encode_lower(&mut text)[..18]].concat()
}

#[derive(Serialize, ToSchema)]
struct ShortInformation {
    /// The document's list of dates.
    #[schema(value_type = Vec<DocumentDate>)]
    dates: [DocumentDate; 1],
    birthdate: DateResource,
    deceased_date: DateResource,
    avatar: Avatar,
}

/// A date as the document shows it.
#[derive(Serialize, ToSchema)]
struct DocumentDate {
    #[schema(example = "birthdate")]
    name: &'static str,
    /// `unknown`, `approximate` or `exact`.
    #[schema(example = "unknown")]
    is_birthdate_approximate: &'static str,
    #[schema(value_type = Option<String>, format = DateTime)]
    birthdate: Option<Stamp>,
}

impl DocumentDate {
    fn birthdate(date: Option<ImportantDate>) -> Self {
        let is_birthdate_approximate = match date {
            None => "unknown",
            Some(date) if date.is_age_based || date.is_year_unknown => "approximate",
            Some(_) => "exact",
        };
        Self { name: "birthdate", is_birthdate_approximate, birthdate: date.map(|date| Stamp(date.date)) }
    }
}

/// A date as Monica v4.1.2 shows it; all null when it is not known.
#[derive(Serialize, ToSchema)]
#[schema(as = ImportantDate)]
struct DateResource {
    /// Only the year is meant: it was worked out from an age.
    is_age_based: Option<bool>,
    /// Only day and month are meant.
    is_year_unknown: Option<bool>,
    #[schema(value_type = Option<String>, format = DateTime)]
    date: Option<Stamp>,
}

impl From<Option<ImportantDate>> for DateResource {
    fn from(date: Option<ImportantDate>) -> Self {
        Self {
            is_age_based: date.map(|date| date.is_age_based),
            is_year_unknown: date.map(|date| date.is_year_unknown),
            date: date.map(|date| Stamp(date.date)),
        }
    }
}

/// The picture of a contact: a disc of one colour.
#[derive(Serialize, ToSchema)]
struct Avatar {
    url: String,
    #[schema(example = "default")]
    source: &'static str,
    #[schema(example = "#bd5067")]
    default_avatar_color: &'static str,
}

impl Avatar {
    fn of(uuid: Uuid, links: &Links) -> Self {
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

/// A contact, whole. The members that count what Callbook does not keep are 0, empty or null.
#[derive(Serialize, ToSchema)]
#[schema(as = Contact)]
pub struct ContactResource<'a> {
    #[schema(example = 3)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "contact")]
    object: &'static str,
    hash_id: String,
    #[serde(flatten)]
    names: Names<'a>,
    description: Option<&'a str>,
    #[serde(flatten)]
    flags: Flags<'a>,
    /// The newest `called_at` of the contact's calls; null without calls.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_called: Option<Stamp>,
    last_activity_together: Option<String>,
    stay_in_touch_frequency: Option<i64>,
    stay_in_touch_trigger_date: Option<String>,
    information: Information<'a>,
    #[schema(value_type = Vec<String>)]
    addresses: [(); 0],
    #[schema(value_type = Vec<String>)]
    tags: [(); 0],
    statistics: Statistics,
    /// Only with `with=contactfields`: how the contact is reached.
    #[serde(rename = "contactFields", skip_serializing_if = "Option::is_none")]
    contact_fields: Option<Vec<ContactFieldResource<'a>>>,
    /// Only with `with=contactfields`; Callbook keeps no notes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Vec<String>>)]
    notes: Option<[(); 0]>,
    #[schema(example = "http://127.0.0.1:8080/api/contacts/3")]
    url: String,
    account: AccountRef,
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Stamp,
}

impl<'a> ContactResource<'a> {
    /// The contact as it is shown, with its contact fields when they are asked for.
    pub fn new(contact: &'a Contact, with_fields: bool, links: &Links) -> Self {
        let summary = &contact.summary;
        let profile = &summary.profile;
        let contact_fields = with_fields
            .then(|| contact.fields.iter().map(|field| ContactFieldResource::new(field, summary, links)).collect());
        Self {
            id: summary.id.get(),
            uuid: summary.uuid,
            object: "contact",
            hash_id: hash_id(summary.uuid),
            names: profile.into(),
            description: contact.description.as_ref().map(Content::as_str),
            flags: profile.into(),
            last_called: contact.last_called.map(Stamp),
            last_activity_together: None,
            stay_in_touch_frequency: None,
            stay_in_touch_trigger_date: None,
            information: Information {
                relationships: Relationships::default(),
                dates: Dates { birthdate: profile.birthdate.into(), deceased_date: profile.deceased_date.into() },
                career: Career {
                    job: contact.job.as_ref().map(Name::as_str),
                    company: contact.company.as_ref().map(Name::as_str),
                },
                avatar: Avatar::of(summary.uuid, links),
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
            url: links.to_one("/api/contacts/", summary.id),
            account: summary.account.into(),
            created_at: Stamp(contact.created_at),
            updated_at: Stamp(contact.updated_at),
        }
    }
}

/// A way to reach a contact.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactField)]
struct ContactFieldResource<'a> {
    #[schema(example = 1)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "contactfield")]
    object: &'static str,
    /// The address or number.
    #[schema(example = "+1 555 0100")]
    content: &'a str,
    contact_field_type: ContactFieldTypeResource,
    #[schema(value_type = Vec<String>)]
    labels: [(); 0],
    account: AccountRef,
    contact: ShortContactResource<'a>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Stamp,
}

impl<'a> ContactFieldResource<'a> {
    fn new(field: &'a ContactField, summary: &'a ContactSummary, links: &Links) -> Self {
        Self {
            id: field.id.get(),
            // Fields have no UUID of their own: the contact's and the field's number are unique together, and stay.
            uuid: Uuid::from_u128(summary.uuid.as_u128() ^ u128::from(field.id.get().unsigned_abs())),
            object: "contactfield",
            content: field.content.data.as_str(),
            contact_field_type: ContactFieldTypeResource::new(field.content.kind, summary.account, field.created_at),
            labels: [],
            account: summary.account.into(),
            contact: ShortContactResource::new(summary, links),
            created_at: Stamp(field.created_at),
            updated_at: Stamp(field.created_at),
        }
    }
}

/// A kind of contact field.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactFieldType)]
pub struct ContactFieldTypeResource {
    #[schema(example = 2)]
    id: i64,
    #[schema(example = "contactfieldtype")]
    object: &'static str,
    #[schema(example = "Phone")]
    name: &'static str,
    #[schema(example = "fa fa-volume-control-phone")]
    fontawesome_icon: &'static str,
    /// What makes a link of its data.
    #[schema(example = "tel:")]
    protocol: Option<&'static str>,
    /// Whether it may be deleted; the list is fixed.
    delible: bool,
    /// `email`, `phone`, or null.
    #[serde(rename = "type")]
    #[schema(example = "phone")]
    slug: Option<&'static str>,
    account: AccountRef,
    #[schema(value_type = String, format = DateTime)]
    created_at: Stamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Stamp,
}

impl ContactFieldTypeResource {
    /// The kind as it is shown in an account since a moment.
    pub fn new(kind: ContactFieldKind, account: AccountId, since: Timestamp) -> Self {
        Self {
            id: kind.id(),
            object: "contactfieldtype",
            name: kind.name(),
            fontawesome_icon: kind.icon(),
            protocol: kind.protocol(),
            delible: false,
            slug: kind.slug(),
            account: account.into(),
            created_at: Stamp(since),
            updated_at: Stamp(since),
        }
    }
}

/// A gender.
#[derive(Serialize, ToSchema)]
#[schema(as = Gender)]
pub struct GenderResource {
    #[schema(example = 1)]
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
    created_at: Stamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Stamp,
}

impl GenderResource {
    /// The gender as it is shown in an account since a moment.
    pub fn new(id: i64, gender: &Gender, account: AccountId, since: Timestamp) -> Self {
        Self {
            id,
            object: "gender",
            name: gender.as_str().to_owned(),
            letter: gender.letter(),
            account: account.into(),
            created_at: Stamp(since),
            updated_at: Stamp(since),
        }
    }
}

/// One gender.
#[derive(Serialize, ToSchema)]
pub struct GenderBody {
    /// The gender.
    pub data: GenderResource,
}

/// One contact.
#[derive(Serialize, ToSchema)]
pub struct ContactBody<'a> {
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

/// Callbook keeps no relationships.
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

/// How much there is of what a contact can have; Callbook keeps calls only.
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
