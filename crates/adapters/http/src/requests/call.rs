//! The body of a request that records or changes a call.

use domain::{CallDuration, CallPatch, CallUpsert, ContactId, Content, Name, PhoneNumber, Timestamp};
use serde::Deserialize;
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};
use validator::{Validate, ValidationError};

use super::body::RequestBody;
use super::field::{Field, Violation};
use super::validate;
use super::values::{Date, EmotionList, ShownId};
use crate::Compat;
use crate::responses::error::{ApiError, ApiResult};

/// A call to record, or the change of a call. Members that are not listed are ignored.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[validate(context = CallRules, nest_all_fields)]
#[schema(as = CallInput, example = json!({"content": "He called, we had fun.", "contact_id": 1, "called_at": "2018-02-02"}))]
pub struct CallRequest {
    /// The ID of the contact that the call is associated with, as a number or a numeric string. Required, except by POST
    /// with a `phone_number`: then the call is associated with the one contact that has this number.
    #[validate(custom(function = "CallRules::contact_id", use_context))]
    #[schema(value_type = i64, required = false, minimum = 1, example = 1)]
    contact_id: Field<Option<ContactId>>,
    /// The contact as GET shows it. Its `id` is used if `contact_id` is absent.
    #[validate(skip)]
    #[schema(value_type = Option<Object>)]
    contact: Field<ShownId>,
    /// The date the call happened, in the past or the future: any text that PHP's `strtotime` accepts. A number is parsed
    /// as its decimal text.
    #[validate(custom(function = "CallRules::called_at", use_context))]
    #[schema(value_type = String, example = "2018-02-02")]
    called_at: Field<Date>,
    /// The description of the call, 1 to 100000 characters.
    #[validate(custom(function = "CallRules::content", use_context))]
    #[schema(value_type = String, max_length = 100_000, min_length = 1, example = "He called, we had fun.")]
    content: Field<Content>,
    /// Whether the contact called.
    #[schema(value_type = Option<bool>)]
    contact_called: Field<bool>,
    /// The emotions felt during the call, by the ids of `GET /emotions`. Replaces the whole list.
    #[schema(value_type = Option<Vec<i64>>)]
    emotions: Field<EmotionList>,
    /// How long the call lasted, in seconds, 0 to 604800. Null removes it.
    #[schema(value_type = Option<i64>, minimum = 0, maximum = 604_800)]
    duration_seconds: Field<CallDuration>,
    /// Whether the call was answered. Null makes it unknown.
    #[schema(value_type = Option<bool>)]
    answered: Field<bool>,
    /// The phone number of the contact, 1 to 64 characters. Null removes it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 64)]
    phone_number: Field<PhoneNumber>,
    /// The id that the call has in the system from which it comes, 1 to 255 characters, unique in the account. Null
    /// removes it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 255)]
    external_id: Field<Name>,
}

impl RequestBody for CallRequest {}

/// The schema of a [`CallRequest`] that changes parts of a call: no member is required.
pub struct CallPatchSchema;

impl PartialSchema for CallPatchSchema {
    fn schema() -> RefOr<Schema> {
        let mut schema = CallRequest::schema();
        if let RefOr::T(Schema::Object(object)) = &mut schema {
            object.description = Some("The change of a call. Members that are not listed are ignored.".to_owned());
            object.required.clear();
            object.example = Some(serde_json::json!({"content": "We talked."}));
        }
        schema
    }
}

impl ToSchema for CallPatchSchema {
    fn name() -> std::borrow::Cow<'static, str> {
        "CallPatch".into()
    }
}

/// The hint for a client of Monica v4.1.2 that omits what only the published document requires.
pub const HINT: &str = "With the setting CALLBOOK_COMPAT=monica-4, content is optional, and so is contact_id on PUT.";

fn unknown_emotion(id: Option<i64>) -> ApiError {
    ApiError::NotFound.with_detail(match id {
        Some(id) => format!("The emotion {id} has not been found."),
        None => "One of the emotions has not been found.".to_owned(),
    })
}

/// Whether a member is required.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    /// The member must have a value.
    Required,
    /// The member must have a value, which Monica v4.1.2 does not require.
    RequiredByDocument,
    /// The member may be absent, but not null.
    NotNull,
    /// The member may be absent or null.
    Optional,
}

