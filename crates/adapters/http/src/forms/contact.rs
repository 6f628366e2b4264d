//! A contact as it is typed: the document's members, and those of Monica v4.1.2.

use chrono::{Datelike, Months, NaiveDate, NaiveTime};
use domain::{ContactFieldKind, ContactPatch, Gender, ImportantDate, NewContact, NewContactField, Timestamp, trim};
use serde_json::Value;
use utoipa::ToSchema;
use validator::{Validate, ValidateArgs, ValidationError};

use super::sentences;
use crate::fields::{Field, Members, Violation, boolean, content, integer, name, timestamp};
use crate::responses::error::ApiError;

/// A contact to add, or what to change in one. Members that are not listed are ignored.
#[derive(Debug, Validate, ToSchema)]
#[validate(context = Timestamp)]
#[schema(as = ContactInput, example = json!({"first_name": "Leslie", "last_name": "Knope", "gender": "female"}))]
pub struct ContactForm {
    /// First name, 1 to 255 characters.
    #[validate(custom(function = "required_name_rule"))]
    #[schema(value_type = String, max_length = 255, min_length = 1, example = "Leslie")]
    first_name: Field,
    /// Middle name, at most 255 characters.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    middle_name: Field,
    /// Last name, at most 255 characters.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false, example = "Knope")]
    last_name: Field,
    /// Nickname, at most 255 characters.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    nickname: Field,
    /// Gender by id, one of `GET /genders`; wins over `gender`.
    #[validate(custom(function = "gender_id_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    gender_id: Field,
    /// Gender by name; `none` is no gender.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false, example = "female")]
    gender: Field,
    /// A note about the person, at most 100000 characters.
    #[validate(custom(function = "content_rule"))]
    #[schema(value_type = Option<String>, max_length = 100_000, required = false)]
    description: Field,
    /// The person's job, at most 255 characters.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    job: Field,
    /// The person's company, at most 255 characters.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false)]
    company: Field,
    /// An e-mail address to add, unless the contact has it.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false, example = "leslie@example.org")]
    email: Field,
    /// A phone number to add, unless the contact has it.
    #[validate(custom(function = "name_rule"))]
    #[schema(value_type = Option<String>, max_length = 255, required = false, example = "+1 555 0100")]
    phone: Field,
    /// All the ways to reach the contact, in place of those it has: each a `contact_field_type_id` of
    /// `GET /contactfieldtypes` and the `data`; at most 100.
    #[validate(custom(function = "contact_fields_rule"))]
    #[schema(value_type = Option<Vec<ContactFieldForm>>, max_items = 100, required = false)]
    contact_fields: Field,
    /// Kept at the top of lists.
    #[validate(custom(function = "boolean_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    is_starred: Field,
    /// Known only through another contact.
    #[validate(custom(function = "boolean_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    is_partial: Field,
    /// Not archived: an archived contact takes no new calls.
    #[validate(custom(function = "boolean_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    is_active: Field,
    /// Birthdate, all that PHP's `strtotime` takes.
    #[validate(custom(function = "moment_rule", use_context))]
    #[schema(value_type = Option<String>, required = false, example = "1987-01-01")]
    birthdate: Field,
    /// What is known of `birthdate`: `exact` (the default), `approximate`, or `unknown`, which takes it away.
    #[validate(custom(function = "approximation_rule"))]
    #[schema(value_type = Option<String>, required = false, example = "exact")]
    is_birthdate_approximate: Field,
    /// Monica's way: whether a birthdate is told by the members below; false takes it away.
    #[validate(custom(function = "boolean_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    is_birthdate_known: Field,
    /// Day of the month, 1 to 31.
    #[validate(custom(function = "integer_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    birthdate_day: Field,
    /// Month, 1 to 12.
    #[validate(custom(function = "integer_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    birthdate_month: Field,
    /// Year; absent when it is not known.
    #[validate(custom(function = "integer_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    birthdate_year: Field,
    /// Only the age is known.
    #[validate(custom(function = "boolean_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    birthdate_is_age_based: Field,
    /// The age in years.
    #[validate(custom(function = "integer_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    birthdate_age: Field,
    /// Has died.
    #[validate(custom(function = "boolean_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    is_deceased: Field,
    /// Whether the date of death is told by the members below; false takes it away.
    #[validate(custom(function = "boolean_rule"))]
    #[schema(value_type = Option<bool>, required = false)]
    is_deceased_date_known: Field,
    /// Day of the month, 1 to 31.
    #[validate(custom(function = "integer_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    deceased_date_day: Field,
    /// Month, 1 to 12.
    #[validate(custom(function = "integer_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    deceased_date_month: Field,
    /// Year; absent when it is not known.
    #[validate(custom(function = "integer_rule"))]
    #[schema(value_type = Option<i64>, required = false)]
    deceased_date_year: Field,
}

