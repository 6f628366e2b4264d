//! The endpoints: a file for each resource. A handler takes its request apart, calls one use case, shows the answer.

mod account;
mod calls;
mod contacts;
mod lists;

use utoipa_actix_web::scope;
use utoipa_actix_web::service_config::ServiceConfig;

/// Registers every endpoint of the API. The gate keeps them all; see `gate.rs`.
pub fn configure(config: &mut ServiceConfig) {
    let api = scope("/api")
        // What is asked most often first: the router tries them one after the other.
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
        .service(lists::emotions);
    config.service(api);
}