/// Which members of a [`CallRequest`] are required, and the time to which its dates are relative.
#[derive(Clone, Copy, Debug)]
pub struct CallRules {
    contact_id: Presence,
    called_at: Presence,
    content: Presence,
    now: Timestamp,
}

impl CallRules {
    /// Returns the rules of `POST`.
    pub fn create(compat: Compat, now: Timestamp) -> Self {
        let content = match compat {
            Compat::Documented => Presence::RequiredByDocument,
            Compat::Monica4 => Presence::Optional,
        };
        Self { contact_id: Presence::Required, called_at: Presence::Required, content, now }
    }

    /// Returns the rules of `PUT`.
    pub fn update(compat: Compat, now: Timestamp) -> Self {
        // Monica v4.1.2 ignores contact_id here, so its clients omit it.
        let contact_id = match compat {
            Compat::Documented => Presence::RequiredByDocument,
            Compat::Monica4 => Presence::NotNull,
        };
        Self { contact_id, ..Self::create(compat, now) }
    }

    /// Returns the rules of `PATCH`.
    pub fn patch(now: Timestamp) -> Self {
        Self { contact_id: Presence::NotNull, called_at: Presence::NotNull, content: Presence::NotNull, now }
    }

    /// Whether the request lacks a member that is optional for clients of Monica v4.1.2.
    fn is_too_strict_for(&self, request: &CallRequest) -> bool {
        let by_document = Presence::RequiredByDocument;
        self.contact_id == by_document && request.contact_id.is_absent()
            || self.content == by_document && request.content.require().is_err()
    }

    fn contact_id(field: &Field<Option<ContactId>>, rules: &Self) -> Result<(), ValidationError> {
        rules.contact_id.check(field)
    }

    fn called_at(field: &Field<Date>, rules: &Self) -> Result<(), ValidationError> {
        rules.called_at.check(field)?;
        field.check_date(rules.now)
    }

    fn content(field: &Field<Content>, rules: &Self) -> Result<(), ValidationError> {
        rules.content.check(field)
    }
}

impl Presence {
    fn check<T>(self, field: &Field<T>) -> Result<(), ValidationError> {
        match self {
            Self::Optional => Ok(()),
            Self::NotNull if field.is_absent() => Ok(()),
            Self::NotNull | Self::Required | Self::RequiredByDocument => field.require(),
        }
    }
}

impl CallRequest {
    /// Validates the request and returns the call to record. `NotFound` if a contact or an emotion cannot exist.
    ///
    /// A phone number can stand for the contact. An invalid one is the only violation then.
    pub fn into_upsert(self, rules: CallRules) -> ApiResult<CallUpsert> {
        let has_number = self.phone_number.require().is_ok();
        let rules = CallRules { contact_id: if has_number { Presence::Optional } else { rules.contact_id }, ..rules };
        self.into_patch(rules)?.into_upsert().ok_or_else(|| Violation::REQUIRED.of("contact_id"))
    }

    /// Returns the external id, if it is valid.
    pub fn external_id(&self) -> Option<&Name> {
        self.external_id.as_value()
    }

    /// Validates the request and returns the change of a call. `NotFound` if a contact or an emotion cannot exist.
    pub fn into_patch(mut self, rules: CallRules) -> ApiResult<CallPatch> {
        if self.contact_id.is_absent()
            && let Field::Value(ShownId(id)) = self.contact
        {
            self.contact_id = Field::Value(ContactId::new(id));
        }
        validate(&self, &rules)
            .map_err(|error| if rules.is_too_strict_for(&self) { error.with_hint(HINT) } else { error })?;
        Ok(CallPatch {
            contact: self.contact_id.value().map(|id| id.ok_or(ApiError::NotFound)).transpose()?,
            called_at: self.called_at.date(rules.now),
            content: self.content.change(),
            contact_called: self.contact_called.value(),
            emotions: self.emotions.value().map(|emotions| emotions.map_err(unknown_emotion)).transpose()?,
            duration: self.duration_seconds.change(),
            answered: self.answered.change(),
            phone_number: self.phone_number.change(),
            external_id: self.external_id.change(),
        })
    }
}

#[cfg(test)]
mod tests {
    use domain::{CallContact, Emotion, NewCall, PhoneSearch};
    use serde_json::{Value, json};

