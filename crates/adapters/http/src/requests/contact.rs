//! The body of a request that creates or changes a contact, with the members of the published document and of Monica
//! v4.1.2.

use domain::{
    ContactFieldKind, ContactPatch, Content, Gender, ImportantDate, Name, NamedField, NewContact, NewContactField,
    StayInTouchFrequency, Timestamp,
};
use serde::Deserialize;
use utoipa::ToSchema;
use validator::Validate;

use super::body::RequestBody;
use super::contact_field::ListedField;
use super::field::{Field, Violation};
use super::important_date::{Approximation, Birthdate, date_of_parts, january_first};
use super::validate;
use crate::responses::error::ApiResult;

/// A contact to create, or the change of a contact. Members that are not listed are ignored.
#[derive(Debug, Deserialize, Validate, ToSchema)]
#[validate(context = Timestamp, nest_all_fields)]
#[schema(as = ContactInput, example = json!({"first_name": "Leslie", "last_name": "Knope", "gender": "female"}))]
pub struct ContactRequest {
    /// First name, 1 to 255 characters.
    #[validate(custom(function = "Field::require"))]
    #[schema(value_type = String, max_length = 255, min_length = 1, example = "Leslie")]
    first_name: Field<Name>,
    /// Middle name, at most 255 characters.
    #[schema(value_type = Option<String>, max_length = 255)]
    middle_name: Field<Name>,
    /// Last name, at most 255 characters.
    #[schema(value_type = Option<String>, max_length = 255, example = "Knope")]
    last_name: Field<Name>,
    /// Nickname, at most 255 characters.
    #[schema(value_type = Option<String>, max_length = 255)]
    nickname: Field<Name>,
    /// Gender, by an id of `GET /genders`. Takes precedence over `gender`.
    #[schema(value_type = Option<i64>, minimum = 1)]
    gender_id: Field<Gender>,
    /// Gender, by name. `none` means no gender.
    #[schema(value_type = Option<String>, max_length = 255, example = "female")]
    gender: Field<Name>,
    /// A note about the person, at most 100000 characters.
    #[schema(value_type = Option<String>, max_length = 100_000)]
    description: Field<Content>,
    /// The person's job, at most 255 characters.
    #[schema(value_type = Option<String>, max_length = 255)]
    job: Field<Name>,
    /// The person's company, at most 255 characters.
    #[schema(value_type = Option<String>, max_length = 255)]
    company: Field<Name>,
    /// An e-mail address to add, unless the contact already has it.
    #[schema(value_type = Option<String>, max_length = 255, example = "leslie@example.org")]
    email: Field<Name>,
    /// A phone number to add, unless the contact already has it.
    #[schema(value_type = Option<String>, max_length = 255, example = "+1 555 0100")]
    phone: Field<Name>,
    /// Contact fields to add, unless the contact already has them, or to change, by `id`; at most 100. All others stay:
    /// `DELETE /contactfields/{id}` removes one.
    #[schema(value_type = Option<Vec<ListedField>>, max_items = 100)]
    contact_fields: Field<Vec<NamedField>>,
    /// Marked as a favourite.
    #[schema(value_type = Option<bool>)]
    is_starred: Field<bool>,
    /// Exists only as a relation of another contact.
    #[schema(value_type = Option<bool>)]
    is_partial: Field<bool>,
    /// Not archived. The calls of an archived contact cannot be written.
    #[schema(value_type = Option<bool>)]
    is_active: Field<bool>,
    /// Birthdate: any text that PHP's `strtotime` accepts, or the object that GET shows.
    #[validate(custom(function = "Birthdate::check", use_context))]
    #[schema(value_type = Option<String>, example = "1987-01-01")]
    birthdate: Field<Birthdate>,
    #[schema(schema_with = Approximation::schema, required = false)]
    is_birthdate_approximate: Field<Approximation>,
    /// Whether the `birthdate_` members give a birthdate, as Monica's clients send it. False removes the birthdate.
    #[schema(value_type = Option<bool>)]
    is_birthdate_known: Field<bool>,
    /// Day of the month, 1 to 31.
    #[schema(value_type = Option<i64>)]
    birthdate_day: Field<i64>,
    /// Month, 1 to 12.
    #[schema(value_type = Option<i64>)]
    birthdate_month: Field<i64>,
    /// Year. Absent if unknown.
    #[schema(value_type = Option<i64>)]
    birthdate_year: Field<i64>,
    /// Only the age is known.
    #[schema(value_type = Option<bool>)]
    birthdate_is_age_based: Field<bool>,
    /// The age in years.
    #[schema(value_type = Option<i64>)]
    birthdate_age: Field<i64>,
    /// Deceased.
    #[schema(value_type = Option<bool>)]
    is_deceased: Field<bool>,
    /// Whether the `deceased_date_` members give the date of death. False removes it.
    #[schema(value_type = Option<bool>)]
    is_deceased_date_known: Field<bool>,
    /// Day of the month, 1 to 31.
    #[schema(value_type = Option<i64>)]
    deceased_date_day: Field<i64>,
    /// Month, 1 to 12.
    #[schema(value_type = Option<i64>)]
    deceased_date_month: Field<i64>,
    /// Year. Absent if unknown.
    #[schema(value_type = Option<i64>)]
    deceased_date_year: Field<i64>,
    /// The contact is to be called once in so many days, 1 to 3650. Null removes it.
    #[schema(value_type = Option<i64>, minimum = 1, maximum = 3650)]
    stay_in_touch_frequency: Field<StayInTouchFrequency>,
}

