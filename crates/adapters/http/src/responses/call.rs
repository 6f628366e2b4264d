//! The JSON of a call.

use domain::{Call, CallDuration, Content, Name, PhoneNumber, Uuid};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use super::error::{ApiError, ApiResult};
use super::short_contact::ShortContactResource;
use super::{AccountRef, EmotionResource, Iso8601, ResponseContext, to_json};

/// The expected size of a call in JSON, in bytes, with a few hundred characters of content.
pub const CALL_BYTES: usize = 1_536;

/// A recorded call.
#[derive(Serialize, ToSchema)]
#[schema(as = Call)]
pub struct CallResource<'a> {
    #[schema(minimum = 1, example = 5)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "call")]
    object: &'static str,
    /// When the call happened.
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    called_at: Iso8601,
    /// What the call was about. Null only if a Monica v4 client left it out.
    #[schema(example = "He called, we had fun.")]
    content: Option<&'a str>,
    /// Whether the contact called. Null if unknown.
    contact_called: Option<bool>,
    emotions: Vec<EmotionResource>,
    /// How long the call lasted, in seconds. Null if unknown.
    #[schema(example = 300)]
    duration_seconds: Option<i32>,
    /// Whether the call was answered. Null if unknown.
    answered: Option<bool>,
    /// The phone number of the contact, as the client sent it.
    #[schema(example = "+1 555 0100")]
    phone_number: Option<&'a str>,
    /// The id that the call has in the system from which it comes.
    #[schema(example = "pbx-1709202030.7")]
    external_id: Option<&'a str>,
    /// The URL of this call.
    #[schema(example = "http://127.0.0.1:8080/api/calls/5")]
    url: String,
    account: AccountRef,
    #[schema(value_type = ShortContactResource)]
    contact: ContactOfCall<'a>,
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    created_at: Iso8601,
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    updated_at: Iso8601,
}

impl<'a> CallResource<'a> {
    /// Converts a call that is read. `contact` is its contact in JSON, if that exists already.
    pub fn new(call: &'a Call, contact: Option<&'a RawValue>, context: &ResponseContext) -> Self {
        let resource = || ContactOfCall::Resource(ShortContactResource::new(&call.contact, context));
        Self {
            id: call.id.get(),
            uuid: call.uuid,
            object: "call",
            called_at: Iso8601(call.details.called_at),
            content: call.details.content.as_ref().map(Content::as_str),
            contact_called: call.details.contact_called.or(context.compat.unknown_contact_called()),
            emotions: call.details.emotions.iter().copied().map(EmotionResource::from).collect(),
            duration_seconds: call.details.duration.map(CallDuration::seconds),
            answered: call.details.answered,
            phone_number: call.details.phone_number.as_ref().map(PhoneNumber::as_str),
            external_id: call.details.external_id.as_ref().map(Name::as_str),
            url: context.links.to_one("/api/calls/", call.id),
            account: call.account.into(),
            contact: contact.map_or_else(resource, ContactOfCall::Json),
            created_at: Iso8601(call.created_at),
            updated_at: Iso8601(call.updated_at),
        }
    }
}

/// The contact of a call.
#[derive(Serialize)]
#[serde(untagged)]
#[expect(clippy::large_enum_variant, reason = "a box would be an allocation for each call")]
enum ContactOfCall<'a> {
    Resource(ShortContactResource<'a>),
    Json(&'a RawValue),
}

/// Returns the contact in JSON if all calls of a page have the same one. It is most of what each call shows.
pub fn shared_contact(calls: &[Call], context: &ResponseContext) -> ApiResult<Option<Box<RawValue>>> {
    let [first, others @ ..] = calls else { return Ok(None) };
    if others.is_empty() || others.iter().any(|call| call.contact != first.contact) {
        return Ok(None);
    }
    let json = to_raw_value(&ShortContactResource::new(&first.contact, context));
    json.map(Some).map_err(|error| ApiError::Internal(ports::Error::internal(error)))
}

/// One call.
#[derive(Serialize, ToSchema)]
#[schema(as = CallBody)]
pub struct CallResponse<'a> {
    /// The call.
    data: CallResource<'a>,
}

impl<'a> CallResponse<'a> {
    /// Converts a call that is read.
    pub fn new(call: &'a Call, context: &ResponseContext) -> Self {
        Self { data: CallResource::new(call, None, context) }
    }

    /// Converts a call that was just written. `contact_called` is null if it is unknown, in every mode.
    pub fn written(call: &'a Call, context: &ResponseContext) -> Self {
        let resource = CallResource::new(call, None, context);
        Self { data: CallResource { contact_called: call.details.contact_called, ..resource } }
    }

    /// Returns the response as JSON.
    pub fn to_json(&self) -> ApiResult<Vec<u8>> {
        to_json(self, CALL_BYTES)
    }
}
