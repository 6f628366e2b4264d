//! The envelope of a list: its items, the links to its other pages, and how long it is.

use std::borrow::Cow;

use domain::{Contact, Page, PageSize};
use ports::inbound::CallPage;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::links::{Links, numbered};
use crate::query::Query;
use crate::resources::{
    CALL_BYTES, CallResource, ContactFieldTypeResource, ContactResource, EmotionResource, GenderResource,
    contact_of_all, to_json,
};
use crate::responses::error::ApiError;

/// A page of calls.
#[derive(Serialize, ToSchema)]
#[schema(as = CallPage)]
pub struct CallPageBody<'a> {
    data: Vec<CallResource<'a>>,
    links: PageLinks,
    meta: CallMeta<'a>,
}

/// A page of contacts.
#[derive(Serialize, ToSchema)]
#[schema(as = ContactPage)]
pub struct ContactPageBody<'a> {
    data: Vec<ContactResource<'a>>,
    links: PageLinks,
    meta: Meta,
}

/// A page of a list that is short and always the same; each such list names its own schema.
#[derive(Serialize)]
pub struct ListBody<T> {
    data: Vec<T>,
    links: PageLinks,
    meta: Meta,
}

/// A page of genders.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derive only")]
pub struct GenderPage {
    data: Vec<GenderResource>,
    links: PageLinks,
    meta: Meta,
}

/// A page of kinds of contact fields.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derive only")]
pub struct ContactFieldTypePage {
    data: Vec<ContactFieldTypeResource>,
    links: PageLinks,
    meta: Meta,
}

/// A page of emotions.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read by the derive only")]
pub struct EmotionPage {
    data: Vec<EmotionResource>,
    links: PageLinks,
    meta: Meta,
}

/// Links to other pages; they carry every query word of the request.
#[derive(Serialize, ToSchema)]
struct PageLinks {
    #[schema(example = "http://127.0.0.1:8080/api/calls?page=1")]
    first: String,
    #[schema(example = "http://127.0.0.1:8080/api/calls?page=3")]
    last: String,
    prev: Option<String>,
    next: Option<String>,
}

/// Where a page stands in its list.
#[derive(Serialize, ToSchema)]
#[schema(as = PageMeta)]
struct Meta {
    #[schema(example = 1)]
    current_page: u64,
    /// The place of the first item of this page in the list, counted from 1; null on a page without items.
    from: Option<u64>,
    #[schema(example = 3)]
    last_page: u64,
    links: Vec<MetaLink>,
    #[schema(example = "http://127.0.0.1:8080/api/calls")]
    path: String,
    #[schema(example = 10)]
    per_page: u32,
    /// The place of the last item of this page in the list; null on a page without items.
    to: Option<u64>,
    /// The number of items on all pages, exact.
    total: u64,
}

/// Where a page of calls stands in its list, and how many calls the account has.
#[derive(Serialize, ToSchema)]
#[schema(as = CallPageMeta)]
struct CallMeta<'a> {
    #[serde(flatten)]
    meta: Meta,
    statistics: Statistics<'a>,
}

/// One button of a page bar: `❮ Previous`, a page's number, `...`, or `Next ❯`.
#[derive(Serialize, ToSchema)]
#[schema(as = PageButton)]
struct MetaLink {
    url: Option<String>,
    #[schema(example = "1", value_type = String)]
    label: Cow<'static, str>,
    active: bool,
}

/// Year → number of the account's calls in it, newest year first; an empty list when there are none.
struct Statistics<'a>(&'a [(i32, u64)]);

impl Serialize for Statistics<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_empty() {
            // PHP cannot tell an empty map from an empty list, and clients of v4.1.2 have seen the list.
            return serializer.collect_seq([(); 0]);
        }
        serializer.collect_map(self.0.iter().map(|(year, calls)| (format!("{year:04}"), calls)))
    }
}

