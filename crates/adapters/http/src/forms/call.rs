//! A call as it is typed.

use domain::{CallPatch, ContactId, Emotion, NewCall, Timestamp};
use serde_json::Value;
use utoipa::ToSchema;
use validator::{Validate, ValidateArgs, ValidationError};

use super::sentences;
use crate::Compat;
use crate::fields::{Field, Members, Violation, boolean, contact_id, content, emotions, timestamp};
use crate::responses::error::ApiError;

/// What a call's field may lack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// Nothing: it must be there.
    Required,
    /// It may be absent, but not null.
    MayBeAbsent,
    /// It may be absent or null.
    Optional,
}

/// What a call's form must have, and when it is read.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    contact_id: Presence,
    called_at: Presence,
    content: Presence,
    now: Timestamp,
}

impl Rules {
    /// For `POST`.
    pub fn create(compat: Compat, now: Timestamp) -> Self {
        Self { contact_id: Presence::Required, called_at: Presence::Required, content: Self::content(compat), now }
    }

    /// For `PUT`.
    pub fn replace(compat: Compat, now: Timestamp) -> Self {
        // Monica v4.1.2 ignores contact_id here, so its clients leave it out.
        let contact_id = match compat {
            Compat::Documented => Presence::Required,
            Compat::Monica4 => Presence::MayBeAbsent,
        };
        Self { contact_id, ..Self::create(compat, now) }
    }

    /// For `PATCH`.
    pub fn change(now: Timestamp) -> Self {
        let absent = Presence::MayBeAbsent;
        Self { contact_id: absent, called_at: absent, content: absent, now }
    }

    fn content(compat: Compat) -> Presence {
        match compat {
            Compat::Documented => Presence::Required,
            Compat::Monica4 => Presence::Optional,
        }
    }
}

/// A call to record, or what to change in one. Members that are not listed are ignored.
#[derive(Debug, Validate, ToSchema)]
#[validate(context = Rules)]
#[schema(as = CallInput, example = json!({"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02"}))]
pub struct CallForm {
    /// The ID of the contact that the call is associated with; a numeric string is taken as well.
    #[validate(custom(function = "contact_id_rule", use_context))]
    #[schema(value_type = i64, minimum = 1, example = 3)]
    contact_id: Field,
    /// The date the call happened: all that PHP's `strtotime` takes, in the past or the future; a number is read as
    /// its decimal text.
    #[validate(custom(function = "called_at_rule", use_context))]
    #[schema(value_type = String, example = "2018-02-02")]
    called_at: Field,
    /// The description of the call, 1 to 100000 characters.
    #[validate(custom(function = "content_rule", use_context))]
    #[schema(value_type = String, max_length = 100_000, min_length = 1, example = "He called, we had fun.")]
    content: Field,
    /// Whether the contact called.
    #[validate(custom(function = "contact_called_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    contact_called: Field,
    /// What was felt, by the ids of `GET /emotions`.
    #[validate(custom(function = "emotions_rule"))]
    #[schema(value_type = Option<Vec<i64>>, required = false)]
    emotions: Field,
}

/// What to change in a call, as the OpenAPI document shows it: a [`CallForm`] of which nothing is required.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derive only")]
#[schema(as = CallPatch)]
pub struct CallPatchInput {
    /// The ID of the contact that the call moves to.
    #[schema(nullable = false, minimum = 1, example = 3)]
    contact_id: Option<i64>,
    /// The date the call happened: all that PHP's `strtotime` takes.
    #[schema(nullable = false, example = "2018-02-02")]
    called_at: Option<String>,
    /// The description of the call, 1 to 100000 characters.
    #[schema(nullable = false, max_length = 100_000, min_length = 1)]
    content: Option<String>,
    /// Whether the contact called.
    contact_called: Option<bool>,
    /// What was felt, by the ids of `GET /emotions`; replaces the whole list.
    emotions: Option<Vec<i64>>,
}

fn rule<T>(
    field: &Field,
    presence: Presence,
    parse: impl FnOnce(&Value) -> Result<T, Violation>,
) -> Result<(), ValidationError> {
    let may_lack = match presence {
        Presence::Required => false,
        Presence::MayBeAbsent => field.is_absent(),
        Presence::Optional => true,
    };
    match field.read(parse)? {
        None if !may_lack => Err(Violation::REQUIRED.into()),
        _ => Ok(()),
    }
}

fn contact_id_rule(field: &Field, rules: &Rules) -> Result<(), ValidationError> {
    rule(field, rules.contact_id, contact_id)
}

fn called_at_rule(field: &Field, rules: &Rules) -> Result<(), ValidationError> {
    rule(field, rules.called_at, |value| timestamp(value, rules.now))
}

fn content_rule(field: &Field, rules: &Rules) -> Result<(), ValidationError> {
    rule(field, rules.content, content)
}

fn contact_called_rule(field: &Field) -> Result<(), ValidationError> {
    rule(field, Presence::Optional, boolean)
}

fn emotions_rule(field: &Field) -> Result<(), ValidationError> {
    rule(field, Presence::Optional, emotions)
}

impl CallForm {
    /// Takes the form's members out of a body.
    pub fn take(mut members: Members) -> Self {
        let mut field = |name| Field::take(&mut members, name);
        Self {
            contact_id: field("contact_id"),
            called_at: field("called_at"),
            content: field("content"),
            contact_called: field("contact_called"),
            emotions: field("emotions"),
        }
    }