    use super::super::deserializer::RequestDeserializer;
    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_709_202_030).unwrap()
    }

    fn request(body: &Value) -> CallRequest {
        CallRequest::deserialize(RequestDeserializer::json("", &body.to_string())).unwrap()
    }

    fn create(compat: Compat, body: &Value) -> Result<NewCall, Vec<String>> {
        let upsert = request(body).into_upsert(CallRules::create(compat, now())).map_err(messages)?;
        match upsert.contact {
            CallContact::Id(contact) => Ok(NewCall { contact, details: upsert.details }),
            CallContact::Number(search) => panic!("{search:?}"),
        }
    }

    fn messages(error: ApiError) -> Vec<String> {
        match error {
            ApiError::Invalid(sentences) => sentences,
            ApiError::Annotated { error, .. } => messages(*error),
            other => vec![other.to_string()],
        }
    }

    #[test]
    fn accepts_the_example_of_the_document() {
        let body = json!({"content": "He called, we had fun.", "contact_id": 3, "called_at": "2018-02-02", "id": 9});
        let call = create(Compat::Documented, &body).unwrap();
        assert_eq!(Some(call.contact), ContactId::new(3));
        assert_eq!(call.details.called_at.to_string(), "2018-02-02T00:00:00Z");
        assert_eq!(call.details.content, Content::parse("He called, we had fun.").ok());
        assert_eq!((call.details.contact_called, call.details.emotions), (None, vec![]));
    }

    #[test]
    fn accepts_a_call_as_get_shows_it() {
        let shown = json!({
            "id": 5, "uuid": "00000000-0000-0000-0000-000000000005", "object": "call",
            "called_at": "2017-10-07T22:29:21Z", "content": "x", "contact_called": null,
            "emotions": [{"id": 3, "object": "emotion", "name": "love"}], "url": "http://127.0.0.1/api/calls/5",
            "account": {"id": 1}, "contact": {"id": 3, "object": "contact"}, "created_at": "2017-10-07T22:29:21Z"
        });
        let patch = request(&shown).into_patch(CallRules::update(Compat::Documented, now())).unwrap();
        assert_eq!((patch.contact, patch.contact_called), (ContactId::new(3), None));
        assert_eq!(patch.emotions, Some(Emotion::new(3).into_iter().collect()));
        let mut moved = shown;
        moved["contact_id"] = json!(4);
        assert_eq!(request(&moved).into_patch(CallRules::patch(now())).unwrap().contact, ContactId::new(4));
        let unreadable = json!({"contact": "Leslie"});
        assert_eq!(request(&unreadable).into_patch(CallRules::patch(now())).unwrap(), CallPatch::default());
    }

    #[test]
    fn a_phone_number_can_stand_for_the_contact() {
        let upsert = |body: &Value| request(body).into_upsert(CallRules::create(Compat::Documented, now()));
        let body = |contact_id: &Value, number: &Value| json!({"contact_id": contact_id, "phone_number": number, "called_at": "2018-02-02", "content": "x"});
        let number = PhoneNumber::parse("+1 555 0100").unwrap();
        let by_number = CallContact::Number(PhoneSearch::new(number.clone()));
        for (contact_id, expected) in [
            (json!(null), by_number.clone()),
            (json!(" "), by_number),
            (json!("3"), CallContact::Id(ContactId::new(3).unwrap())),
        ] {
            let created = upsert(&body(&contact_id, &json!(" +1 555 0100 "))).unwrap();
            assert_eq!((created.contact, created.details.phone_number), (expected, Some(number.clone())));
        }
        for (contact_id, number, message) in [
            (json!(null), json!(null), "The contact id field is required."),
            (json!(null), json!(" "), "The contact id field is required."),
            (json!(null), json!(5), "The phone number must be a string."),
            (json!(null), json!("1".repeat(65)), "The phone number may not be greater than 64 characters."),
            (json!("x"), json!("1"), "The contact id must be an integer."),
        ] {
            assert_eq!(messages(upsert(&body(&contact_id, &number)).unwrap_err()), [message]);
        }
        let put = request(&body(&json!(null), &json!("1"))).into_patch(CallRules::update(Compat::Documented, now()));
        assert_eq!(messages(put.unwrap_err()), ["The contact id field is required."]);
    }

    #[test]
    fn reports_all_violations_in_the_order_of_declaration() {
        let required =
            ["The contact id field is required.", "The called at field is required.", "The content field is required."];
        for body in [json!({}), json!({"contact_id": null, "called_at": " ", "content": ""})] {
            assert_eq!(create(Compat::Documented, &body).unwrap_err(), required);
        }
        let body = json!({"external_id": "x".repeat(256), "phone_number": 5, "answered": "maybe", "duration_seconds": 604_801, "emotions": 1, "contact_called": 2, "content": 5, "called_at": "soonish", "contact_id": "x"});
        let wrong = [
            "The contact id must be an integer.",
            "The called at is not a valid date.",
            "The content must be a string.",
            "The contact called field must be true or false.",
            "The emotions must be an array.",
            "The duration seconds must be between 0 and 604800.",
            "The answered field must be true or false.",
            "The phone number must be a string.",
            "The external id may not be greater than 255 characters.",
        ];
        assert_eq!(create(Compat::Documented, &body).unwrap_err(), wrong);
    }

    #[test]
    fn reports_a_violation_before_an_unknown_id() {
        let body = json!({"contact_id": 0, "called_at": "2018-02-02", "content": 5});
        assert_eq!(create(Compat::Documented, &body).unwrap_err(), ["The content must be a string."]);
        for (id, emotions) in [(json!(0), json!([])), (json!(1), json!([999]))] {
            let body = json!({"contact_id": id, "called_at": "2018-02-02", "content": "x", "emotions": emotions});
            assert_eq!(create(Compat::Documented, &body).unwrap_err(), ["The resource has not been found"]);
        }
    }

    #[test]
    fn monica_4_accepts_a_call_without_content() {
        for body in [
            json!({"contact_id": 1, "called_at": "2018-02-02"}),
            json!({"contact_id": 1, "called_at": "2018-02-02", "content": null}),
        ] {
            assert_eq!(create(Compat::Monica4, &body).unwrap().details.content, None);
            assert_eq!(create(Compat::Documented, &body).unwrap_err(), ["The content field is required."]);
        }
    }

    #[test]
    fn monica_4_accepts_an_update_without_contact() {
        let body = || json!({"called_at": "2018-02-02"});
        let change = request(&body()).into_patch(CallRules::update(Compat::Monica4, now())).unwrap();
        assert_eq!((change.contact, change.content), (None, None), "an absent member keeps its value");
        let null = request(&json!({"called_at": "2018-02-02", "content": null}));
        assert_eq!(null.into_patch(CallRules::update(Compat::Monica4, now())).unwrap().content, Some(None));
        let strict = request(&body()).into_patch(CallRules::update(Compat::Documented, now()));
        assert_eq!(
            messages(strict.unwrap_err()),
            ["The contact id field is required.", "The content field is required."]
        );
    }

    #[test]
    fn hints_at_the_setting_that_makes_members_optional() {
        let has_hint = |rules, body: Value| match request(&body).into_patch(rules).unwrap_err() {
            ApiError::Annotated { hint, .. } => hint.is_some_and(|hint| hint.contains("CALLBOOK_COMPAT=monica-4")),
            _ => false,
        };
        let (create, update) = (CallRules::create, CallRules::update);
        let (documented, monica) = (Compat::Documented, Compat::Monica4);
        let without_contact = || json!({"called_at": "2018-02-02", "content": "x"});
        assert!(has_hint(update(documented, now()), without_contact()));
        assert!(!has_hint(create(documented, now()), without_contact()), "POST requires the contact in both modes");
        assert!(has_hint(create(documented, now()), json!({"contact_id": 1, "called_at": "2018-02-02"})));
        assert!(!has_hint(create(documented, now()), json!({"contact_id": 1, "content": "x"})));
        assert!(!has_hint(create(monica, now()), json!({})));
    }

    #[test]
    fn a_patch_keeps_absent_members_and_rejects_null() {
        assert_eq!(request(&json!({})).into_patch(CallRules::patch(now())).unwrap(), CallPatch::default());
        let change = request(&json!({"contact_called": "0"})).into_patch(CallRules::patch(now())).unwrap();
        assert_eq!(change, CallPatch { contact_called: Some(false), ..CallPatch::default() });
        let blank = request(&json!({"content": " ", "called_at": null})).into_patch(CallRules::patch(now()));
        assert_eq!(
            messages(blank.unwrap_err()),
            ["The called at field is required.", "The content field is required."]
        );
    }
}
