//! Which handler serves a path. One table for all workers: actix's own router has one for each, of regular expressions,
//! and a search in them took a tenth of a short request.

use std::future::{Future, Ready, ready};
use std::pin::Pin;

use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::{FromRequest, Handler, HttpMessage, HttpRequest, HttpResponse, Responder};

use crate::errors::ApiError;

type Answering = Pin<Box<dyn Future<Output = ServiceResponse>>>;
type Endpoint = Box<dyn Fn(ServiceRequest) -> Answering + Send + Sync>;

/// A path of the API.
pub struct Route {
    /// The path, with a name in braces for what varies.
    pub pattern: &'static str,
    endpoints: Vec<(Method, Endpoint)>,
}

impl Route {
    /// What serves the method.
    pub fn endpoint(&self, method: &Method) -> Option<&Endpoint> {
        self.endpoints.iter().find(|(served, _)| served == method).map(|(_, endpoint)| endpoint)
    }

    /// Its methods in Laravel's order, put together. HEAD works wherever GET does.
    pub fn allow(&self, separator: &str) -> String {
        let mut methods: Vec<_> = self.endpoints.iter().map(|(method, _)| method.as_str()).collect();
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_by_key(|method| LARAVEL_S.iter().position(|known| known == method));
        methods.join(separator)
    }

    /// What stands in the path for the name in braces; none when the route is not the path's.
    fn matched(&self, path: &str) -> Option<Segment> {
        let mut segments = path.split('/');
        let mut varying = "";
        for wanted in self.pattern.split('/') {
            let segment = segments.next()?;
            if wanted.starts_with('{') && !segment.is_empty() {
                varying = segment;
            } else if segment != wanted {
                return None;
            }
        }
        segments.next().is_none().then(|| Segment(varying.to_owned()))
    }
}

const LARAVEL_S: [&str; 6] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];

/// Every path of the API.
#[derive(Default)]
pub struct Routes(Vec<Route>);

impl Routes {
    /// Adds the handler. The paths are tried one after the other, as they were first added.
    pub fn serve<H, Args>(mut self, method: Method, pattern: &'static str, handler: H) -> Self
    where
        H: Handler<Args, Output: Responder> + Send + Sync,
        Args: FromRequest,
    {
        let known = self.0.iter().position(|route| route.pattern == pattern);
        let place = known.unwrap_or_else(|| {
            self.0.push(Route { pattern, endpoints: Vec::new() });
            self.0.len() - 1
        });
        self.0[place].endpoints.push((method, endpoint(handler)));
        self
    }

    /// All of them.
    #[cfg(test)]
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.0.iter()
    }

    /// The route that the path takes, and what varies in it.
    pub fn find(&self, path: &str) -> Option<(&Route, Segment)> {
        self.0.iter().find_map(|route| Some((route, route.matched(path)?)))
    }
}

/// The handler without its types: it takes from the request what it needs, and answers.
fn endpoint<H, Args>(handler: H) -> Endpoint
where
    H: Handler<Args, Output: Responder> + Send + Sync,
    Args: FromRequest,
{
    Box::new(move |request| {
        let handler = handler.clone();
        Box::pin(async move {
            let (request, mut payload) = request.into_parts();
            let answer = match Args::from_request(&request, &mut payload).await {
                Ok(taken) => handler.call(taken).await.respond_to(&request).map_into_boxed_body(),
                Err(error) => HttpResponse::from_error(error),
            };
            ServiceResponse::new(request, answer)
        })
    })
}

/// What stands in the path for the name in braces; empty where there is none.
pub struct Segment(String);

impl Segment {
    /// The id that it is; what is no id names nothing.
    pub fn id<T>(&self, parse: impl Fn(&str) -> Option<T>) -> Result<T, ApiError> {
        parse(&self.0).ok_or(ApiError::NotFound)
    }
}

impl FromRequest for Segment {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let segment = request.extensions_mut().remove::<Self>();
        ready(segment.ok_or_else(|| ApiError::Fault(ports::Error::fault("a route beside the table"))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn nothing() -> HttpResponse {
        HttpResponse::Ok().finish()
    }

    #[test]
    fn a_path_takes_the_route_that_it_is_segment_by_segment() {
        let routes = Routes::default()
            .serve(Method::DELETE, "/api/calls/{id}", nothing)
            .serve(Method::GET, "/api/calls/{id}", nothing)
            .serve(Method::POST, "/api/calls", nothing)
            .serve(Method::GET, "/api/contacts/{id}/calls", nothing)
            .serve(Method::GET, "/api", nothing);
        let found = |path| routes.find(path).map(|(route, Segment(segment))| (route.allow(", "), segment));
        let is = |methods: &str, segment: &str| Some((methods.to_owned(), segment.to_owned()));
        assert_eq!(found("/api"), is("GET, HEAD", ""));
        assert_eq!(found("/api/calls"), is("POST", ""));
        assert_eq!(found("/api/calls/abc"), is("GET, HEAD, DELETE", "abc"));
        assert_eq!(found("/api/contacts/3/calls"), is("GET, HEAD", "3"));
        for path in
            ["/api/nope", "/api/calls/", "/api/calls/1/x", "/API/calls", "/calls", "/api//calls", "/api/contacts/3"]
        {
            assert_eq!(found(path), None, "{path}");
        }
    }
}