    /// The call to record. A contact or an emotion that cannot exist is not found.
    pub fn into_new_call(self, rules: Rules) -> Result<NewCall, ApiError> {
        let change = self.into_change(rules)?;
        Ok(NewCall {
            contact: change.contact.ok_or(Violation::REQUIRED)?,
            called_at: change.called_at.ok_or(Violation::REQUIRED)?,
            content: change.content.flatten(),
            contact_called: change.contact_called,
            emotions: change.emotions.unwrap_or_default(),
        })
    }

    /// What to change. A contact or an emotion that cannot exist is not found.
    pub fn into_change(self, rules: Rules) -> Result<CallPatch, ApiError> {
        const ORDER: [&str; 5] = ["contact_id", "called_at", "content", "contact_called", "emotions"];
        self.validate_with_args(&rules).map_err(|errors| sentences(&errors, &ORDER))?;
        let existing = |id: Option<ContactId>| id.ok_or(ApiError::NotFound);
        let known = |emotions: Option<Vec<Emotion>>| emotions.ok_or(ApiError::NotFound);
        Ok(CallPatch {
            contact: self.contact_id.read(contact_id)?.map(existing).transpose()?,
            called_at: self.called_at.read(|value| timestamp(value, rules.now))?,
            content: self.content.read_change(content)?,
            contact_called: self.contact_called.read(boolean)?,
            emotions: self.emotions.read(emotions)?.map(known).transpose()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::Content;
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_709_202_030).unwrap()
    }

    fn form(body: Value) -> CallForm {
        let Value::Object(members) = body else { panic!("{body} is no object") };
        CallForm::take(members)
    }

    fn create(compat: Compat, body: Value) -> Result<NewCall, Vec<String>> {
        form(body).into_new_call(Rules::create(compat, now())).map_err(told)
    }

    fn told(refusal: ApiError) -> Vec<String> {
        match refusal {
            ApiError::Invalid(sentences) => sentences,
            other => vec![other.to_string()],
        }
    }

    #[test]
    fn the_document_s_example_is_a_call() {
        let body = json!({"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02", "id": 9});
        let call = create(Compat::Documented, body).unwrap();
        assert_eq!(Some(call.contact), ContactId::new(3));
        assert_eq!(call.called_at.to_string(), "2018-02-02T00:00:00Z");
        assert_eq!(call.content, Content::parse("He called, we had fun.").ok());
        assert_eq!((call.contact_called, call.emotions), (None, vec![]));
    }

    #[test]
    fn all_violations_are_told_at_once_in_order() {
        let required =
            ["The contact id field is required.", "The called at field is required.", "The content field is required."];
        for body in [json!({}), json!({"contact_id": null, "called_at": " ", "content": ""})] {
            assert_eq!(create(Compat::Documented, body).unwrap_err(), required);
        }
        let body = json!({"emotions": 1, "contact_called": 2, "content": 5, "called_at": "soonish", "contact_id": "x"});
        let wrong = [
            "The contact id must be an integer.",
            "The called at is not a valid date.",
            "The content must be a string.",
            "The contact called field must be true or false.",
            "The emotions must be an array.",
        ];
        assert_eq!(create(Compat::Documented, body).unwrap_err(), wrong);
    }

    #[test]
    fn a_violation_is_told_before_what_is_not_found() {
        let body = json!({"contact_id": 0, "called_at": "2018-02-02", "content": 5});
        assert_eq!(create(Compat::Documented, body).unwrap_err(), ["The content must be a string."]);
        for (id, emotions) in [(json!(0), json!([])), (json!(1), json!([999]))] {
            let body = json!({"contact_id": id, "called_at": "2018-02-02", "content": "x", "emotions": emotions});
            assert_eq!(create(Compat::Documented, body).unwrap_err(), ["The resource has not been found"]);
        }
    }

    #[test]
    fn monica_s_clients_may_leave_out_the_content() {
        for body in [
            json!({"contact_id": 1, "called_at": "2018-02-02"}),
            json!({"contact_id": 1, "called_at": "2018-02-02", "content": null}),
        ] {
            assert_eq!(create(Compat::Monica4, body.clone()).unwrap().content, None);
            assert_eq!(create(Compat::Documented, body).unwrap_err(), ["The content field is required."]);
        }
    }

    #[test]
    fn monica_s_clients_may_leave_out_the_contact_when_they_update() {
        let body = || json!({"called_at": "2018-02-02"});
        let change = form(body()).into_change(Rules::replace(Compat::Monica4, now())).unwrap();
        assert_eq!((change.contact, change.content), (None, None), "what is absent keeps its value");
        let null = form(json!({"called_at": "2018-02-02", "content": null}));
        assert_eq!(null.into_change(Rules::replace(Compat::Monica4, now())).unwrap().content, Some(None));
        let strict = form(body()).into_change(Rules::replace(Compat::Documented, now()));
        assert_eq!(told(strict.unwrap_err()), ["The contact id field is required.", "The content field is required."]);
    }

    #[test]
    fn a_patch_changes_what_it_names_and_blanks_nothing() {
        assert_eq!(form(json!({})).into_change(Rules::change(now())).unwrap(), CallPatch::default());
        let change = form(json!({"contact_called": "0"})).into_change(Rules::change(now())).unwrap();
        assert_eq!(change, CallPatch { contact_called: Some(false), ..CallPatch::default() });
        let blank = form(json!({"content": " ", "called_at": null})).into_change(Rules::change(now()));
        assert_eq!(told(blank.unwrap_err()), ["The called at field is required.", "The content field is required."]);
    }
}
