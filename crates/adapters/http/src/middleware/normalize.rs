//! Serves HEAD as GET, trailing slashes of the API, and every path also under the path of the public URL.

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

/// Removes the prefix, and from paths of the API trailing slashes.
fn normalize_path(request: &mut ServiceRequest, prefix: &str) {
    let path = request.path();
    let inner = path.strip_prefix(prefix).filter(|rest| rest.starts_with('/')).unwrap_or(path);
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
