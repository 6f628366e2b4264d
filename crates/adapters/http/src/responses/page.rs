//! The JSON of a page: its items, the links to other pages, and the length of the list.

use std::borrow::Cow;
use std::fmt::Display;

use domain::{Call, CallSortKey, Contact, ContactSortKey, Cursor, Deletion, ItemKey, Page, PageRequest, PageStart};
use ports::inbound::CallPage;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
use utoipa::openapi::{Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::call::{CALL_BYTES, shared_contact};
use super::error::ApiResult;
use super::links::numbered;
use super::{
    CallResource, ContactFieldResource, ContactFieldTypeResource, ContactResource, DeletionResource, EmotionResource,
    GenderResource, ResponseContext, to_json,
};
use crate::requests::{ListHash, ListRequest, write_cursor};

/// A page of a list.
#[derive(Serialize)]
pub struct PageResponse<T, M = Meta> {
    data: Vec<T>,
    links: PageLinks,
    meta: M,
}

/// A page of calls.
pub type CallPageResponse<'a> = PageResponse<CallResource<'a>, CallMeta<'a>>;
/// A page of contacts.
pub type ContactPageResponse<'a> = PageResponse<ContactResource<'a>>;
/// A page of contact fields.
pub type ContactFieldPageResponse<'a> = PageResponse<ContactFieldResource<'a>>;
/// A page of deletions.
pub type DeletionPageResponse<'a> = PageResponse<DeletionResource<'a>>;
/// A page of emotions.
pub type EmotionPageResponse = PageResponse<EmotionResource>;
/// A page of genders.
pub type GenderPageResponse = PageResponse<GenderResource>;
/// A page of kinds of contact fields.
pub type ContactFieldTypePageResponse = PageResponse<ContactFieldTypeResource>;

// The derive would copy the schema of `T` instead of referring to it.
impl<T: ToSchema, M: ToSchema> PartialSchema for PageResponse<T, M> {
    fn schema() -> RefOr<Schema> {
        let data = ArrayBuilder::new().items(Ref::from_schema_name(T::name()));
        ObjectBuilder::new()
            .description(Some("A page of a list."))
            .property("data", data)
            .required("data")
            .property("links", Ref::from_schema_name(PageLinks::name()))
            .required("links")
            .property("meta", Ref::from_schema_name(M::name()))
            .required("meta")
            .into()
    }
}

impl<T: ToSchema, M: ToSchema> ToSchema for PageResponse<T, M> {
    fn name() -> Cow<'static, str> {
        format!("{}Page", T::name()).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        schemas.push((T::name().into(), T::schema()));
        T::schemas(schemas);
        schemas.push((PageLinks::name().into(), PageLinks::schema()));
        schemas.push((M::name().into(), M::schema()));
        M::schemas(schemas);
    }
}

/// Links to other pages, with all parameters of the request.
#[derive(Serialize, ToSchema)]
pub struct PageLinks {
    #[schema(example = "http://127.0.0.1:8080/api/calls?page=1")]
    first: String,
    /// Null on a page by cursor.
    #[schema(example = "http://127.0.0.1:8080/api/calls?page=3")]
    last: Option<String>,
    prev: Option<String>,
    next: Option<String>,
}

/// The position of a page in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = PageMeta)]
pub struct Meta {
    /// The number of the page; null on a page by cursor, as are `last_page`, `from` and `to`.
    #[schema(example = 1)]
    current_page: Option<u64>,
    /// The position of the page's first item in the list, counted from 1; null on a page without items.
    from: Option<u64>,
    #[schema(example = 3)]
    last_page: Option<u64>,
    links: Vec<MetaLink>,
    #[schema(example = "http://127.0.0.1:8080/api/calls")]
    path: String,
    #[schema(example = 10)]
    per_page: u32,
    /// The position of the page's last item in the list; null on a page without items.
    to: Option<u64>,
    /// The number of items on all pages, exact.
    total: u64,
    /// On a page by cursor, the cursor of the next page; null if there is none.
    next_cursor: Option<String>,
    /// On a page by cursor, the cursor of the previous page; null if there is none.
    prev_cursor: Option<String>,
}

/// The position of a page of calls in its list, and the number of the account's calls.
#[derive(Serialize, ToSchema)]
#[schema(as = CallPageMeta)]
pub struct CallMeta<'a> {
    #[serde(flatten)]
    meta: Meta,
    statistics: Statistics<'a>,
}