fn required_name_rule(field: &Field) -> Result<(), ValidationError> {
    field.read(name)?.map(drop).ok_or(Violation::REQUIRED.into())
}

fn name_rule(field: &Field) -> Result<(), ValidationError> {
    Ok(field.read(name).map(drop)?)
}

fn content_rule(field: &Field) -> Result<(), ValidationError> {
    Ok(field.read(content).map(drop)?)
}

fn boolean_rule(field: &Field) -> Result<(), ValidationError> {
    Ok(field.read(boolean).map(drop)?)
}

fn integer_rule(field: &Field) -> Result<(), ValidationError> {
    Ok(field.read(integer).map(drop)?)
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the derive passes the context by reference")]
fn moment_rule(field: &Field, now: &Timestamp) -> Result<(), ValidationError> {
    Ok(field.read(|value| timestamp(value, *now)).map(drop)?)
}

fn gender_id_rule(field: &Field) -> Result<(), ValidationError> {
    Ok(field.read(gender_by_id).map(drop)?)
}

fn contact_fields_rule(field: &Field) -> Result<(), ValidationError> {
    Ok(field.read(contact_fields).map(drop)?)
}

fn approximation_rule(field: &Field) -> Result<(), ValidationError> {
    Ok(field.read(approximation).map(drop)?)
}

fn gender_by_id(value: &Value) -> Result<Gender, Violation> {
    Gender::by_id(integer(value)?).ok_or(Violation::SELECTED)
}

/// A way to reach a contact, as the OpenAPI document shows it.
#[derive(ToSchema)]
#[schema(as = ContactFieldInput)]
#[expect(dead_code, reason = "read by the derive only")]
struct ContactFieldForm {
    /// One of `GET /contactfieldtypes`.
    #[schema(example = 2)]
    contact_field_type_id: i64,
    /// The address or number, 1 to 255 characters.
    #[schema(max_length = 255, min_length = 1, example = "+1 555 0100")]
    data: String,
}

/// A list of contact fields.
fn contact_fields(value: &Value) -> Result<Vec<NewContactField>, Violation> {
    let field = |item: &Value| {
        let kind = integer(&item["contact_field_type_id"]).ok().and_then(ContactFieldKind::new);
        let kind = kind.ok_or(Violation::SELECTED)?;
        Ok(NewContactField { kind, data: name(&item["data"])? })
    };
    let items = value.as_array().ok_or(Violation::ARRAY)?;
    if items.len() > NewContact::MAX_FIELDS {
        return Err(Violation::OVER_100_ITEMS);
    }
    items.iter().map(field).collect()
}

/// What is known of a birthdate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Approximation {
    Unknown,
    Approximate,
    Exact,
}

fn approximation(value: &Value) -> Result<Approximation, Violation> {
    match value.as_str().map(trim) {
        Some("unknown") => Ok(Approximation::Unknown),
        Some("approximate") => Ok(Approximation::Approximate),
        Some("exact") => Ok(Approximation::Exact),
        _ => Err(Violation::SELECTED),
    }
}

impl ContactForm {
    /// Takes the form's members out of a body.
    pub fn take(mut members: Members) -> Self {
        let mut field = |name| Field::take(&mut members, name);
        Self {
            first_name: field("first_name"),
            middle_name: field("middle_name"),
            last_name: field("last_name"),
            nickname: field("nickname"),
            gender_id: field("gender_id"),
            gender: field("gender"),
            description: field("description"),
            job: field("job"),
            company: field("company"),
            email: field("email"),
            phone: field("phone"),
            contact_fields: field("contact_fields"),
            is_starred: field("is_starred"),
            is_partial: field("is_partial"),
            is_active: field("is_active"),
            birthdate: field("birthdate"),
            is_birthdate_approximate: field("is_birthdate_approximate"),
            is_birthdate_known: field("is_birthdate_known"),
            birthdate_day: field("birthdate_day"),
            birthdate_month: field("birthdate_month"),
            birthdate_year: field("birthdate_year"),
            birthdate_is_age_based: field("birthdate_is_age_based"),
            birthdate_age: field("birthdate_age"),
            is_deceased: field("is_deceased"),
            is_deceased_date_known: field("is_deceased_date_known"),
            deceased_date_day: field("deceased_date_day"),
            deceased_date_month: field("deceased_date_month"),
            deceased_date_year: field("deceased_date_year"),
        }
    }