impl utoipa::PartialSchema for Statistics<'_> {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::Schema> {
        use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, OneOfBuilder, Type};
        let calls = ObjectBuilder::new().schema_type(Type::Integer);
        let by_year = ObjectBuilder::new().additional_properties(Some(calls));
        OneOfBuilder::new()
            .description(Some(
                "Year → number of the account's calls in it, newest year first; an empty list when there are none.",
            ))
            .item(by_year)
            .item(ArrayBuilder::new().items(ObjectBuilder::new()).max_items(Some(0)))
            .into()
    }
}

impl ToSchema for Statistics<'_> {
    fn name() -> std::borrow::Cow<'static, str> {
        "CallStatistics".into()
    }
}

/// Which list, which page of it: what all its links are made of.
pub struct Place<'a> {
    query: &'a Query,
    links: &'a Links,
    /// The list, without query words.
    path: String,
    /// The link to a page, but for its number.
    stem: String,
    number: u64,
    size: PageSize,
}

/// What a page without calls takes.
const PAGE_BYTES: usize = 4_096;

impl<'a> Place<'a> {
    /// The page with this number, counted from 1, of the list at this path, which begins with a slash.
    pub fn new(path: &str, query: &'a Query, links: &'a Links, number: u64, size: PageSize) -> Self {
        let path = links.to(path);
        let mut words = form_urlencoded::Serializer::for_suffix(format!("{path}?"), path.len() + 1);
        words.extend_pairs(query.pairs().iter().filter(|(name, _)| name != "page"));
        let stem = words.append_pair("page", "").finish();
        Self { query, links, path, stem, number, size }
    }

    /// The page of calls as JSON.
    pub fn calls_as_json(&self, page: &CallPage) -> Result<Vec<u8>, ApiError> {
        let contact = contact_of_all(&page.page.items, self.links)?;
        to_json(&self.calls(page, contact.as_deref()), PAGE_BYTES + page.page.items.len() * CALL_BYTES)
    }

    fn calls<'p>(&self, page: &'p CallPage, contact: Option<&'p RawValue>) -> CallPageBody<'p> {
        let meta = CallMeta { meta: self.meta(&page.page), statistics: Statistics(&page.years) };
        let links = self.page_links(&page.page);
        let show = |call| CallResource::new(call, contact, self.links);
        CallPageBody { links, meta, data: page.page.items.iter().map(show).collect() }
    }

    /// The page of contacts as it is shown.
    pub fn contacts<'p>(&self, page: &'p Page<Contact>) -> ContactPageBody<'p> {
        let (meta, links) = (self.meta(page), self.page_links(page));
        let with_fields = self.query.wants_contact_fields();
        let show = |contact| ContactResource::new(contact, with_fields, self.links);
        ContactPageBody { links, meta, data: page.items.iter().map(show).collect() }
    }

    /// The page of a list that is short and always the same.
    pub fn cut<T>(&self, all: impl Iterator<Item = T>) -> ListBody<T> {
        let all: Vec<T> = all.collect();
        let total = all.len() as u64;
        let before = self.number.saturating_sub(1).saturating_mul(self.size.get().into());
        let items = all.into_iter().skip(usize::try_from(before).unwrap_or(usize::MAX)).take(self.size.get() as usize);
        let page = Page { items: items.collect(), total };
        ListBody { links: self.page_links(&page), meta: self.meta(&page), data: page.items }
    }

    fn url(&self, number: u64) -> String {
        numbered([&self.stem], number)
    }

    fn previous(&self) -> Option<u64> {
        (self.number > 1).then(|| self.number - 1)
    }

    fn page_links<T>(&self, page: &Page<T>) -> PageLinks {
        let last = page.last_number(self.size);
        PageLinks {
            first: self.url(1),
            last: self.url(last),
            prev: self.previous().map(|number| self.url(number)),
            next: (self.number < last).then(|| self.url(self.number + 1)),
        }
    }

    fn meta<T>(&self, page: &Page<T>) -> Meta {
        let size = u64::from(self.size.get());
        let before = self.number.saturating_sub(1).saturating_mul(size);
        let shown = page.items.len() as u64;
        Meta {
            current_page: self.number,
            from: (shown > 0).then(|| before + 1),
            last_page: page.last_number(self.size),
            links: self.buttons(page.last_number(self.size)),
            path: self.path.clone(),
            per_page: self.size.get(),
            to: (shown > 0).then(|| before + shown),
            total: page.total,
        }
    }

    fn buttons(&self, last: u64) -> Vec<MetaLink> {
        let button = |number: Option<u64>, label: Cow<'static, str>, active| MetaLink {
            url: number.map(|number| self.url(number)),
            label,
            active,
        };
        let pages = window(self.number, last).into_iter().map(|number| match number {
            Some(number) => button(Some(number), number.to_string().into(), number == self.number),
            None => button(None, "...".into(), false),
        });
        let next = (self.number < last).then(|| self.number + 1);
        let mut buttons = vec![button(self.previous(), "❮ Previous".into(), false)];
        buttons.extend(pages);
        buttons.push(button(next, "Next ❯".into(), false));
        buttons
    }
}

