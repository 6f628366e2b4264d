//! What was typed, and what it means: each form collects all its violations, in the order of its fields, and
//! becomes a value of the domain.

mod call;
mod contact;

pub use call::{CallForm, CallPatchInput, Rules};
pub use contact::ContactForm;
use validator::{ValidationError, ValidationErrors};

use crate::fields::Violation;
use crate::responses::error::ApiError;

/// The violations as sentences, in the order of the fields.
fn sentences(errors: &ValidationErrors, order: &[&str]) -> ApiError {
    let errors = errors.field_errors();
    let mut sentences = Vec::new();
    for field in order {
        for error in errors.get(*field).into_iter().flat_map(|errors| errors.iter()) {
            sentences.extend(error.message.as_deref().map(|template| Violation::sentence(template, field)));
        }
    }
    ApiError::Invalid(sentences)
}

/// A field that broke its rule only after its form was found valid: our mistake, not the client's.
impl From<Violation> for ApiError {
    fn from(violation: Violation) -> Self {
        Self::Fault(ports::Error::fault(ValidationError::from(violation)))
    }
}
