//! The query string of a list: which page of it, how it is sorted and filtered. Read as Monica v4.1.2 reads it.

use domain::{CallOrder, ContactOrder, ContactSearch, Direction, PageRequest, PageSize};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use utoipa::IntoParams;

use super::members::Members;
use crate::responses::error::ApiError;

/// The page of any list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// Indicates the page size: 1 to 100, 10 when it is absent or 0.
    #[param(value_type = i64, required = false, minimum = 0, maximum = 100)]
    limit: Param,
    /// Indicates the page to return, counted from 1.
    #[param(value_type = i64, required = false)]
    page: Param,
}

/// Which calls are listed, and in what order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallListParams {
    /// `created_at`, `updated_at` or `called_at`; with a leading `-` downward.
    #[param(value_type = String, required = false, pattern = "^-?(called|created|updated)_at$", example = "-called_at")]
    sort: Param,
}

/// Which contacts are listed, and in what order.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactListParams {
    /// Words that all occur in names, nickname, description, job, company or contact fields, whatever their case and
    /// accents; a phone number, however it is spaced; or `field:value`, such as `phone:+1 555 0100`. At most 255
    /// characters and 32 words.
    #[param(value_type = String, required = false, example = "leslie")]
    query: Param,
    /// `created_at` or `updated_at`; with a leading `-` downward.
    #[param(value_type = String, required = false, pattern = "^-?(created|updated)_at$", example = "-updated_at")]
    sort: Param,
}

/// What a contact is shown with.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactParams {
    /// `contactfields` adds how the contact is reached.
    #[param(value_type = String, required = false, example = "contactfields")]
    with: Param,
}

/// A parameter as it was sent: its last value, or a list (`name[]=…`), which no parameter is.
#[derive(Deserialize)]
#[serde(untagged)]
enum Param {
    Absent,
    Text(String),
    List(IgnoredAny),
}

/// The parameters that `T` declares. Those of other names are ignored.
fn params<T: DeserializeOwned>(query: &str) -> Result<T, ApiError> {
    T::deserialize(Members::query(query)).map_err(|_| ApiError::BadParameters)
}

impl Param {
    /// The text, or an empty one.
    fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Absent | Self::List(_) => "",
        }
    }
}

/// The page of a list without an order of its own.
pub fn page_request<Order>(query: &str, order: Order, default_size: PageSize) -> Result<PageRequest<Order>, ApiError> {
    let params: PageParams = params(query)?;
    Ok(PageRequest { number: params.number(), size: params.size()?.unwrap_or(default_size), order })
}

/// The page of calls that is asked for: the newest call first by default.
pub fn call_list(query: &str, default_size: PageSize) -> Result<PageRequest<CallOrder>, ApiError> {
    let params: CallListParams = params(query)?;
    let order = sort(&params.sort, CallOrder::CalledAt(Direction::Descending), |name| match name {
        "called_at" => Some(CallOrder::CalledAt),
        "created_at" => Some(CallOrder::CreatedAt),
        "updated_at" => Some(CallOrder::UpdatedAt),
        _ => None,
    })?;
    page_request(query, order, default_size)
}

/// The search and the page of contacts that are asked for: all contacts, the oldest first, by default.
pub fn contact_list(
    query: &str,
    default_size: PageSize,
) -> Result<(ContactSearch, PageRequest<ContactOrder>), ApiError> {
    let params: ContactListParams = params(query)?;
    let order = sort(&params.sort, ContactOrder::CreatedAt(Direction::Ascending), |name| match name {
        "created_at" => Some(ContactOrder::CreatedAt),
        "updated_at" => Some(ContactOrder::UpdatedAt),
        _ => None,
    })?;
    let page = page_request(query, order, default_size)?;
    Ok((ContactSearch::parse(params.query.text()).ok_or(ApiError::BadParameters)?, page))
}

/// Whether contacts are shown with their contact fields.
pub fn with_contact_fields(query: &str) -> bool {
    let params = params::<ContactParams>(query);
    params.is_ok_and(|params| params.with.text().split(',').any(|word| word.trim() == "contactfields"))
}

fn sort<Order>(
    param: &Param,
    default: Order,
    named: impl Fn(&str) -> Option<fn(Direction) -> Order>,
) -> Result<Order, ApiError> {
    let sort = match param {
        Param::Absent => return Ok(default),
        Param::Text(sort) => sort,
        Param::List(_) => return Err(ApiError::BadSort),
    };
    let (name, direction) = match sort.strip_prefix('-') {
        Some(name) => (name, Direction::Descending),
        None => (sort.as_str(), Direction::Ascending),
    };
    named(name).map(|order| order(direction)).ok_or(ApiError::BadSort)
}

impl PageParams {
    /// The page size, or `None` if it is left to the server.
    fn size(&self) -> Result<Option<PageSize>, ApiError> {
        if let Param::List(_) = self.limit {
            return Err(ApiError::LimitTooBig);
        }
        let text = self.limit.text().trim();
        if text.is_empty() {
            return Ok(None);
        }
        // PHP's numbers: `1e1`, `+5` and `7.9` (read as 7) are some, `0x10` and `5abc` are not.
        let numeric = text.bytes().all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let number = text.parse::<f64>().ok().filter(|_| numeric).ok_or(ApiError::LimitTooBig)?;
        if number > f64::from(PageSize::MAX) {
            Err(ApiError::LimitTooBig)
        } else if number < 0.0 {
            Err(ApiError::BadParameters)
        } else {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100, cut as PHP cuts")]
            Ok(PageSize::new(number as u32))
        }
    }

    /// The number of the page: 1 for all that is not a whole number from 1 on.
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
    fn a_limit_is_read_as_php_reads_numbers() {
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
    fn anything_but_a_page_number_is_page_1() {
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
    fn a_list_is_sorted_by_three_names_with_or_without_a_minus() {
        let size = PageSize::SMALLEST;
        let order = |text: &str| call_list(text, size).ok().map(|page| page.order);
        assert_eq!(order(""), Some(CallOrder::CalledAt(Direction::Descending)));
        assert_eq!(order("sort=called_at"), Some(CallOrder::CalledAt(Direction::Ascending)));
        assert_eq!(order("sort=-created_at"), Some(CallOrder::CreatedAt(Direction::Descending)));
        assert_eq!(order("sort=updated_at"), Some(CallOrder::UpdatedAt(Direction::Ascending)));
        for text in ["", "bogus", "CALLED_AT", "--called_at", "called_at,-created_at", "completed_at", "%20called_at"] {
            assert_eq!(order(&format!("sort={text}")), None, "{text}");
        }
        assert_eq!(order("sort[]=called_at"), None);
        assert!(contact_list("sort=called_at", size).is_err());
        assert!(contact_list("sort=-updated_at", size).is_ok());
    }
}
