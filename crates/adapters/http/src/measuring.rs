//! Functions that the micro-benchmarks in `benches/` measure.

use domain::{Call, CallSortKey, PageRequest, PageSize, Timestamp};
use ports::inbound::CallPage;

use crate::Compat;
use crate::requests::{CallRequest, ListRequest, parse};
use crate::responses::{CallResponse, Links, PageBuilder, ResponseContext, etag};

/// Returns the JSON of the first page of a list of calls.
pub fn page_of_calls(page: &CallPage) -> Vec<u8> {
    let size = PageSize::new(PageSize::MAX).unwrap_or(PageSize::SMALLEST);
    let list = ListRequest { path: "/api/calls", query: "", default_size: size, now: Timestamp::EPOCH };
    PageBuilder::new(&list, &context(), PageRequest::numbered(1, size))
        .calls_as_json(page, CallSortKey::CalledAt)
        .unwrap_or_default()
}

/// Returns the JSON of a call and its entity tag.
pub fn call_with_etag(call: &Call) -> (Vec<u8>, String) {
    let json = CallResponse::new(call, &context()).to_json().unwrap_or_default();
    (json, etag(call))
}

fn context() -> ResponseContext {
    ResponseContext { links: Links::under("http://127.0.0.1:8080"), compat: Compat::Documented }
}

/// Parses a body into a call, with a fingerprint if `is_keyed`. Returns whether it is valid.
pub fn parse_call(body: &str, is_form: bool, is_keyed: bool) -> bool {
    parse::<CallRequest>("", body, is_form, is_keyed).is_ok()
}