    /// The contact to add.
    pub fn into_new_contact(self, now: Timestamp) -> Result<NewContact, ApiError> {
        let change = self.into_change(now)?;
        let first_name = change.first_name.clone().ok_or(Violation::REQUIRED)?;
        Ok(change.apply(NewContact::new(first_name))?)
    }

    /// What to change.
    pub fn into_change(self, now: Timestamp) -> Result<ContactPatch, ApiError> {
        #[rustfmt::skip]
        const ORDER: [&str; 28] = [
            "first_name", "middle_name", "last_name", "nickname", "gender_id", "gender", "description", "job",
            "company", "email", "phone", "contact_fields", "is_starred", "is_partial", "is_active", "birthdate", "is_birthdate_approximate",
            "is_birthdate_known", "birthdate_day", "birthdate_month", "birthdate_year", "birthdate_is_age_based",
            "birthdate_age", "is_deceased", "is_deceased_date_known", "deceased_date_day", "deceased_date_month",
            "deceased_date_year",
        ];
        self.validate_with_args(&now).map_err(|errors| sentences(&errors, &ORDER))?;
        Ok(ContactPatch {
            first_name: self.first_name.read(name)?,
            middle_name: self.middle_name.read_change(name)?,
            last_name: self.last_name.read_change(name)?,
            nickname: self.nickname.read_change(name)?,
            gender: self.gender_change()?,
            is_starred: self.is_starred.read(boolean)?,
            is_partial: self.is_partial.read(boolean)?,
            is_active: self.is_active.read(boolean)?,
            is_dead: self.is_deceased.read(boolean)?,
            birthdate: self.birthdate_change(now)?,
            deceased_date: self.deceased_date_change(now)?,
            description: self.description.read_change(content)?,
            job: self.job.read_change(name)?,
            company: self.company.read_change(name)?,
            fields: self.contact_fields.read(contact_fields)?,
            more_fields: self.more_fields()?,
        })
    }

    fn more_fields(&self) -> Result<Vec<NewContactField>, ApiError> {
        let mut fields = Vec::new();
        for (kind, field) in [(ContactFieldKind::EMAIL, &self.email), (ContactFieldKind::PHONE, &self.phone)] {
            fields.extend(field.read(name)?.map(|data| NewContactField { kind, data }));
        }
        Ok(fields)
    }

    fn gender_change(&self) -> Result<Option<Option<Gender>>, ApiError> {
        if let Some(gender) = self.gender_id.read(gender_by_id)? {
            return Ok(Some(Some(gender)));
        }
        let by_name = self.gender.read_change(name)?.map(|name| name.and_then(Gender::named));
        Ok(by_name.or_else(|| (!self.gender_id.is_absent()).then_some(None)))
    }

    fn birthdate_change(&self, now: Timestamp) -> Result<Option<Option<ImportantDate>>, ApiError> {
        let approximation = self.is_birthdate_approximate.read(approximation)?;
        let date = self.birthdate.read_change(|value| timestamp(value, now))?;
        match (date, approximation) {
            (_, Some(Approximation::Unknown)) | (Some(None), _) => return Ok(Some(None)),
            (Some(Some(date)), approximation) => {
                let is_age_based = approximation == Some(Approximation::Approximate);
                return Ok(Some(Some(ImportantDate { date, is_age_based, is_year_unknown: false })));
            }
            (None, _) => {}
        }
        match self.is_birthdate_known.read(boolean)? {
            Some(true) => {}
            Some(false) => return Ok(Some(None)),
            None => return Ok(None),
        }
        if self.birthdate_is_age_based.read(boolean)? == Some(true) {
            let age = self.birthdate_age.read(integer)?;
            let date = age.and_then(|age| january_first(now, age)).ok_or_else(|| required("birthdate_age"))?;
            return Ok(Some(Some(ImportantDate { date, is_age_based: true, is_year_unknown: false })));
        }
        let date = typed_date(&self.birthdate_day, &self.birthdate_month, &self.birthdate_year, now)?;
        date.map(|date| Some(Some(date))).ok_or_else(|| invalid_date("birthdate"))
    }

