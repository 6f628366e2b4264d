//! Query strings of lists: page, sort and filters, parsed as Monica v4.1.2 does.

use domain::{
    CallQuery, CallSortKey, ContactId, ContactQuery, ContactSearch, ContactSortKey, Direction, PageRequest, PageSize,
    Sort,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use utoipa::IntoParams;

use super::deserializer::RequestDeserializer;
use crate::openapi::texts;
use crate::responses::error::{ApiError, ApiResult};

/// The page of any list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// The page size, 1 to 100. 10 if it is absent or 0.
    #[param(value_type = i64, required = false, minimum = 0, maximum = 100, default = 10)]
    limit: Param,
    /// The page to return, counted from 1.
    #[param(value_type = i64, required = false, minimum = 1, default = 1)]
    page: Param,
}

/// Filters and sort of a list of calls.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallListParams {
    /// `created_at`, `updated_at` or `called_at`, with a leading `-` in descending order.
    #[param(inline, value_type = CallSort, required = false)]
    sort: Param,
}

/// Filters and sort of a list of contacts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactListParams {
    /// Words, or beginnings of words, that all occur in names, nickname, description, job, company or contact fields,
    /// ignoring case and accents; a phone number with any spacing; or `field:value`, such as `phone:+1 555 0100`. At most 255 characters and 32 words.
    #[param(value_type = String, required = false, example = "leslie")]
    query: Param,
    /// `created_at` or `updated_at`, with a leading `-` in descending order.
    #[param(inline, value_type = ContactSort, required = false)]
    sort: Param,
}

/// Optional parts of the JSON of a contact.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactParams {
    /// `contactfields` includes the contact fields.
    #[param(inline, value_type = ContactPart, required = false)]
    with: Param,
}

texts!(CallSort: "called_at" A, "-called_at" B, "created_at" C, "-created_at" D, "updated_at" E, "-updated_at" F);
texts!(ContactSort: "created_at" A, "-created_at" B, "updated_at" C, "-updated_at" D);
texts!(ContactPart: "contactfields" A);

/// A parameter: its last value, or a list (`name[]=…`), which is never valid.
#[derive(Deserialize)]
#[serde(untagged)]
enum Param {
    Absent,
    Text(String),
    List(IgnoredAny),
}

/// Parses the parameters that `T` declares. Others are ignored.
fn params<T: DeserializeOwned>(query: &str) -> ApiResult<T> {
    T::deserialize(RequestDeserializer::query(query)).map_err(|_| ApiError::BadParameters)
}

impl Param {
    /// Returns the text. Empty if there is none.
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Absent | Self::List(_) => "",
        }
    }
}

/// Parses the page of any list.
pub fn page_request(query: &str, default_size: PageSize) -> ApiResult<PageRequest> {
    let params: PageParams = params(query)?;
    Ok(PageRequest { number: params.number(), size: params.size()?.unwrap_or(default_size) })
}

/// Parses a request for a page of calls, of one contact only if there is one. An invalid sort is reported first.
pub fn call_query(query: &str, contact: Option<ContactId>, default_size: PageSize) -> ApiResult<CallQuery> {
    let params: CallListParams = params(query)?;
    let keys = [
        ("called_at", CallSortKey::CalledAt),
        ("created_at", CallSortKey::CreatedAt),
        ("updated_at", CallSortKey::UpdatedAt),
    ];
    let sort = parse_sort(&params.sort, &keys)?;
    let default = CallQuery::newest_first(page_request(query, default_size)?);
    Ok(CallQuery { contact, sort: sort.unwrap_or(default.sort), ..default })
}

/// Parses a request for a page of contacts. An invalid sort is reported first.
pub fn contact_query(query: &str, default_size: PageSize) -> ApiResult<ContactQuery> {
    let params: ContactListParams = params(query)?;
    let keys = [("created_at", ContactSortKey::CreatedAt), ("updated_at", ContactSortKey::UpdatedAt)];
    let sort = parse_sort(&params.sort, &keys)?;
    let default = ContactQuery::oldest_first(page_request(query, default_size)?);
    let search = ContactSearch::parse(params.query.text()).ok_or(ApiError::BadParameters)?;
    Ok(ContactQuery { search, sort: sort.unwrap_or(default.sort), ..default })
}

/// Whether the response includes contact fields.
pub fn with_contact_fields(query: &str) -> bool {
    let params = params::<ContactParams>(query);
    params.is_ok_and(|params| params.with.text().split(',').any(|word| word.trim() == "contactfields"))
}

