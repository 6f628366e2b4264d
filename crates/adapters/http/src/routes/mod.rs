//! The endpoints: a file for each resource. A handler takes its request apart, calls one use case, shows the answer.

mod account;
mod calls;
mod contacts;
mod lists;

use crate::openapi::Routes;

/// Where the API is.
pub const API: &str = "/api";

/// Registers every endpoint of the API in a scope: actix's, utoipa's, which documents them, or the gate's table. What is
/// asked most often comes first: the router tries them one after the other.
macro_rules! endpoints {
    ($scope:expr) => {
        $scope
            .service(calls::show)
            .service(contacts::calls)
            .service(calls::list)
            .service(calls::create)
            .service(account::welcome)
            .service(account::me)
            .service(calls::update)
            .service(calls::amend)
            .service(calls::delete)
            .service(contacts::list)
            .service(contacts::create)
            .service(contacts::show)
            .service(contacts::update)
            .service(contacts::delete)
            .service(lists::genders)
            .service(lists::show_gender)
            .service(lists::contact_field_types)
            .service(lists::emotions)
    };
}

/// Serves the API. The gate keeps it; see `gate.rs`.
pub fn serve(config: &mut actix_web::web::ServiceConfig) {
    config.service(endpoints!(actix_web::web::scope(API)));
}

/// Describes the API.
pub fn describe(config: &mut utoipa_actix_web::service_config::ServiceConfig) {
    config.service(endpoints!(utoipa_actix_web::scope(API)));
}

/// What is served, for the gate.
pub fn table() -> Routes {
    endpoints!(Routes::default())
}
