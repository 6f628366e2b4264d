//! Serves HEAD as GET, trailing and repeated slashes, and every path also under the path of the public URL.

use std::borrow::Cow;

use actix_web::Error;
use actix_web::body::BoxBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{Method, Uri};
use actix_web::middleware::Next;
use actix_web::web::Data;

use super::is_api;
use crate::AppState;

/// Rewrites the method and the path to those that endpoints are registered with.
pub async fn normalize(
    state: Data<AppState>,
    mut request: ServiceRequest,
    next: Next<BoxBody>,
) -> Result<ServiceResponse, Error> {
    if request.method() == Method::HEAD {
        // actix omits the body of a response to HEAD.
        request.head_mut().method = Method::GET;
    }
    normalize_path(&mut request, state.options.path_prefix());
    next.call(request).await
}

/// Replaces repeated slashes, which clients write between a base address and a path, and removes the prefix, and from
/// paths of the API trailing slashes.
fn normalize_path(request: &mut ServiceRequest, prefix: &str) {
    let path = request.path();
    let single = without_repeated_slashes(path);
    let inner = single.strip_prefix(prefix).filter(|rest| rest.starts_with('/')).unwrap_or(&single);
    let inner = if is_api(inner) { inner.trim_end_matches('/') } else { inner };
    if inner.len() == path.len() {
        return;
    }
    let path_and_query = match request.query_string() {
        "" => inner.to_owned(),
        query => format!("{inner}?{query}"),
    };
    let mut parts = request.uri().clone().into_parts();
    parts.path_and_query = path_and_query.parse().ok();
    if let Ok(uri) = Uri::from_parts(parts) {
        request.match_info_mut().get_mut().update(&uri);
        request.head_mut().uri = uri;
    }
}

fn without_repeated_slashes(path: &str) -> Cow<'_, str> {
    if !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut single = String::with_capacity(path.len());
    for character in path.chars() {
        if character != '/' || !single.ends_with('/') {
            single.push(character);
        }
    }
    Cow::Owned(single)
}