    fn deceased_date_change(&self, now: Timestamp) -> Result<Option<Option<ImportantDate>>, ApiError> {
        match self.is_deceased_date_known.read(boolean)? {
            Some(true) => {}
            Some(false) => return Ok(Some(None)),
            // Who is alive again has no date of death.
            None => return Ok((self.is_deceased.read(boolean)? == Some(false)).then_some(None)),
        }
        let date = typed_date(&self.deceased_date_day, &self.deceased_date_month, &self.deceased_date_year, now)?;
        date.map(|date| Some(Some(date))).ok_or_else(|| invalid_date("deceased_date"))
    }
}

fn required(field: &str) -> ApiError {
    ApiError::Invalid(vec![Violation::REQUIRED.about(field)])
}

fn invalid_date(field: &str) -> ApiError {
    ApiError::Invalid(vec![Violation::DATE.about(field)])
}

/// The first day of the year in which somebody of this age was born.
fn january_first(now: Timestamp, age: i64) -> Option<Timestamp> {
    let months = u32::try_from(age).ok()?.checked_mul(12)?;
    let birthday = now.calendar().date_naive().checked_sub_months(Months::new(months))?;
    midnight(NaiveDate::from_ymd_opt(birthday.year(), 1, 1)?)
}

/// The date of day, month and year; without a year it is one of this year, or of a leap year when it must be.
/// None when there is no such date.
fn typed_date(day: &Field, month: &Field, year: &Field, now: Timestamp) -> Result<Option<ImportantDate>, ApiError> {
    let number = |field: &Field| Ok::<_, ApiError>(field.read(integer)?.filter(|number| *number != 0));
    let (day, month, year) = (number(day)?, number(month)?, number(year)?);
    let date = || {
        let (day, month) = (u32::try_from(day?).ok()?, u32::try_from(month?).ok()?);
        let this_year = now.year();
        let date = match year {
            Some(year) => NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day),
            None => (this_year - 7..=this_year).rev().find_map(|year| NaiveDate::from_ymd_opt(year, month, day)),
        };
        Some(ImportantDate { date: midnight(date?)?, is_age_based: false, is_year_unknown: year.is_none() })
    };
    Ok(date())
}

fn midnight(date: NaiveDate) -> Option<Timestamp> {
    Timestamp::from_unix(date.and_time(NaiveTime::MIN).and_utc().timestamp())
}

