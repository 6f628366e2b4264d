//! Query strings of lists: page, sort and filters, parsed as Monica v4.1.2 does.

use domain::{
    CallFilters, CallQuery, CallSearch, CallSortKey, ContactId, ContactQuery, ContactSearch, ContactSortKey,
    DeletionQuery, Direction, DueFilter, Name, PageRequest, PageSize, PageStart, PhoneNumber, PhoneSearch, Sort,
    Timestamp,
};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use utoipa::IntoParams;

use super::cursor::{ListHash, parse_cursor};
use super::deserializer::{RequestDeserializer, member_names};
use crate::openapi::texts;
use crate::responses::error::{ApiError, ApiResult};

/// The page size of any list.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LimitParams {
    /// The page size, 1 to 100. 10 if it is absent or 0.
    #[param(value_type = i64, required = false, minimum = 0, maximum = 100, default = 10)]
    limit: Param,
}

/// The number of a page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct PageParams {
    /// The page to return, counted from 1.
    #[param(value_type = i64, required = false, minimum = 1, default = 1)]
    page: Param,
}

/// The place of a page by cursor.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CursorParams {
    /// Empty for the first page by cursor, or `meta.next_cursor` or `meta.prev_cursor` of another page with the same
    /// filters and sort. Items that are inserted or deleted meanwhile make no other item appear twice or be skipped.
    /// Excludes `page`.
    #[param(value_type = String, required = false, allow_reserved)]
    cursor: Param,
}

/// Filters and sort of a list of calls.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CallListParams {
    /// Words, or beginnings of words, that the content has, ignoring case and accents, such as `wedding zoe`. At most 255
    /// characters and 32 words.
    #[param(value_type = String, required = false)]
    query: Param,
    /// Calls that happened at this time or later: any text that `called_at` accepts, such as `2018-02-02` or `-30 days`.
    #[param(value_type = String, required = false)]
    called_after: Param,
    /// Calls that happened before this time, such as `first day of this month`.
    #[param(value_type = String, required = false)]
    called_before: Param,
    /// Calls that were recorded or changed at this time or later, such as `2018-02-02T10:00:00Z`.
    #[param(value_type = String, required = false)]
    updated_since: Param,
    /// Whether the contact called.
    #[param(value_type = bool, required = false)]
    contact_called: Param,
    /// Whether the call was answered.
    #[param(value_type = bool, required = false)]
    answered: Param,
    /// Calls with the same phone number, with or without spaces, punctuation, country code and trunk prefix, such as
    /// `+41 31 000 00 00` or `0310000000`. A number of fewer than 7 digits is found only as it is.
    #[param(value_type = String, required = false)]
    phone_number: Param,
    /// The call with exactly this external id.
    #[param(value_type = String, required = false)]
    external_id: Param,
    /// `created_at`, `updated_at` or `called_at`, with a leading `-` in descending order.
    #[param(inline, value_type = CallSort, required = false)]
    sort: Param,
}

/// A filter of the list of all calls.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactFilterParams {
    /// Calls with this contact, or with one of several: ids, separated by commas, such as `1,2`.
    #[param(value_type = String, required = false)]
    contact_id: Param,
}

/// Filters and sort of a list of contacts.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ContactListParams {
    /// Words, or beginnings of words, that all occur in names, nickname, description, job, company or contact fields,
    /// ignoring case and accents; a part of a phone number with any spacing; or `field:value`, such as `email:leslie` or
    /// `phone:+1 555 0100`, which finds the same numbers as `phone`. At most 255 characters and 32 words.
    #[param(value_type = String, required = false, example = "leslie")]
    query: Param,
    /// Contacts with the same phone number, with or without spaces, punctuation, country code and trunk prefix, such as
    /// `+41 31 000 00 00` or `0310000000`. A number of fewer than 7 digits is found only as it is.
    #[param(value_type = String, required = false)]
    phone: Param,
    /// `true`: contacts whose `stay_in_touch_trigger_date` has come, the longest overdue first, unless there is a `sort`.
    /// `false`: all others.
    #[param(value_type = bool, required = false)]
    due: Param,
    /// `created_at`, `updated_at` or `stay_in_touch_trigger_date`, with a leading `-` in descending order. Contacts without
    /// a date are last in both directions.
    #[param(inline, value_type = ContactSort, required = false)]
    sort: Param,
}

/// The filter of the list of deletions.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct DeletionListParams {
    /// What was deleted at this time or later: any text that `called_at` accepts, at most 180 days ago.
    #[param(value_type = String, example = "-1 day")]
    since: Param,
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
texts!(
    ContactSort: "created_at" A, "-created_at" B, "updated_at" C, "-updated_at" D,
    "stay_in_touch_trigger_date" E, "-stay_in_touch_trigger_date" F
);
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