impl RequestBody for ContactRequest {}

impl ContactRequest {
    /// Validates the request and returns the contact to create.
    pub fn into_new_contact(self, now: Timestamp) -> ApiResult<NewContact> {
        let patch = self.into_patch(now)?;
        let first_name = patch.first_name.clone().ok_or_else(|| Violation::REQUIRED.of("first_name"))?;
        Ok(patch.apply(NewContact::new(first_name), &[])?)
    }

    /// Validates the request and returns the change of a contact.
    pub fn into_patch(self, now: Timestamp) -> ApiResult<ContactPatch> {
        validate(&self, &now)?;
        Ok(ContactPatch {
            birthdate: self.birthdate_change(now)?,
            deceased_date: self.deceased_date_change(now)?,
            first_name: self.first_name.value(),
            middle_name: self.middle_name.change(),
            last_name: self.last_name.change(),
            nickname: self.nickname.change(),
            gender: gender_change(self.gender_id, self.gender),
            is_starred: self.is_starred.value(),
            is_partial: self.is_partial.value(),
            is_active: self.is_active.value(),
            is_dead: self.is_deceased.value(),
            description: self.description.change(),
            job: self.job.change(),
            company: self.company.change(),
            stay_in_touch_frequency: self.stay_in_touch_frequency.change(),
            fields: {
                let single = [(ContactFieldKind::EMAIL, self.email), (ContactFieldKind::PHONE, self.phone)];
                let single = single.into_iter().filter_map(|(kind, data)| Some((kind, data.value()?)));
                let single = single.map(|(kind, data)| NewContactField { kind, data }.into());
                self.contact_fields.value().into_iter().flatten().chain(single).collect()
            },
        })
    }

    fn birthdate_change(&self, now: Timestamp) -> ApiResult<Option<Option<ImportantDate>>> {
        let approximation = self.is_birthdate_approximate.as_value();
        if self.birthdate == Field::Null || approximation == Some(&Approximation::Unknown) {
            return Ok(Some(None));
        }
        if let Some(birthdate) = self.birthdate.as_value() {
            return Ok(Some(birthdate.important_date(now, approximation.copied())));
        }
        match self.is_birthdate_known.as_value() {
            Some(true) => {}
            Some(false) => return Ok(Some(None)),
            None => return Ok(None),
        }
        if self.birthdate_is_age_based.as_value() == Some(&true) {
            let age = self.birthdate_age.as_value().ok_or_else(|| Violation::REQUIRED.of("birthdate_age"))?;
            let date = january_first(now, *age).ok_or_else(|| Violation::SELECTED.of("birthdate_age"))?;
            return Ok(Some(Some(ImportantDate { date, is_age_based: true, is_year_unknown: false })));
        }
        let date = date_of_parts(&self.birthdate_day, &self.birthdate_month, &self.birthdate_year, now);
        date.map(|date| Some(Some(date))).ok_or_else(|| Violation::DATE.of("birthdate"))
    }

