//! What a client sends: the body and the query string of each request, declared once as a struct, deserialised,
//! validated and turned into values of the domain.

mod body;
mod call;
mod conditions;
mod contact;
mod contact_field;
mod field;
mod list;
mod members;
mod values;

use serde::de::DeserializeOwned;
use validator::{ValidateArgs, ValidationError, ValidationErrors, ValidationErrorsKind};

pub use body::Body;
#[cfg(any(test, feature = "fuzzing", feature = "measuring"))]
pub use body::parse;
pub use call::{CallPatchSchema, CallRequest, CallRules};
pub use conditions::{idempotency_key, is_known, precondition};
pub use contact::ContactRequest;
pub use field::Violation;
pub use list::{
    CallListParams, ContactListParams, ContactParams, PageParams, call_list, contact_list, page_request,
    with_contact_fields,
};

use crate::responses::error::ApiError;

/// Validates a request. The error has all violations, in the order of declaration.
fn validate<'v, T: ValidateArgs<'v> + DeserializeOwned>(request: &'v T, context: T::Args) -> Result<(), ApiError> {
    request.validate_with_args(context).map_err(|errors| ApiError::Invalid(sentences(&errors, members::names::<T>())))
}

fn sentences(errors: &ValidationErrors, names: &[&str]) -> Vec<String> {
    let mut sentences = Vec::new();
    for name in names {
        let errors = errors.errors().get(*name).map(field_errors).unwrap_or_default();
        sentences.extend(errors.into_iter().map(|error| Violation::from(error).about(name)));
    }
    sentences
}

/// The errors of one field: of the rules beside its declaration, or of its own check.
fn field_errors(errors: &ValidationErrorsKind) -> Vec<&ValidationError> {
    match errors {
        ValidationErrorsKind::Field(errors) => errors.iter().collect(),
        ValidationErrorsKind::Struct(errors) => errors.errors().values().flat_map(field_errors).collect(),
        ValidationErrorsKind::List(_) => Vec::new(),
    }
}