/// A button of a page bar: `❮ Previous`, a page's number, `...`, or `Next ❯`.
#[derive(Serialize, ToSchema)]
#[schema(as = PageButton)]
pub struct MetaLink {
    url: Option<String>,
    #[schema(example = "1", value_type = String)]
    label: Cow<'static, str>,
    active: bool,
}

/// The number of the account's calls by year, the newest year first. An empty list if there are none.
struct Statistics<'a>(&'a [(i32, u64)]);

impl Serialize for Statistics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            // PHP does not distinguish an empty map from an empty list, so v4.1.2 sends a list.
            return serializer.collect_seq([(); 0]);
        }
        serializer.collect_map(self.0.iter().map(|(year, calls)| (format!("{year:04}"), calls)))
    }
}

impl PartialSchema for Statistics<'_> {
    fn schema() -> RefOr<Schema> {
        let calls = ObjectBuilder::new().schema_type(Type::Integer);
        let by_year = ObjectBuilder::new().additional_properties(Some(calls));
        OneOfBuilder::new()
            .description(Some(
                "The number of the account's calls by year, the newest year first. An empty list if there are none.",
            ))
            .item(by_year)
            .item(ArrayBuilder::new().items(ObjectBuilder::new()).max_items(Some(0)))
            .into()
    }
}

impl ToSchema for Statistics<'_> {
    fn name() -> Cow<'static, str> {
        "CallStatistics".into()
    }
}

/// Builds one page of a list. Its links have all parameters of the request.
pub struct PageBuilder<'a> {
    context: &'a ResponseContext,
    /// The URL of the list, without parameters.
    path: String,
    /// The URL of a page, without its number or cursor at the end.
    stem: String,
    page: PageRequest,
    hash: ListHash,
}

/// The neighbours of a page by cursor.
#[derive(Default)]
struct Neighbours {
    prev: Option<String>,
    next: Option<String>,
}

/// The expected size of a page without items in JSON, in bytes.
const PAGE_BYTES: usize = 4_096;

impl<'a> PageBuilder<'a> {
    /// Builds a page of the requested list.
    pub fn new(request: &ListRequest<'_>, context: &'a ResponseContext, page: PageRequest) -> Self {
        let path = context.links.to(request.path);
        let place = if page.number().is_some() { "page" } else { "cursor" };
        let mut parameters = form_urlencoded::Serializer::for_suffix(format!("{path}?"), path.len() + 1);
        let is_kept = |name: &str| name != "page" && name != "cursor";
        parameters.extend_pairs(form_urlencoded::parse(request.query.as_bytes()).filter(|(name, _)| is_kept(name)));
        let stem = parameters.append_pair(place, "").finish();
        Self { context, path, stem, page, hash: request.hash() }
    }

    /// Returns a page of calls, which are sorted by the key, as JSON.
    pub fn calls_as_json(&self, page: &CallPage, key: CallSortKey) -> ApiResult<Vec<u8>> {
        let contact = shared_contact(&page.page.items, self.context)?;
        to_json(&self.calls(page, key, contact.as_deref()), Self::expected_bytes(page))
    }

    /// Returns the expected size of a page of calls in JSON, in bytes.
    pub fn expected_bytes(page: &CallPage) -> usize {
        let content = |call: &Call| call.details.content.as_ref().map_or(0, |content| content.as_str().len());
        PAGE_BYTES + page.page.items.iter().map(|call| CALL_BYTES + content(call)).sum::<usize>()
    }

    fn calls<'p>(&self, page: &'p CallPage, key: CallSortKey, contact: Option<&'p RawValue>) -> CallPageResponse<'p> {
        let neighbours = self.neighbours(&page.page, |call| key.of(call));
        let links = self.page_links(&page.page, &neighbours);
        let meta = CallMeta { meta: self.meta(&page.page, neighbours), statistics: Statistics(&page.calls_per_year) };
        let data = page.page.items.iter().map(|call| CallResource::new(call, contact, self.context)).collect();
        CallPageResponse { data, links, meta }
    }

