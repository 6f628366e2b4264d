//! The actix application: its middleware in order, the `/api` scope and every endpoint.

use std::collections::HashMap;
use std::sync::OnceLock;

use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse, fn_service};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, Error, HttpRequest};
use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

use crate::endpoints::{account, batch, calendar, calls, contact_fields, contacts, csv, deletions, fallback, lookups};
use crate::middleware::access_log::access_log;
use crate::middleware::authenticate::{authenticate, authenticate_feed, enforce_read_only};
use crate::middleware::limits::{Budget, enforce_budget};
use crate::middleware::normalize::normalize;
use crate::middleware::rate_limit::{RateLimiter, rate_limit};
use crate::middleware::request_id::request_id;
use crate::middleware::security_headers::security_headers;
use crate::page_permits::PagePermits;
use crate::requests::ListRequest;
use crate::responses::{Links, ResponseContext};
use crate::{Options, Services, openapi, site};

/// The state that all workers share.
pub struct AppState {
    pub services: Services,
    pub options: Options,
    pub rate_limiter: RateLimiter,
    pub budget: Budget,
    pub page_permits: PagePermits,
    /// The methods of each path of the API, for 405 and OPTIONS.
    pub allowed_methods: HashMap<String, Vec<&'static str>>,
    /// The OpenAPI document as JSON, built at the first use.
    document: OnceLock<String>,
}

impl AppState {
    pub fn new(services: Services, options: Options) -> Self {
        Self {
            rate_limiter: RateLimiter::new(options.rate_limit),
            budget: Budget::new(),
            page_permits: PagePermits::new(),
            allowed_methods: openapi::allowed_methods(),
            document: OnceLock::new(),
            services,
            options,
        }
    }

    /// Returns the OpenAPI document as JSON, with the address at which the client reached this server.
    pub fn document(&self, request: &HttpRequest) -> String {
        let document = self.document.get_or_init(|| openapi::document().to_json().unwrap_or_default());
        document.replace(openapi::SERVER, &self.response_context(request).links.to(""))
    }

    /// Returns what the response to a request depends on besides its content.
    pub fn response_context(&self, request: &HttpRequest) -> ResponseContext {
        let links = Links::of(request, self.options.public_url.as_deref(), &self.options.trusted_proxies);
        ResponseContext { links, compat: self.options.compat }
    }

    /// Returns the request for a list.
    pub fn list_request<'r>(&self, request: &'r HttpRequest) -> ListRequest<'r> {
        ListRequest {
            path: request.path(),
            query: request.query_string(),
            default_size: self.options.compat.page_size(),
            now: self.services.clock.now(),
        }
    }
}

/// Registers every endpoint of the API. The router tries them in this order, so the most frequent ones come first.
pub fn endpoints(config: &mut ServiceConfig) {
    config
        .service(calls::find)
        .service(calls::list_of_contact)
        .service(calls::list)
        .service(calls::create)
        .service(calls::update)
        .service(calls::patch)
        .service(calls::delete)
        .service(batch::create)
        .service(csv::export_all)
        .service(csv::export_of_contact)
        .service(deletions::list)
        .service(contacts::list)
        .service(contacts::create)
        .service(contacts::find)
        .service(contacts::update)
        .service(contacts::delete)
        .service(contact_fields::list_of_contact)
        .service(contact_fields::create)
        .service(contact_fields::find)
        .service(contact_fields::update)
        .service(contact_fields::delete)
        .service(account::welcome)
        .service(account::me)
        .service(lookups::list_genders)
        .service(lookups::find_gender)
        .service(lookups::list_contact_field_types)
        .service(lookups::list_emotions);
}

/// Builds the application. Of several `wrap`s, the last one receives a request first and its response last.
pub fn app(
    state: Data<AppState>,
) -> App<impl ServiceFactory<ServiceRequest, Config = (), Response = ServiceResponse, Error = Error, InitError = ()>> {
    let api = scope("/api")
        .configure(endpoints)
        .default_service(fn_service(fallback::fallback))
        .wrap(from_fn(enforce_read_only))
        .wrap(from_fn(rate_limit))
        .wrap(from_fn(authenticate));
    let calendars = actix_web::web::scope("/calendar")
        .service(calendar::feed)
        .default_service(fn_service(fallback::fallback))
        .wrap(from_fn(rate_limit))
        .wrap(from_fn(authenticate_feed));
    App::new()
        .app_data(state)
        .service(api)
        .service(calendars)
        .configure(site::configure)
        .default_service(fn_service(fallback::fallback))
        .wrap(from_fn(request_id))
        .wrap(from_fn(enforce_budget))
        .wrap(from_fn(security_headers))
        .wrap(from_fn(normalize))
        .wrap(from_fn(access_log))
}
