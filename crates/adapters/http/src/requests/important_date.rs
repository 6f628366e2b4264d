//! The birthdate and the date of death in the body of a request, in the forms of the published document, of Monica
//! v4.1.2, and of GET.

use chrono::{Datelike, Months, NaiveDate, NaiveTime};
use domain::{ImportantDate, Timestamp};
use serde::de::MapAccess;
use serde_json::{Number, Value};
use utoipa::openapi::schema::{Object, ObjectBuilder, SchemaType, Type};
use validator::ValidationError;

use super::deserializer::Skipped;
use super::field::{Field, FieldValue, Violation};
use super::values::Date;

/// The precision of a birthdate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Approximation {
    Unknown,
    Approximate,
    Exact,
}

impl Approximation {
    /// The schema of a member with one of the values or null.
    pub fn schema() -> Object {
        let values = ["exact", "approximate", "unknown"].map(Value::from).into_iter().chain([Value::Null]);
        ObjectBuilder::new()
            .schema_type(SchemaType::from_iter([Type::String, Type::Null]))
            .enum_values(Some(values))
            .description(Some(
                "The precision of `birthdate`: `exact` (default), `approximate`, or `unknown`, which removes the birthdate.",
            ))
            .build()
    }
}

impl FieldValue for Approximation {
    const WRONG_TYPE: Violation = Violation::SELECTED;

    fn from_text(text: &str) -> Result<Self, Violation> {
        match text {
            "unknown" => Ok(Self::Unknown),
            "approximate" => Ok(Self::Approximate),
            "exact" => Ok(Self::Exact),
            _ => Err(Violation::SELECTED),
        }
    }
}

/// A birthdate: a date, or the object that GET shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Birthdate {
    Date(Date),
    Shown { date: Field<Date>, is_age_based: Field<bool>, is_year_unknown: Field<bool> },
}

impl FieldValue for Birthdate {
    const WRONG_TYPE: Violation = Violation::DATE;

    fn from_text(text: &str) -> Result<Self, Violation> {
        Date::from_text(text).map(Self::Date)
    }

    fn from_number(number: &Number) -> Result<Self, Violation> {
        Date::from_number(number).map(Self::Date)
    }

    fn from_object<'de, A: MapAccess<'de>>(mut object: A) -> Result<Result<Self, Violation>, A::Error> {
        let (mut date, mut is_age_based, mut is_year_unknown) = (Field::Absent, Field::Absent, Field::Absent);
        while let Some(name) = object.next_key::<String>()? {
            match name.as_str() {
                "date" => date = object.next_value()?,
                "is_age_based" => is_age_based = object.next_value()?,
                "is_year_unknown" => is_year_unknown = object.next_value()?,
                _ => {
                    let Skipped = object.next_value()?;
                }
            }
        }
        Ok(match date {
            Field::Invalid(violation) => Err(violation),
            date => Ok(Self::Shown { date, is_age_based, is_year_unknown }),
        })
    }
}

impl Birthdate {
    /// Checks that a birthdate has a date, or none on purpose.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the derive passes the context by reference")]
    pub fn check(field: &Field<Self>, now: &Timestamp) -> Result<(), ValidationError> {
        match field {
            Field::Value(Self::Date(date)) if date.resolve(*now).is_none() => Err(Violation::DATE.into()),
            Field::Value(Self::Shown { date, .. }) => date.check_date(*now),
            _ => Ok(()),
        }
    }

    /// Returns the date with its precision. `None` if it is unknown.
    pub fn important_date(&self, now: Timestamp, approximation: Option<Approximation>) -> Option<ImportantDate> {
        let is_approximate = approximation.map(|approximation| approximation == Approximation::Approximate);
        let is_true = |field: &Field<bool>| field.as_value() == Some(&true);
        Some(match self {
            Self::Date(date) => ImportantDate {
                date: date.resolve(now)?,
                is_age_based: is_approximate.unwrap_or_default(),
                is_year_unknown: false,
            },
            Self::Shown { date, is_age_based, is_year_unknown } => ImportantDate {
                date: date.date(now)?,
                is_age_based: is_approximate.unwrap_or(is_true(is_age_based)),
                is_year_unknown: is_true(is_year_unknown),
            },
        })
    }
}

/// Returns the first day of the year in which a person of this age was born. `None` before the year 1.
pub fn january_first(now: Timestamp, age: i64) -> Option<Timestamp> {
    let months = u32::try_from(age).ok()?.checked_mul(12)?;
    let birthday = now.to_chrono().date_naive().checked_sub_months(Months::new(months))?;
    midnight(NaiveDate::from_ymd_opt(birthday.year(), 1, 1)?)
}

/// Returns the date of day, month and year, as [`ImportantDate::of_parts`] does. 0 is an unknown part.
pub fn date_of_parts(day: &Field<i64>, month: &Field<i64>, year: &Field<i64>, now: Timestamp) -> Option<ImportantDate> {
    let part = |field: &Field<i64>| field.as_value().copied().filter(|number| *number != 0);
    let (day, month) = (u32::try_from(part(day)?).ok()?, u32::try_from(part(month)?).ok()?);
    let year = part(year).map(i32::try_from).transpose().ok()?;
    ImportantDate::of_parts(year, month, day, now)
}

fn midnight(date: NaiveDate) -> Option<Timestamp> {
    Timestamp::from_unix(date.and_time(NaiveTime::MIN).and_utc().timestamp())
}