    /// Returns a page of contacts, which are sorted by the key, with their contact fields if `with_fields`.
    pub fn contacts<'p>(
        &self,
        page: &'p Page<Contact>,
        key: ContactSortKey,
        with_fields: bool,
    ) -> ContactPageResponse<'p> {
        let data = page.items.iter().map(|contact| ContactResource::new(contact, with_fields, self.context)).collect();
        self.page(data, page, |contact| key.of(contact))
    }

    /// Returns a page of deletions.
    pub fn deletions<'p>(&self, page: &'p Page<Deletion>) -> DeletionPageResponse<'p> {
        let data = page.items.iter().map(DeletionResource::from).collect();
        self.page(data, page, |deletion| ItemKey { value: deletion.deleted_at, id: deletion.number })
    }

    /// Returns the page of a list, given all its items.
    pub fn slice<T>(&self, items: impl Iterator<Item = T>) -> PageResponse<T> {
        let items: Vec<T> = items.collect();
        let total = items.len() as u64;
        let before = self.page.offset().and_then(|offset| usize::try_from(offset).ok()).unwrap_or(usize::MAX);
        let items = items.into_iter().skip(before);
        let page = Page::new(items.take(self.page.size.get() as usize).collect(), total);
        let links = self.page_links(&page, &Neighbours::default());
        PageResponse { links, meta: self.meta(&page, Neighbours::default()), data: page.items }
    }

    fn page<T, R>(&self, data: Vec<R>, page: &Page<T>, key: impl Fn(&T) -> ItemKey) -> PageResponse<R> {
        let neighbours = self.neighbours(page, key);
        PageResponse { data, links: self.page_links(page, &neighbours), meta: self.meta(page, neighbours) }
    }

    /// Returns the cursors of the pages before and after a page by cursor.
    fn neighbours<T>(&self, page: &Page<T>, key: impl Fn(&T) -> ItemKey) -> Neighbours {
        let PageStart::Cursor(cursor) = self.page.start else { return Neighbours::default() };
        let (has_prev, has_next) = match cursor {
            Cursor::First => (false, page.has_more),
            Cursor::After(_) => (true, page.has_more),
            Cursor::Before(_) => (page.has_more, true),
        };
        let text = |cursor| write_cursor(cursor, self.hash);
        let prev = page.items.first().filter(|_| has_prev).map(|first| text(Cursor::Before(key(first))));
        let next = page.items.last().filter(|_| has_next).map(|last| text(Cursor::After(key(last))));
        Neighbours { prev, next }
    }

    fn url(&self, place: impl Display) -> String {
        numbered([&self.stem], place)
    }

    /// Returns the number of the page before a numbered page.
    fn previous(&self) -> Option<u64> {
        self.page.number().filter(|number| *number > 1).map(|number| number - 1)
    }

    /// Returns the number of the page after a numbered page.
    fn next(&self, last: u64) -> Option<u64> {
        self.page.number().filter(|number| *number < last).map(|number| number + 1)
    }

    fn page_links<T>(&self, page: &Page<T>, neighbours: &Neighbours) -> PageLinks {
        if self.page.number().is_none() {
            let url = |cursor: &Option<String>| cursor.as_ref().map(|cursor| self.url(cursor));
            let (prev, next) = (url(&neighbours.prev), url(&neighbours.next));
            return PageLinks { first: self.url(""), last: None, prev, next };
        }
        let last = page.last_number(self.page.size);
        PageLinks {
            first: self.url(1),
            last: Some(self.url(last)),
            prev: self.previous().map(|number| self.url(number)),
            next: self.next(last).map(|number| self.url(number)),
        }
    }

    fn meta<T>(&self, page: &Page<T>, neighbours: Neighbours) -> Meta {
        let size = u64::from(self.page.size.get());
        let items = page.items.len() as u64;
        let number = self.page.number();
        let before = number.filter(|_| items > 0).map(|number| number.saturating_sub(1).saturating_mul(size));
        let last = page.last_number(self.page.size);
        Meta {
            current_page: number,
            from: before.map(|before| before + 1),
            last_page: number.map(|_| last),
            links: number.map(|number| self.buttons(number, last)).unwrap_or_default(),
            path: self.path.clone(),
            per_page: self.page.size.get(),
            to: before.map(|before| before + items),
            total: page.total,
            next_cursor: neighbours.next,
            prev_cursor: neighbours.prev,
        }
    }

    fn buttons(&self, current: u64, last: u64) -> Vec<MetaLink> {
        let button = |number: Option<u64>, label: Cow<'static, str>, active| MetaLink {
            url: number.map(|number| self.url(number)),
            label,
            active,
        };
        let pages = window(current, last).into_iter().map(|number| match number {
            Some(number) => button(Some(number), number.to_string().into(), number == current),
            None => button(None, "...".into(), false),
        });
        let mut buttons = vec![button(self.previous(), "❮ Previous".into(), false)];
        buttons.extend(pages);
        buttons.push(button(self.next(last), "Next ❯".into(), false));
        buttons
    }
}

