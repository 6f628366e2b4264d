//! Query words: which page is asked for, and how it is sorted. Read as Monica v4.1.2 reads them.

use domain::{CallOrder, ContactOrder, ContactSearch, Direction, PageRequest, PageSize};
use utoipa::IntoParams;

use crate::responses::error::ApiError;

/// Which page of a list is asked for.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the derive only")]
pub struct Paging {
    /// Indicates the page size: 1 to 100, 10 when it is absent or 0.
    #[param(value_type = i64, required = false, minimum = 0, maximum = 100)]
    limit: Option<i64>,
    /// Indicates the page to return, counted from 1.
    #[param(value_type = i64, required = false)]
    page: Option<i64>,
}

/// How a list of calls is sorted.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read by the derive only")]
pub struct CallSorting {
    /// `created_at`, `updated_at` or `called_at`; with a leading `-` downward.
    #[param(value_type = String, required = false, pattern = "^-?(called|created|updated)_at$", example = "-called_at")]
    sort: Option<String>,
}

/// The words of a query string, decoded, in the order in which they were sent.
#[derive(Clone, Debug, Default)]
pub struct Query(Vec<(String, String)>);

impl Query {
    /// Reads a query string; what is not UTF-8 in it becomes U+FFFD.
    pub fn parse(text: &str) -> Self {
        Self(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// Every word with its value.
    pub fn pairs(&self) -> &[(String, String)] {
        &self.0
    }

    /// The last value of the word: PHP lets it win over earlier ones.
    pub fn last(&self, word: &str) -> Option<&str> {
        self.0.iter().rev().find(|(name, _)| name == word).map(|(_, value)| value.as_str())
    }

    /// PHP reads `word[]=…` as a list, which no word of ours is.
    fn is_list(&self, word: &str) -> bool {
        self.0.iter().any(|(name, _)| name.strip_prefix(word).is_some_and(|rest| rest.starts_with('[')))
    }

    /// Contacts are asked for with their contact fields.
    pub fn wants_contact_fields(&self) -> bool {
        self.last("with").is_some_and(|with| with.split(',').any(|word| word.trim() == "contactfields"))
    }

    /// Which contacts are searched: all, when no `query` is asked.
    pub fn contact_search(&self) -> Result<ContactSearch, ApiError> {
        ContactSearch::parse(self.last("query").unwrap_or_default()).ok_or(ApiError::BadParameters)
    }

    /// How the query wants a list of calls sorted: the newest call first unless it says otherwise.
    pub fn call_order(&self) -> Result<CallOrder, ApiError> {
        self.order(CallOrder::CalledAt(Direction::Descending), |name| match name {
            "called_at" => Some(CallOrder::CalledAt),
            "created_at" => Some(CallOrder::CreatedAt),
            "updated_at" => Some(CallOrder::UpdatedAt),
            _ => None,
        })
    }

    /// How the query wants a list of contacts sorted: the oldest contact first unless it says otherwise.
    pub fn contact_order(&self) -> Result<ContactOrder, ApiError> {
        self.order(ContactOrder::CreatedAt(Direction::Ascending), |name| match name {
            "created_at" => Some(ContactOrder::CreatedAt),
            "updated_at" => Some(ContactOrder::UpdatedAt),
            _ => None,
        })
    }

    fn order<Order>(
        &self,
        default: Order,
        named: impl Fn(&str) -> Option<fn(Direction) -> Order>,
    ) -> Result<Order, ApiError> {
        if self.is_list("sort") {
            return Err(ApiError::BadSort);
        }
        let Some(sort) = self.last("sort") else { return Ok(default) };
        let (name, direction) = match sort.strip_prefix('-') {
            Some(name) => (name, Direction::Descending),
            None => (sort, Direction::Ascending),
        };
        named(name).map(|order| order(direction)).ok_or(ApiError::BadSort)
    }

    /// The page size that is asked for; none when it is left to the server.
    pub fn limit(&self) -> Result<Option<PageSize>, ApiError> {
        if self.is_list("limit") {
            return Err(ApiError::LimitTooBig);
        }
        let text = self.last("limit").unwrap_or_default().trim();
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

    /// The page that is asked for: page 1 for all that is not a whole number from 1 on.
    fn page(&self) -> u64 {
        let text = self.last("page").unwrap_or_default().trim();
        let digits = text.strip_prefix('+').unwrap_or(text);
        let plain = !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| digits.parse::<i64>().ok()).flatten().and_then(|page| u64::try_from(page).ok()).unwrap_or(1)
    }

    /// The whole request for a page.
    pub fn page_request<Order>(
        &self,
        order: Result<Order, ApiError>,
        default_size: PageSize,
    ) -> Result<PageRequest<Order>, ApiError> {
        // An invalid order is told before an invalid limit.
        let order = order?;
        Ok(PageRequest { number: self.page(), size: self.limit()?.unwrap_or(default_size), order })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limit(text: &str) -> Result<Option<u32>, u16> {
        Query::parse(text).limit().map(|size| size.map(PageSize::get)).map_err(|refusal| match refusal {
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
    fn all_that_is_no_page_is_page_1() {
        for (text, page) in
            [("2", 2), ("%202", 2), ("+2", 2), ("%2B2", 2), ("9223372036854775807", i64::MAX.unsigned_abs())]
        {
            assert_eq!(Query::parse(&format!("page={text}")).page(), page, "{text}");
        }
        for text in ["", "0", "-1", "abc", "1.5", "2abc", "02", "99999999999999999999", "1e1"] {
            assert_eq!(Query::parse(&format!("page={text}")).page(), 1, "{text}");
        }
        assert_eq!(Query::default().page(), 1);
    }

    #[test]
    fn a_list_is_sorted_by_three_names_with_or_without_a_minus() {
        let order = |text: &str| Query::parse(text).call_order().ok();
        assert_eq!(order(""), Some(CallOrder::CalledAt(Direction::Descending)));
        assert_eq!(order("sort=called_at"), Some(CallOrder::CalledAt(Direction::Ascending)));
        assert_eq!(order("sort=-created_at"), Some(CallOrder::CreatedAt(Direction::Descending)));
        assert_eq!(order("sort=updated_at"), Some(CallOrder::UpdatedAt(Direction::Ascending)));
        for text in ["", "bogus", "CALLED_AT", "--called_at", "called_at,-created_at", "completed_at", "%20called_at"] {
            assert_eq!(order(&format!("sort={text}")), None, "{text}");
        }
        assert_eq!(order("sort[]=called_at"), None);
        assert!(Query::parse("sort=called_at").contact_order().is_err());
        assert!(Query::parse("sort=-updated_at").contact_order().is_ok());
    }
}