/// The numbers that Laravel's page bar shows, none for a gap: all up to 13 pages, then three on each side of the
/// current one and two at both ends.
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
    use serde_json::{Value, json};

    use super::*;

    fn shown(query: &str, total: u64) -> Value {
        let query = Query::parse(query);
        let request = query.page_request(query.call_order(), PageSize::new(10).unwrap()).unwrap();
        let links = Links::under("https://app.monicahq.com");
        let place = Place::new("/api/calls", &query, &links, request.number, request.size);
        let page = CallPage { page: Page { items: vec![], total }, years: vec![] };
        serde_json::to_value(place.calls(&page, None)).unwrap()
    }

    fn labels(current: u64, last: u64) -> String {
        let label = |number: Option<u64>| number.map_or("...".to_owned(), |number| number.to_string());
        window(current, last).into_iter().map(label).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn without_query_words_the_links_are_the_document_s() {
        let page = shown("", 4);
        let first = "https://app.monicahq.com/api/calls?page=1";
        assert_eq!(page["links"], json!({"first": first, "last": first, "prev": null, "next": null}));
        assert_eq!(page["meta"]["path"], "https://app.monicahq.com/api/calls");
        assert_eq!(page["meta"]["statistics"], json!([]));
    }

    #[test]
    fn links_carry_every_query_word() {
        let page = shown("limit=2&page=3&sort=-called_at&note=a%26b%20c", 9);
        let url = |n| format!("https://app.monicahq.com/api/calls?limit=2&sort=-called_at&note=a%26b+c&page={n}");
        let links = json!({"first": url(1), "last": url(5), "prev": url(2), "next": url(4)});
        assert_eq!(page["links"], links);
        assert_eq!(page["meta"]["links"][0], json!({"url": url(2), "label": "❮ Previous", "active": false}));
        assert_eq!(page["meta"]["links"][3], json!({"url": url(3), "label": "3", "active": true}));
    }

    #[test]
    fn a_page_beyond_the_end_has_no_place() {
        let page = shown("page=7", 4);
        let meta = &page["meta"];
        assert_eq!((&meta["from"], &meta["to"], &meta["current_page"]), (&Value::Null, &Value::Null, &json!(7)));
        assert_eq!(page["links"]["next"], Value::Null);
        assert_eq!(page["links"]["prev"], "https://app.monicahq.com/api/calls?page=6");
        assert_eq!(shown("page=9223372036854775807", 4)["data"], json!([]));
    }

    #[test]
    fn the_page_bar_shows_what_laravel_s_shows() {
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
    fn years_are_an_object_of_four_digits_newest_first() {
        let statistics = Statistics(&[(2019, 2), (999, 1)]);
        assert_eq!(serde_json::to_string(&statistics).unwrap(), r#"{"2019":2,"0999":1}"#);
    }
}
