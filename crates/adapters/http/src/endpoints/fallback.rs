//! Requests that no endpoint serves: 404 for an unknown path, 405 or the response to OPTIONS for a known path.

use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::ALLOW;
use actix_web::web::Data;
use actix_web::{Error, HttpResponse};

use crate::AppState;
use crate::connection::rejection;
use crate::middleware::reject;
use crate::responses::error::ApiError;

/// Responds with 404 or 405, or to OPTIONS with 200 and the methods of the path. Also responds to requests whose head was
/// rejected.
pub async fn fallback(request: ServiceRequest) -> Result<ServiceResponse, Error> {
    if let Some(error) = rejection(&request) {
        return Ok(reject(request, error));
    }
    let state = request.app_data::<Data<AppState>>().cloned();
    let path = request.match_info().as_str();
    let pattern = request.resource_map().match_pattern(path);
    let path = path.trim_start_matches('/').to_owned();
    let methods = pattern.as_ref().and_then(|pattern| state.as_ref()?.allowed_methods.get(pattern));
    Ok(match methods {
        None => {
            if is_loggable(&path) {
                // The access log has no path without a route. It tells a client's author which path the client requests.
                tracing::debug!(method = %request.method(), path, "no such route");
            }
            reject(request, ApiError::RouteNotFound { path })
        }
        Some(methods) if request.method() == Method::OPTIONS => {
            request.into_response(HttpResponse::Ok().insert_header((ALLOW, methods.join(","))).finish())
        }
        Some(methods) => {
            let (method, allow) = (request.method().to_string(), methods.join(", "));
            reject(request, ApiError::MethodNotAllowed { method, path, allow })
        }
    })
}

/// Whether a path has only short words, as routes do: no token, no text of a user.
fn is_loggable(path: &str) -> bool {
    const MAX_WORD: usize = 24;
    let is_word =
        |word: &str| word.len() <= MAX_WORD && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    path.len() <= 100 && path.split('/').all(is_word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logs_paths_of_words_only() {
        for path in ["api/api/me", "api/v1/calls", "wp-login.php", ""] {
            assert!(is_loggable(path), "{path}");
        }
        let token = format!("api/cb_{}", "0".repeat(64));
        for path in ["api/'; DROP TABLE calls; --", "api/<script>", "api/a b", "api/é", token.as_str()] {
            assert!(!is_loggable(path), "{path}");
        }
    }
}