/// Returns the numbers in Laravel's page bar, with `None` for a gap: all numbers up to 13 pages, else three on each side
/// of the current one and two at both ends.
fn window(current: u64, last: u64) -> Vec<Option<u64>> {
    const SIDE: u64 = 3;
    const NEAR: u64 = SIDE + 4;
    let pages = |from: u64, to: u64| (from..=to).map(Some);
    let gap = || std::iter::once(None);
    if last < SIDE * 2 + 8 {
        pages(1, last).collect()
    } else if current <= NEAR {
        pages(1, NEAR + SIDE).chain(gap()).chain(pages(last - 1, last)).collect()
    } else if current > last - NEAR {
        pages(1, 2).chain(gap()).chain(pages(last - (NEAR + SIDE - 1), last)).collect()
    } else {
        let middle = pages(current - SIDE, current + SIDE);
        pages(1, 2).chain(gap()).chain(middle).chain(gap()).chain(pages(last - 1, last)).collect()
    }
}

#[cfg(test)]
mod tests {
    use domain::{PageSize, Timestamp};
    use serde_json::{Value, json};

    use super::super::Links;
    use super::*;
    use crate::Compat;

    fn page_of(query: &str, total: u64) -> Value {
        let default_size = PageSize::new(10).unwrap();
        let request = ListRequest { path: "/api/calls", query, default_size, now: Timestamp::EPOCH };
        let context = ResponseContext { links: Links::under("https://app.monicahq.com"), compat: Compat::Documented };
        let builder = PageBuilder::new(&request, &context, request.calls(None).unwrap().page);
        let page = CallPage { page: Page::new(vec![], total), calls_per_year: vec![] };
        serde_json::to_value(builder.calls(&page, CallSortKey::CalledAt, None)).unwrap()
    }

    fn labels(current: u64, last: u64) -> String {
        let label = |number: Option<u64>| number.map_or("...".to_owned(), |number| number.to_string());
        window(current, last).into_iter().map(label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn links_without_parameters_are_those_of_the_document() {
        let page = page_of("", 4);
        let first = "https://app.monicahq.com/api/calls?page=1";
        assert_eq!(page["links"], json!({"first": first, "last": first, "prev": null, "next": null}));
        assert_eq!(page["meta"]["path"], "https://app.monicahq.com/api/calls");
        assert_eq!(page["meta"]["statistics"], json!([]));
    }

    #[test]
    fn links_have_all_parameters() {
        let page = page_of("limit=2&page=3&sort=-called_at&note=a%26b%20c", 9);
        let url = |n| format!("https://app.monicahq.com/api/calls?limit=2&sort=-called_at&note=a%26b+c&page={n}");
        let links = json!({"first": url(1), "last": url(5), "prev": url(2), "next": url(4)});
        assert_eq!(page["links"], links);
        assert_eq!(page["meta"]["links"][0], json!({"url": url(2), "label": "❮ Previous", "active": false}));
        assert_eq!(page["meta"]["links"][3], json!({"url": url(3), "label": "3", "active": true}));
    }

    #[test]
    fn a_page_beyond_the_end_is_empty() {
        let page = page_of("page=7", 4);
        let meta = &page["meta"];
        assert_eq!((&meta["from"], &meta["to"], &meta["current_page"]), (&Value::Null, &Value::Null, &json!(7)));
        assert_eq!(page["links"]["next"], Value::Null);
        assert_eq!(page["links"]["prev"], "https://app.monicahq.com/api/calls?page=6");
        assert_eq!(page_of("page=9223372036854775807", 4)["data"], json!([]));
    }

    #[test]
    fn buttons_are_those_of_laravel() {
        assert_eq!(labels(1, 1), "1");
        assert_eq!(labels(9, 13), "1 2 3 4 5 6 7 8 9 10 11 12 13");
        assert_eq!(labels(1, 14), "1 2 3 4 5 6 7 8 9 10 ... 13 14");
        assert_eq!(labels(7, 20), "1 2 3 4 5 6 7 8 9 10 ... 19 20");
        assert_eq!(labels(8, 20), "1 2 ... 5 6 7 8 9 10 11 ... 19 20");
        assert_eq!(labels(13, 20), "1 2 ... 10 11 12 13 14 15 16 ... 19 20");
        assert_eq!(labels(14, 20), "1 2 ... 11 12 13 14 15 16 17 18 19 20");
        assert_eq!(labels(99, 20), "1 2 ... 11 12 13 14 15 16 17 18 19 20");
    }

    #[test]
    fn years_have_four_digits_and_the_newest_is_first() {
        let statistics = Statistics(&[(2019, 2), (999, 1)]);
        assert_eq!(serde_json::to_string(&statistics).unwrap(), r#"{"2019":2,"0999":1}"#);
    }
}
