//! What the micro-benchmarks in `benches/` measure.

use domain::PageSize;
use ports::inbound::CallPage;

use crate::links::Links;
use crate::pages::Place;
use crate::query::Query;

/// Serializes the first page of a list of calls.
pub fn page_of_calls(page: &CallPage) -> Vec<u8> {
    let (query, links) = (Query::default(), Links::under("http://127.0.0.1:8080"));
    let size = PageSize::new(PageSize::MAX).unwrap_or(PageSize::SMALLEST);
    Place::new("/api/calls", &query, &links, 1, size).calls_as_json(page).unwrap_or_default()
}