/// A request for a list.
#[derive(Clone, Copy, Debug)]
pub struct ListRequest<'a> {
    /// The path of the list.
    pub path: &'a str,
    /// The query string.
    pub query: &'a str,
    /// The page size of a request that names none.
    pub default_size: PageSize,
    /// The time to which dates are relative.
    pub now: Timestamp,
}

impl ListRequest<'_> {
    /// Parses the number of the page and its size.
    pub fn numbered_page(&self) -> ApiResult<PageRequest> {
        let size = params::<LimitParams>(self.query)?.size()?.unwrap_or(self.default_size);
        Ok(PageRequest::numbered(params::<PageParams>(self.query)?.number(), size))
    }

    /// Parses the page, by number or by cursor.
    fn page(&self) -> ApiResult<PageRequest> {
        let page = self.numbered_page()?;
        let CursorParams { cursor } = params(self.query)?;
        if let Param::Absent = cursor {
            return Ok(page);
        }
        let PageParams { page: number } = params(self.query)?;
        let start = match cursor {
            Param::Text(text) if number.text().is_empty() => parse_cursor(&text, self.hash()),
            _ => None,
        };
        let start = start.ok_or(ApiError::BadParameter("cursor"))?;
        Ok(PageRequest { start: PageStart::Cursor(start), ..page })
    }

    /// Returns the hash that the list's cursors have.
    pub fn hash(&self) -> ListHash {
        let pairs: Vec<_> = form_urlencoded::parse(self.query.as_bytes()).collect();
        let is_of_list = |name: &str| {
            let members = [
                member_names::<CallListParams>(),
                member_names::<ContactFilterParams>(),
                member_names::<ContactListParams>(),
                member_names::<DeletionListParams>(),
            ];
            members.concat().contains(&name)
        };
        ListHash::new(
            self.path,
            pairs.iter().map(|(name, value)| (&**name, &**value)).filter(|(name, _)| is_of_list(name)),
        )
    }

    /// Parses a request for a page of calls, of one contact only if there is one. An invalid sort is reported first.
    pub fn calls(&self, contact: Option<ContactId>) -> ApiResult<CallQuery> {
        let params: CallListParams = params(self.query)?;
        let keys = [
            ("called_at", CallSortKey::CalledAt),
            ("created_at", CallSortKey::CreatedAt),
            ("updated_at", CallSortKey::UpdatedAt),
        ];
        let sort = parse_sort(&params.sort, &keys)?;
        let default = CallQuery::newest_first(self.page()?);
        let filters = self.call_filters(&params, contact.is_none())?;
        Ok(CallQuery { contact, filters, sort: sort.unwrap_or(default.sort), ..default })
    }

    fn call_filters(&self, params: &CallListParams, has_contacts: bool) -> ApiResult<CallFilters> {
        let ContactFilterParams { contact_id } = self::params(self.query)?;
        let contacts = if has_contacts { contact_id.filter("contact_id", parse_contacts)? } else { None };
        let time = |param: &Param, name| param.filter(name, |text| Timestamp::parse(text, self.now));
        Ok(CallFilters {
            search: params.query.filter("query", CallSearch::parse)?.unwrap_or_default(),
            contacts,
            called_after: time(&params.called_after, "called_after")?,
            called_before: time(&params.called_before, "called_before")?,
            updated_since: time(&params.updated_since, "updated_since")?,
            contact_called: params.contact_called.filter("contact_called", parse_boolean)?,
            answered: params.answered.filter("answered", parse_boolean)?,
            phone_number: params.phone_number.filter("phone_number", parse_number)?,
            external_id: params.external_id.filter("external_id", |text| Name::parse(text).ok())?,
        })
    }

    /// Parses a request for a page of contacts. An invalid sort is reported first.
    pub fn contacts(&self) -> ApiResult<ContactQuery> {
        let params: ContactListParams = params(self.query)?;
        let keys = [
            ("created_at", ContactSortKey::CreatedAt),
            ("updated_at", ContactSortKey::UpdatedAt),
            ("stay_in_touch_trigger_date", ContactSortKey::StayInTouchTriggerDate),
        ];
        let sort = parse_sort(&params.sort, &keys)?;
        let page = self.page()?;
        let search = ContactSearch::parse(params.query.text()).ok_or(ApiError::BadParameters)?;
        let phone = params.phone.filter("phone", parse_number)?;
        let due = params.due.filter("due", parse_boolean)?;
        let default = match due {
            Some(true) => ContactQuery::longest_overdue_first(self.now, page),
            Some(false) | None => ContactQuery::oldest_first(page),
        };
        let due = due.map(|is_due| DueFilter { is_due, now: self.now });
        Ok(ContactQuery { search, phone, due, sort: sort.unwrap_or(default.sort), page })
    }

    /// Parses a request for a page of deletions, which is always by cursor.
    pub fn deletions(&self) -> ApiResult<DeletionQuery> {
        let DeletionListParams { since } = params(self.query)?;
        let since = since.filter("since", |text| Timestamp::parse(text, self.now))?;
        let page = self.page()?;
        let cursor = match page.start {
            PageStart::Cursor(cursor) => cursor,
            PageStart::Number(_) => domain::Cursor::First,
        };
        Ok(DeletionQuery { since: since.ok_or(ApiError::BadParameter("since"))?, cursor, size: page.size })
    }
}