    fn deceased_date_change(&self, now: Timestamp) -> ApiResult<Option<Option<ImportantDate>>> {
        match self.is_deceased_date_known.as_value() {
            Some(true) => {}
            Some(false) => return Ok(Some(None)),
            // A contact that has not died has no date of death.
            None => return Ok((self.is_deceased.as_value() == Some(&false)).then_some(None)),
        }
        let date = date_of_parts(&self.deceased_date_day, &self.deceased_date_month, &self.deceased_date_year, now);
        date.map(|date| Some(Some(date))).ok_or_else(|| Violation::DATE.of("deceased_date"))
    }
}

/// Returns the change of the gender. An id wins over a name; null alone removes the gender.
fn gender_change(by_id: Field<Gender>, by_name: Field<Name>) -> Option<Option<Gender>> {
    match by_id.change() {
        Some(Some(gender)) => Some(Some(gender)),
        by_id => by_name.change().map(|name| name.and_then(Gender::named)).or(by_id),
    }
}

#[cfg(test)]
mod tests {
    use domain::Profile;
    use serde_json::{Value, json};

    use super::super::deserializer::RequestDeserializer;
    use super::*;
    use crate::responses::error::ApiError;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_709_202_030).unwrap()
    }

    fn request(body: &Value) -> ContactRequest {
        ContactRequest::deserialize(RequestDeserializer::json("", &body.to_string())).unwrap()
    }

    fn created(body: &Value) -> NewContact {
        request(body).into_new_contact(now()).unwrap()
    }

    fn violations(body: &Value) -> Vec<String> {
        match request(body).into_new_contact(now()) {
            Err(ApiError::Invalid(sentences)) => sentences,
            other => panic!("{other:?}"),
        }
    }

    fn birthdate(mut body: Value) -> Option<(String, bool, bool)> {
        body["first_name"] = json!("J");
        let date = created(&body).profile.birthdate?;
        Some((date.date.to_string(), date.is_age_based, date.is_year_unknown))
    }

    #[test]
    fn requires_a_first_name_only() {
        let contact = created(&json!({"first_name": " Leslie "}));
        assert_eq!(contact.profile, Profile::new(contact.profile.first_name.clone()));
        assert_eq!(contact.profile.first_name.as_str(), "Leslie");
        assert_eq!(violations(&json!({})), ["The first name field is required."]);
        assert_eq!(
            violations(&json!({"first_name": "x".repeat(256)})),
            ["The first name may not be greater than 255 characters."]
        );
    }

    #[test]
    fn reports_all_violations_in_the_order_of_declaration() {
        let body =
            json!({"is_partial": "maybe", "gender_id": 99, "nickname": 5, "birthdate": "soonish", "first_name": null});
        let sentences = [
            "The first name field is required.",
            "The nickname must be a string.",
            "The selected gender id is invalid.",
            "The is partial field must be true or false.",
            "The birthdate is not a valid date.",
        ];
        assert_eq!(violations(&body), sentences);
    }

    #[test]
    fn accepts_a_gender_by_id_or_name() {
        let gender = |mut body: Value| {
            body["first_name"] = json!("J");
            created(&body).profile.gender.map(|gender| gender.as_str().to_owned())
        };
        assert_eq!(gender(json!({"gender_id": 1})).as_deref(), Some("Man"));
        assert_eq!(gender(json!({"gender": "male"})).as_deref(), Some("male"));
        assert_eq!(gender(json!({"gender": "none"})), None);
        assert_eq!(gender(json!({"gender_id": 2, "gender": "male"})).as_deref(), Some("Woman"));
        let change = |body: Value| request(&body).into_patch(now()).unwrap().gender;
        assert_eq!(change(json!({"first_name": "J"})), None, "an absent member keeps its value");
        assert_eq!(change(json!({"first_name": "J", "gender_id": null})), Some(None), "null removes the value");
        for unknown in [json!("none"), Value::Null] {
            assert_eq!(change(json!({"first_name": "J", "gender": unknown, "gender_type": "N"})), Some(None));
        }
    }

    #[test]
    fn accepts_a_frequency_of_1_to_3650_days() {
        let change =
            |days: Value| request(&json!({"first_name": "J", "stay_in_touch_frequency": days})).into_patch(now());
        for (days, expected) in
            [(json!(1), Some(1)), (json!("3650"), Some(3_650)), (Value::Null, None), (json!(""), None)]
        {
            let frequency = change(days).unwrap().stay_in_touch_frequency.unwrap();
            assert_eq!(frequency.map(StayInTouchFrequency::days), expected);
        }
        assert_eq!(request(&json!({"first_name": "J"})).into_patch(now()).unwrap().stay_in_touch_frequency, None);
        for (days, sentence) in [
            (json!(0), "The stay in touch frequency must be between 1 and 3650."),
            (json!(-7), "The stay in touch frequency must be between 1 and 3650."),
            (json!(3_651), "The stay in touch frequency must be between 1 and 3650."),
            (json!(1.5), "The stay in touch frequency must be an integer."),
            (json!("weekly"), "The stay in touch frequency must be an integer."),
            (json!(true), "The stay in touch frequency must be an integer."),
            (json!([7]), "The stay in touch frequency must be an integer."),
        ] {
            assert_eq!(violations(&json!({"first_name": "J", "stay_in_touch_frequency": days})), [sentence]);
        }
    }

    #[test]
    fn accepts_a_birthdate_as_in_the_document() {
        let exact = Some(("1987-01-01T21:56:44Z".to_owned(), false, false));
        assert_eq!(birthdate(json!({"birthdate": "1987-01-01T21:56:44Z"})), exact);
        assert_eq!(birthdate(json!({"birthdate": "1987-01-01T21:56:44Z", "is_birthdate_approximate": "exact"})), exact);
        let approximate = json!({"birthdate": "1987-01-01T21:56:44Z", "is_birthdate_approximate": "approximate"});
        assert_eq!(birthdate(approximate), Some(("1987-01-01T21:56:44Z".to_owned(), true, false)));
        assert_eq!(birthdate(json!({"birthdate": "1987-01-01", "is_birthdate_approximate": "unknown"})), None);
        let wrong = json!({"first_name": "J", "is_birthdate_approximate": "perhaps"});
        assert_eq!(violations(&wrong), ["The selected is birthdate approximate is invalid."]);
    }

    #[test]
    fn accepts_a_birthdate_as_in_monica() {
        let day = |year: Value| json!({"is_birthdate_known": true, "birthdate_day": 12, "birthdate_month": "3", "birthdate_year": year});
        assert_eq!(birthdate(day(json!(1985))), Some(("1985-03-12T00:00:00Z".to_owned(), false, false)));
        assert_eq!(birthdate(day(Value::Null)), Some(("2024-03-12T00:00:00Z".to_owned(), false, true)));
        let age = json!({"is_birthdate_known": true, "birthdate_is_age_based": true, "birthdate_age": 30});
        assert_eq!(birthdate(age), Some(("1994-01-01T00:00:00Z".to_owned(), true, false)));
        assert_eq!(birthdate(json!({"is_birthdate_known": false, "birthdate_day": 12})), None);
        let wrong = json!({"first_name": "J", "is_birthdate_known": true, "birthdate_day": 31, "birthdate_month": 2});
        assert_eq!(violations(&wrong), ["The birthdate is not a valid date."]);
        let aged = |age: Value| json!({"first_name": "J", "is_birthdate_known": true, "birthdate_is_age_based": true, "birthdate_age": age});
        assert_eq!(violations(&aged(Value::Null)), ["The birthdate age field is required."]);
        for age in [99_999, i64::MAX, -1] {
            assert_eq!(violations(&aged(json!(age))), ["The selected birthdate age is invalid."], "{age}");
        }
    }

    #[test]
    fn accepts_dates_as_get_shows_them() {
        let shown = |date: Value, is_age_based: Value| json!({"birthdate": {"is_age_based": is_age_based, "is_year_unknown": true, "date": date}});
        let date = json!("1987-01-01T21:56:44Z");
        assert_eq!(birthdate(shown(date, json!(false))), Some(("1987-01-01T21:56:44Z".to_owned(), false, true)));
        assert_eq!(birthdate(shown(Value::Null, Value::Null)), None);
        for wrong in [json!("soonish"), json!([1])] {
            let mut body = shown(wrong, Value::Null);
            body["first_name"] = json!("J");
            assert_eq!(violations(&body), ["The birthdate is not a valid date."]);
        }
        let ignored =
            json!({"first_name": "J", "deceased_date": {"date": null}, "account": {"id": 1}, "is_dead": true});
        let unchanged = ContactPatch { first_name: Name::parse("J").ok(), ..ContactPatch::default() };
        assert_eq!(request(&ignored).into_patch(now()).unwrap(), unchanged);
    }

    #[test]
    fn accepts_contact_fields_one_by_one_or_as_a_list() {
        let fields = |mut body: Value| -> Vec<(i64, String)> {
            body["first_name"] = json!("J");
            created(&body).fields.iter().map(|field| (field.kind.id(), field.data.to_string())).collect()
        };
        let (email, phone) = ((1, "j@example.org".to_owned()), (2, "+1 555 0100".to_owned()));
        assert_eq!(fields(json!({"email": "j@example.org", "phone": " +1 555 0100 "})), [email.clone(), phone.clone()]);
        assert_eq!(fields(json!({"email": null, "phone": ""})), []);
        let list = json!([{"contact_field_type_id": "2", "data": "+1 555 0100"}, {"contact_field_type_id": 1, "data": "j@example.org"}]);
        assert_eq!(fields(json!({"contact_fields": list})), [phone.clone(), email]);
        let shown = json!([{"id": 9, "content": "+1 555 0100", "contact_field_type": {"id": 2, "name": "Phone"}, "labels": []}]);
        assert_eq!(fields(json!({"contact_fields": shown})), [phone], "as GET shows them");
        for (list, sentence) in [
            (json!("x"), "The contact fields must be an array."),
            (json!([{"contact_field_type_id": 99, "data": "x"}]), "The selected contact fields is invalid."),
            (json!([{"contact_field_type_id": 1}]), "The contact fields field is required."),
            (json!([{"contact_field_type_id": 1, "data": 5}]), "The contact fields must be a string."),
            (json!(vec![0; 101]), "The contact fields may not have more than 100 items."),
        ] {
            assert_eq!(violations(&json!({"first_name": "J", "contact_fields": list})), [sentence]);
        }
    }

    #[test]
    fn removes_the_date_of_death_of_a_living_contact() {
        let body = json!({"first_name": "J", "is_deceased": true, "is_deceased_date_known": true, "deceased_date_day": 1, "deceased_date_month": 2, "deceased_date_year": 2020});
        let profile = created(&body).profile;
        assert!(profile.is_dead);
        assert_eq!(profile.deceased_date.unwrap().date.to_string(), "2020-02-01T00:00:00Z");
        let change = request(&json!({"first_name": "J", "is_deceased": false})).into_patch(now()).unwrap();
        assert_eq!((change.is_dead, change.deceased_date), (Some(false), Some(None)));
    }
}
