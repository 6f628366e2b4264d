//! The body of a request that records many calls.

use std::fmt;

use serde::de::{Deserialize, Error, SeqAccess};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::body::RequestBody;
use super::call::CallRequest;
use super::deserializer::{RequestDeserializer, Skipped};
use super::field::{Field, FieldValue, Violation};
use crate::responses::error::{ApiError, ApiResult};

/// The maximal number of calls.
const MAX_CALLS: usize = 1_000;

/// Calls to record.
#[derive(serde::Deserialize, ToSchema)]
#[schema(as = CallBatchInput, example = json!({"calls": [
    {"external_id": "pbx-1", "contact_id": 1, "called_at": "2018-02-02 10:00", "content": "Asked for the invoice.",
     "contact_called": true, "answered": true, "duration_seconds": 75, "phone_number": "+1 555 0100"},
    {"external_id": "pbx-2", "contact_id": 1, "called_at": "2018-02-03 11:00", "content": "No answer.", "answered": false},
]}))]
pub struct BatchRequest {
    /// The calls, 1 to 1000.
    #[schema(value_type = Vec<CallRequest>, min_items = 1, max_items = 1_000)]
    calls: Field<Calls>,
}

impl RequestBody for BatchRequest {
    const LIMIT: usize = 8 * 1024 * 1024;
}

/// The calls of a batch, or too many.
struct Calls(Vec<Result<CallRequest, NotAnObject>>);

/// The item is not a JSON object.
#[derive(Clone, Copy, Debug)]
pub struct NotAnObject;

impl From<NotAnObject> for ApiError {
    fn from(_: NotAnObject) -> Self {
        Self::Invalid(vec!["The call must be an object.".to_owned()])
    }
}

impl FieldValue for Calls {
    const WRONG_TYPE: Violation = Violation::ARRAY;

    fn from_list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Result<Self, Violation>, A::Error> {
        let mut calls = Vec::new();
        while calls.len() < MAX_CALLS {
            let Some(item) = list.next_element::<&RawValue>()? else { return Ok(Ok(Self(calls))) };
            let is_object = item.get().starts_with('{');
            let call = is_object.then(|| CallRequest::deserialize(RequestDeserializer::json("", item.get())));
            // An object that cannot be parsed, such as one with a lone surrogate, makes the body invalid JSON.
            calls.push(call.transpose().map_err(A::Error::custom)?.ok_or(NotAnObject));
        }
        let mut has_more = false;
        while list.next_element::<Skipped>()?.is_some() {
            has_more = true;
        }
        Ok(if has_more { Err(Violation::more_items_than(MAX_CALLS)) } else { Ok(Self(calls)) })
    }
}

impl fmt::Debug for BatchRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BatchRequest").finish_non_exhaustive()
    }
}

impl BatchRequest {
    /// Returns the calls. An error if there are none or too many.
    pub fn into_items(self) -> ApiResult<Vec<Result<CallRequest, NotAnObject>>> {
        match self.calls {
            Field::Value(Calls(calls)) if !calls.is_empty() => Ok(calls),
            Field::Value(_) | Field::Absent | Field::Null => Err(Violation::REQUIRED.of("calls")),
            Field::Invalid(violation) => Err(violation.of("calls")),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn items(body: &Value) -> Result<Vec<bool>, String> {
        let request = BatchRequest::deserialize(RequestDeserializer::json("", &body.to_string())).unwrap();
        let items = request.into_items().map_err(|error| error.to_string())?;
        Ok(items.iter().map(Result::is_ok).collect())
    }

    #[test]
    fn accepts_1_to_1000_calls() {
        let batch = |calls: usize| json!({"calls": vec![json!({"content": "x"}); calls], "other": [1]});
        assert_eq!(items(&batch(1)), Ok(vec![true]));
        assert_eq!(items(&batch(1_000)).unwrap().len(), 1_000);
        assert_eq!(items(&batch(1_001)), Err("The calls may not have more than 1000 items.".to_owned()));
        assert_eq!(items(&batch(0)), Err("The calls field is required.".to_owned()));
    }

    #[test]
    fn the_calls_are_a_list_of_objects() {
        for body in [json!({}), json!({"calls": null}), json!({"calls": ""})] {
            assert_eq!(items(&body), Err("The calls field is required.".to_owned()), "{body}");
        }
        for calls in [json!(5), json!("x"), json!({"0": {}}), json!(true)] {
            assert_eq!(items(&json!({"calls": calls})), Err("The calls must be an array.".to_owned()), "{calls}");
        }
        assert_eq!(
            items(&json!({"calls": [{}, 5, null, [], "x", {"a": 1}]})),
            Ok(vec![true, false, false, false, false, true])
        );
    }

    #[test]
    fn rejects_a_body_with_a_call_that_cannot_be_parsed() {
        for call in [r#"{"content": "\ud800"}"#, r#"{"x": 1e999}"#, &format!("{{\"x\":{}", "[".repeat(1_000))] {
            let body = format!(r#"{{"calls": [{{}}, {call}]}}"#);
            assert!(BatchRequest::deserialize(RequestDeserializer::json("", &body)).is_err(), "{call}");
        }
    }
}