/// Parses a sort by one of these keys. `None` if there is no such parameter.
fn parse_sort<Key: Copy>(param: &Param, keys: &[(&str, Key)]) -> ApiResult<Option<Sort<Key>>> {
    let sort = match param {
        Param::Absent => return Ok(None),
        Param::Text(sort) => sort,
        Param::List(_) => return Err(ApiError::BadSort),
    };
    let (name, direction) = match sort.strip_prefix('-') {
        Some(name) => (name, Direction::Descending),
        None => (sort.as_str(), Direction::Ascending),
    };
    let (_, key) = keys.iter().find(|(known, _)| *known == name).ok_or(ApiError::BadSort)?;
    Ok(Some(Sort { key: *key, direction }))
}

impl PageParams {
    /// Returns the page size. `None` if the client names none.
    fn size(&self) -> ApiResult<Option<PageSize>> {
        if let Param::List(_) = self.limit {
            return Err(ApiError::LimitTooBig);
        }
        let text = self.limit.text().trim();
        if text.is_empty() {
            return Ok(None);
        }
        // PHP accepts `1e1`, `+5` and `7.9` (as 7), but not `0x10` and `5abc`.
        let numeric = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let number = text.parse::<f64>().ok().filter(|_| numeric).ok_or(ApiError::LimitTooBig)?;
        if number > f64::from(PageSize::MAX) {
            Err(ApiError::LimitTooBig)
        } else if number < 0.0 {
            Err(ApiError::BadParameters)
        } else {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "0 to 100, truncated as PHP does"
            )]
            Ok(PageSize::new(number as u32))
        }
    }

    /// Returns the number of the page. Anything but a whole number of at least 1 is page 1.
    fn number(&self) -> u64 {
        let text = self.page.text().trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        let plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<i64>().ok()).flatten().and_then(|page| u64::try_from(page).ok()).unwrap_or(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Result<Option<u32>, u16> {
        let size = params::<PageParams>(text).and_then(|params| params.size());
        size.map(|size| size.map(PageSize::get)).map_err(|error| match error {
            ApiError::LimitTooBig => 30,
            ApiError::BadParameters => 41,
            other => panic!("{other:?}"),
        })
    }

    #[test]
    fn parses_a_limit_as_php_parses_numbers() {
        for (text, size) in [("1", 1), ("100", 100), ("%2010", 10), ("+5", 5), ("1e1", 10), ("1.5", 1), ("007", 7)] {
            assert_eq!(limit(&format!("limit={text}")), Ok(Some(size)), "{text}");
        }
        for text in ["", "limit", "limit=", "limit=0", "limit=%20", "limit=0.9", "other=3"] {
            assert_eq!(limit(text), Ok(None), "{text}");
        }
        for text in
            ["101", "100.5", "abc", "5abc", "true", "null", "0x10", "inf", "nan", "99999999999999999999", "1e99"]
        {
            assert_eq!(limit(&format!("limit={text}")), Err(30), "{text}");
        }
        assert_eq!(limit("limit[]=5"), Err(30));
        assert_eq!(limit("limit%5B0%5D=5"), Err(30));
        for text in ["-1", "-0.5", "-1e9"] {
            assert_eq!(limit(&format!("limit={text}")), Err(41), "{text}");
        }
        assert_eq!(limit("limit=2&limit=3"), Ok(Some(3)), "the last one wins");
    }

    #[test]
    fn reads_an_invalid_page_number_as_page_1() {
        let page = |text: &str| params::<PageParams>(text).unwrap().number();
        for (text, number) in
            [("2", 2), ("%202", 2), ("+2", 2), ("%2B2", 2), ("9223372036854775807", i64::MAX.unsigned_abs())]
        {
            assert_eq!(page(&format!("page={text}")), number, "{text}");
        }
        for text in ["", "0", "-1", "abc", "1.5", "2abc", "02", "99999999999999999999", "1e1"] {
            assert_eq!(page(&format!("page={text}")), 1, "{text}");
        }
        assert_eq!(page(""), 1);
    }

    #[test]
    fn sorts_calls_by_three_keys_in_both_directions() {
        let size = PageSize::SMALLEST;
        let sort = |text: &str| call_query(text, None, size).ok().map(|query| (query.sort.key, query.sort.direction));
        assert_eq!(sort(""), Some((CallSortKey::CalledAt, Direction::Descending)));
        assert_eq!(sort("sort=called_at"), Some((CallSortKey::CalledAt, Direction::Ascending)));
        assert_eq!(sort("sort=-created_at"), Some((CallSortKey::CreatedAt, Direction::Descending)));
        assert_eq!(sort("sort=updated_at"), Some((CallSortKey::UpdatedAt, Direction::Ascending)));
        for text in ["", "bogus", "CALLED_AT", "--called_at", "called_at,-created_at", "completed_at", "%20called_at"] {
            assert_eq!(sort(&format!("sort={text}")), None, "{text}");
        }
        assert_eq!(sort("sort[]=called_at"), None);
        assert!(contact_query("sort=called_at", size).is_err());
        assert!(contact_query("sort=-updated_at", size).is_ok());
    }
}
