//! Requests: the body and the query string of each, declared as one struct, deserialised, validated and converted into
//! values of the domain.

mod batch;
mod body;
mod body_format;
mod call;
mod conditions;
mod contact;
mod contact_field;
mod cursor;
mod deserializer;
mod field;
mod important_date;
mod list;
mod values;

use serde::de::DeserializeOwned;
use validator::{ValidateArgs, ValidationError, ValidationErrors, ValidationErrorsKind};

pub use batch::BatchRequest;
pub use body::Body;
#[cfg(any(test, feature = "fuzzing", feature = "measuring"))]
pub use body::parse;
pub use call::{CallPatchSchema, CallRequest, CallRules, HINT as COMPAT_HINT};
pub use conditions::{idempotency_key, matches_if_none_match, precondition};
pub use contact::ContactRequest;
pub use contact_field::ContactFieldRequest;
pub use cursor::{ListHash, write_cursor};
pub use field::Violation;
pub use list::{
    CallListParams, ContactFilterParams, ContactListParams, ContactParams, CursorParams, DeletionListParams,
    LimitParams, ListRequest, PageParams, with_contact_fields,
};

use crate::responses::error::{ApiError, ApiResult};

/// Validates a request. The error has all violations, in the order of declaration.
fn validate<'v, T: ValidateArgs<'v> + DeserializeOwned>(request: &'v T, context: T::Args) -> ApiResult<()> {
    request
        .validate_with_args(context)
        .map_err(|errors| ApiError::Invalid(sentences(&errors, deserializer::member_names::<T>())))
}

fn sentences(errors: &ValidationErrors, names: &[&str]) -> Vec<String> {
    let mut sentences = Vec::new();
    for name in names {
        let errors = errors.errors().get(*name).map(field_errors).unwrap_or_default();
        sentences.extend(errors.into_iter().map(|error| Violation::from(error).about(name)));
    }
    sentences
}

/// Returns the errors of one field: of the rules at its declaration, and of its value.
fn field_errors(errors: &ValidationErrorsKind) -> Vec<&ValidationError> {
    match errors {
        ValidationErrorsKind::Field(errors) => errors.iter().collect(),
        ValidationErrorsKind::Struct(errors) => errors.errors().values().flat_map(field_errors).collect(),
        ValidationErrorsKind::List(_) => Vec::new(),
    }
}
