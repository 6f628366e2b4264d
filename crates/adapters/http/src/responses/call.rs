//! The JSON of a call.

use domain::{Call, Content, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiResult;
use super::etag::etag;
use super::short_contact::ShortContactResource;
use super::{AccountRef, EmotionResource, Iso8601, Links, to_json};

/// The expected size of a call in JSON, in bytes, with a few hundred characters of content.
pub const CALL_BYTES: usize = 1_536;

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
    called_at: Iso8601,
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
    contact: ShortContactResource<'a>,
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    created_at: Iso8601,
    #[schema(value_type = String, format = DateTime, example = "2017-10-07T22:29:21Z")]
    updated_at: Iso8601,
}

impl<'a> CallResource<'a> {
    /// Converts a call.
    pub fn new(call: &'a Call, links: &Links) -> Self {
        Self {
            id: call.id.get(),
            uuid: call.uuid,
            object: "call",
            called_at: Iso8601(call.details.called_at),
            content: call.details.content.as_ref().map(Content::as_str),
            contact_called: call.details.contact_called,
            emotions: call.details.emotions.iter().copied().map(EmotionResource::from).collect(),
            url: links.to_one("/api/calls/", call.id),
            account: call.account.into(),
            contact: ShortContactResource::new(&call.contact, links),
            created_at: Iso8601(call.created_at),
            updated_at: Iso8601(call.updated_at),
        }
    }
}

/// One call.
#[derive(Serialize, ToSchema)]
#[schema(as = CallBody)]
pub struct CallResponse<'a> {
    /// The call.
    data: CallResource<'a>,
}

impl<'a> CallResponse<'a> {
    /// Converts a call.
    pub fn new(call: &'a Call, links: &Links) -> Self {
        Self { data: CallResource::new(call, links) }
    }

    /// Returns the response as JSON, and the entity tag of the call.
    pub fn to_json(&self) -> ApiResult<(Vec<u8>, String)> {
        let json = to_json(self, CALL_BYTES)?;
        let tag = etag(&json);
        Ok((json, tag))
    }
}