impl Param {
    /// Parses the text of a filter, named for the error. `None` if it is absent or blank.
    fn filter<T>(&self, name: &'static str, parse: impl FnOnce(&str) -> Option<T>) -> ApiResult<Option<T>> {
        match self {
            Self::Absent => Ok(None),
            Self::Text(text) if domain::trim(text).is_empty() => Ok(None),
            Self::Text(text) => parse(domain::trim(text)).map(Some).ok_or(ApiError::BadParameter(name)),
            Self::List(_) => Err(ApiError::BadParameter(name)),
        }
    }
}

/// Parses ids, separated by commas. Ids that no contact can have are left out.
fn parse_contacts(text: &str) -> Option<Vec<ContactId>> {
    let ids: Option<Vec<i64>> = text.split(',').map(|id| id.trim().parse().ok()).collect();
    Some(ids?.into_iter().filter_map(ContactId::new).collect())
}

fn parse_number(text: &str) -> Option<PhoneSearch> {
    PhoneNumber::parse(text).ok().map(PhoneSearch::new)
}

fn parse_boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
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

impl LimitParams {
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
}

impl PageParams {
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
        let size = params::<LimitParams>(text).and_then(|params| params.size());
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

    fn request(query: &str) -> ListRequest<'_> {
        let now = Timestamp::from_unix(1_709_202_030).unwrap();
        ListRequest { path: "/api/calls", query, default_size: PageSize::SMALLEST, now }
    }

    #[test]
    fn sorts_calls_by_three_keys_in_both_directions() {
        let sort = |text: &str| request(text).calls(None).ok().map(|query| (query.sort.key, query.sort.direction));
        assert_eq!(sort(""), Some((CallSortKey::CalledAt, Direction::Descending)));
        assert_eq!(sort("sort=called_at"), Some((CallSortKey::CalledAt, Direction::Ascending)));
        assert_eq!(sort("sort=-created_at"), Some((CallSortKey::CreatedAt, Direction::Descending)));
        assert_eq!(sort("sort=updated_at"), Some((CallSortKey::UpdatedAt, Direction::Ascending)));
        for text in ["", "bogus", "CALLED_AT", "--called_at", "called_at,-created_at", "completed_at", "%20called_at"] {
            assert_eq!(sort(&format!("sort={text}")), None, "{text}");
        }
        assert_eq!(sort("sort[]=called_at"), None);
        assert!(request("sort=called_at").contacts().is_err());
        assert!(request("sort=-updated_at").contacts().is_ok());
    }

    fn filters(text: &str) -> Result<CallFilters, String> {
        request(text).calls(None).map(|query| query.filters).map_err(|error| error.to_string())
    }

    #[test]
    fn parses_filters_and_ignores_empty_ones() {
        let empty =
            "query=&contact_id=%20&called_after=&called_before=&updated_since=&contact_called=&answered=&external_id=";
        assert_eq!(filters(empty), Ok(CallFilters::default()));
        let all = "query=Zo%C3%AB+caf&contact_id=3,%204,0&called_after=2018-02-02&called_before=2018-03-01&updated_since=-1+day\
                   &contact_called=true&answered=0&phone_number=%2B41+31+000+00+00+&external_id=%20pbx-1%20";
        let now = request("").now;
        let expected = CallFilters {
            search: CallSearch::Words(vec!["caf".to_owned(), "zoe".to_owned()]),
            contacts: Some([3, 4].into_iter().filter_map(ContactId::new).collect()),
            called_after: Timestamp::parse("2018-02-02", now),
            called_before: Timestamp::parse("2018-03-01", now),
            updated_since: Timestamp::from_unix(now.unix() - 86_400),
            contact_called: Some(true),
            answered: Some(false),
            phone_number: parse_number("+41 31 000 00 00"),
            external_id: Name::parse("pbx-1").ok(),
        };
        assert_eq!(filters(all), Ok(expected));
        assert_eq!(filters("query=%22*-").unwrap().search, CallSearch::Nothing);
        let of_contact = request("contact_id=x").calls(ContactId::new(3)).unwrap();
        assert_eq!(of_contact.filters, CallFilters::default(), "the path has the contact");
    }

    #[test]
    fn an_error_names_the_filter_that_cannot_be_read() {
        let long = format!("query={}", "x".repeat(256));
        for (text, name) in [
            ("contact_id=x", "contact_id"),
            ("contact_id=1,,2", "contact_id"),
            ("called_after=soonish", "called_after"),
            ("called_before=soonish", "called_before"),
            ("updated_since=1520587800", "updated_since"),
            ("contact_called=yes", "contact_called"),
            ("answered=2", "answered"),
            (&format!("phone_number={}", "1".repeat(65)), "phone_number"),
            ("phone_number=1%00", "phone_number"),
            ("phone_number[]=1", "phone_number"),
            ("external_id[]=a", "external_id"),
            (&long, "query"),
            ("cursor=abc", "cursor"),
            ("cursor=&page=1", "cursor"),
            ("cursor[]=", "cursor"),
        ] {
            assert_eq!(filters(text), Err(format!("Invalid parameters: {name}.")), "{text}");
        }
    }

    #[test]
    fn finds_contacts_by_phone_number() {
        let phone = |query: &str| request(query).contacts().map(|query| query.phone);
        assert_eq!(phone("phone=+031+000+00+00").unwrap(), parse_number("031 000 00 00"));
        assert_eq!((phone("phone=+").unwrap(), phone("").unwrap()), (None, None));
        for query in [&*format!("phone={}", "1".repeat(65)), "phone[]=1", "phone=1%00"] {
            assert_eq!(phone(query).unwrap_err().to_string(), "Invalid parameters: phone.", "{query}");
        }
    }

    #[test]
    fn a_cursor_is_bound_to_filters_and_sort_but_not_to_the_page_size() {
        let key = domain::ItemKey { value: Timestamp::EPOCH, id: 1 };
        let text = super::super::cursor::write_cursor(domain::Cursor::After(key), request("answered=1").hash());
        let start =
            |query: &str| request(&format!("{query}&cursor={text}")).calls(None).map(|query| query.page.start).ok();
        let expected = Some(PageStart::Cursor(domain::Cursor::After(key)));
        assert_eq!(start("answered=1"), expected);
        assert_eq!(start("limit=5&page=&answered=1&query=&other=1"), expected);
        assert_eq!(start("answered=0"), None);
        assert_eq!(start("answered=1&sort=called_at"), None);
        assert_eq!(start("answered=1&contact_id=3"), None);
        assert_eq!(start("answered=1&phone_number=3"), None);
    }

    #[test]
    fn parses_which_contacts_are_due() {
        let query = |text: &str| request(text).contacts().map_err(|error| error.to_string());
        let now = request("").now;
        for text in ["due=true", "due=1", "due=%20true"] {
            let query = query(text).unwrap();
            assert_eq!(query, ContactQuery::longest_overdue_first(now, query.page), "{text}");
        }
        for text in ["due=false", "due=0"] {
            let query = query(text).unwrap();
            let due = Some(DueFilter { is_due: false, now });
            assert_eq!(query, ContactQuery { due, ..ContactQuery::oldest_first(query.page) }, "{text}");
        }
        for text in ["", "due=", "due=%20"] {
            assert_eq!(query(text).unwrap().due, None, "{text}");
        }
        for text in ["due=yes", "due=2", "due=TRUE", "due[]=1", "due=null"] {
            assert_eq!(query(text).unwrap_err(), "Invalid parameters: due.", "{text}");
        }
        let sorted = |text: &str| query(text).unwrap().sort;
        let by_date = |direction| Sort { key: ContactSortKey::StayInTouchTriggerDate, direction };
        assert_eq!(sorted("due=1&sort=-stay_in_touch_trigger_date"), by_date(Direction::Descending));
        assert_eq!(sorted("sort=stay_in_touch_trigger_date"), by_date(Direction::Ascending));
        assert_eq!(sorted("due=1&sort=updated_at").key, ContactSortKey::UpdatedAt);
        assert!(query("due=yes&sort=last_called").unwrap_err().contains("sorting"));
    }

    #[test]
    fn deletions_need_a_time() {
        let query = |text: &str| request(text).deletions().map_err(|error| error.to_string());
        assert_eq!(query("since=2024-01-01&limit=7").unwrap().size.get(), 7);
        for text in ["", "since=", "since=soonish"] {
            assert_eq!(query(text).unwrap_err(), "Invalid parameters: since.", "{text}");
        }
    }
}