#[cfg(test)]
mod tests {
    use domain::Profile;
    use serde_json::json;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_unix(1_709_202_030).unwrap()
    }

    fn form(body: Value) -> ContactForm {
        let Value::Object(members) = body else { panic!("{body} is no object") };
        ContactForm::take(members)
    }

    fn added(body: Value) -> NewContact {
        form(body).into_new_contact(now()).unwrap()
    }

    fn refused(body: Value) -> Vec<String> {
        match form(body).into_new_contact(now()) {
            Err(ApiError::Invalid(sentences)) => sentences,
            other => panic!("{other:?}"),
        }
    }

    fn birthdate(mut body: Value) -> Option<(String, bool, bool)> {
        body["first_name"] = json!("J");
        let date = added(body).profile.birthdate?;
        Some((date.date.to_string(), date.is_age_based, date.is_year_unknown))
    }

    #[test]
    fn a_first_name_is_enough() {
        let contact = added(json!({"first_name": " Leslie "}));
        assert_eq!(contact.profile, Profile::new(contact.profile.first_name.clone()));
        assert_eq!(contact.profile.first_name.as_str(), "Leslie");
        assert_eq!(refused(json!({})), ["The first name field is required."]);
        assert_eq!(
            refused(json!({"first_name": "x".repeat(256)})),
            ["The first name may not be greater than 255 characters."]
        );
    }

    #[test]
    fn all_violations_are_told_at_once_in_order() {
        let body =
            json!({"is_partial": "maybe", "gender_id": 99, "nickname": 5, "birthdate": "soonish", "first_name": null});
        let sentences = [
            "The first name field is required.",
            "The nickname must be a string.",
            "The selected gender id is invalid.",
            "The is partial field must be true or false.",
            "The birthdate is not a valid date.",
        ];
        assert_eq!(refused(body), sentences);
    }

    #[test]
    fn a_gender_is_told_by_id_or_name() {
        let gender = |mut body: Value| {
            body["first_name"] = json!("J");
            added(body).profile.gender.map(|gender| gender.as_str().to_owned())
        };
        assert_eq!(gender(json!({"gender_id": 1})).as_deref(), Some("Man"));
        assert_eq!(gender(json!({"gender": "male"})).as_deref(), Some("male"));
        assert_eq!(gender(json!({"gender": "none"})), None);
        assert_eq!(gender(json!({"gender_id": 2, "gender": "male"})).as_deref(), Some("Woman"));
        let change = |body| form(body).into_change(now()).unwrap().gender;
        assert_eq!(change(json!({"first_name": "J"})), None, "absent: kept");
        assert_eq!(change(json!({"first_name": "J", "gender_id": null})), Some(None), "null: taken away");
    }

    #[test]
    fn a_birthdate_is_told_in_the_document_s_way() {
        let exact = Some(("1987-01-01T21:56:44Z".to_owned(), false, false));
        assert_eq!(birthdate(json!({"birthdate": "1987-01-01T21:56:44Z"})), exact);
        assert_eq!(birthdate(json!({"birthdate": "1987-01-01T21:56:44Z", "is_birthdate_approximate": "exact"})), exact);
        let approximate = json!({"birthdate": "1987-01-01T21:56:44Z", "is_birthdate_approximate": "approximate"});
        assert_eq!(birthdate(approximate), Some(("1987-01-01T21:56:44Z".to_owned(), true, false)));
        assert_eq!(birthdate(json!({"birthdate": "1987-01-01", "is_birthdate_approximate": "unknown"})), None);
        let wrong = json!({"first_name": "J", "is_birthdate_approximate": "perhaps"});
        assert_eq!(refused(wrong), ["The selected is birthdate approximate is invalid."]);
    }

    #[test]
    fn a_birthdate_is_told_in_monica_s_ways() {
        let day = |year: Value| json!({"is_birthdate_known": true, "birthdate_day": 12, "birthdate_month": "3", "birthdate_year": year});
        assert_eq!(birthdate(day(json!(1985))), Some(("1985-03-12T00:00:00Z".to_owned(), false, false)));
        assert_eq!(birthdate(day(Value::Null)), Some(("2024-03-12T00:00:00Z".to_owned(), false, true)));
        let age = json!({"is_birthdate_known": true, "birthdate_is_age_based": true, "birthdate_age": 30});
        assert_eq!(birthdate(age), Some(("1994-01-01T00:00:00Z".to_owned(), true, false)));
        assert_eq!(birthdate(json!({"is_birthdate_known": false, "birthdate_day": 12})), None);
        let wrong = json!({"first_name": "J", "is_birthdate_known": true, "birthdate_day": 31, "birthdate_month": 2});
        assert_eq!(refused(wrong), ["The birthdate is not a valid date."]);
        let ageless = json!({"first_name": "J", "is_birthdate_known": true, "birthdate_is_age_based": true, "birthdate_age": i64::MAX});
        assert_eq!(refused(ageless), ["The birthdate age field is required."]);
    }

    #[test]
    fn ways_to_reach_a_contact_are_told_one_by_one_or_as_a_list() {
        let fields = |mut body: Value| -> Vec<(i64, String)> {
            body["first_name"] = json!("J");
            added(body).fields.iter().map(|field| (field.kind.id(), field.data.to_string())).collect()
        };
        let (email, phone) = ((1, "j@example.org".to_owned()), (2, "+1 555 0100".to_owned()));
        assert_eq!(fields(json!({"email": "j@example.org", "phone": " +1 555 0100 "})), [email.clone(), phone.clone()]);
        assert_eq!(fields(json!({"email": null, "phone": ""})), []);
        let list = json!([{"contact_field_type_id": "2", "data": "+1 555 0100"}, {"contact_field_type_id": 1, "data": "j@example.org"}]);
        assert_eq!(fields(json!({"contact_fields": list})), [phone, email]);
        for (list, sentence) in [
            (json!("x"), "The contact fields must be an array."),
            (json!([{"contact_field_type_id": 99, "data": "x"}]), "The selected contact fields is invalid."),
            (json!([{"contact_field_type_id": 1}]), "The contact fields must be a string."),
            (json!(vec![0; 101]), "The contact fields may not have more than 100 items."),
        ] {
            assert_eq!(refused(json!({"first_name": "J", "contact_fields": list})), [sentence]);
        }
    }

    #[test]
    fn who_lives_has_no_date_of_death() {
        let body = json!({"first_name": "J", "is_deceased": true, "is_deceased_date_known": true, "deceased_date_day": 1, "deceased_date_month": 2, "deceased_date_year": 2020});
        let profile = added(body).profile;
        assert!(profile.is_dead);
        assert_eq!(profile.deceased_date.unwrap().date.to_string(), "2020-02-01T00:00:00Z");
        let change = form(json!({"first_name": "J", "is_deceased": false})).into_change(now()).unwrap();
        assert_eq!((change.is_dead, change.deceased_date), (Some(false), Some(None)));
    }
}
