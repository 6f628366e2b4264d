//! The endpoints: a file for each resource. A handler takes its request apart, calls one use case, shows the answer.

mod account;
mod calls;
mod contacts;
mod lists;

use actix_web::http::Method;

use crate::router::Routes;

/// What is served, and where. What is asked most often comes first.
pub fn table() -> Routes {
    Routes::default()
        .serve(Method::GET, "/api/calls/{id}", calls::show)
        .serve(Method::GET, "/api/contacts/{id}/calls", contacts::calls)
        .serve(Method::GET, "/api/calls", calls::list)
        .serve(Method::POST, "/api/calls", calls::create)
        .serve(Method::PUT, "/api/calls/{id}", calls::update)
        .serve(Method::PATCH, "/api/calls/{id}", calls::amend)
        .serve(Method::DELETE, "/api/calls/{id}", calls::delete)
        .serve(Method::GET, "/api", account::welcome)
        .serve(Method::GET, "/api/me", account::me)
        .serve(Method::GET, "/api/contacts", contacts::list)
        .serve(Method::POST, "/api/contacts", contacts::create)
        .serve(Method::GET, "/api/contacts/{id}", contacts::show)
        .serve(Method::PUT, "/api/contacts/{id}", contacts::update)
        .serve(Method::DELETE, "/api/contacts/{id}", contacts::delete)
        .serve(Method::GET, "/api/genders", lists::genders)
        .serve(Method::GET, "/api/genders/{id}", lists::show_gender)
        .serve(Method::GET, "/api/contactfieldtypes", lists::contact_field_types)
        .serve(Method::GET, "/api/emotions", lists::emotions)
}

/// What is served, as the handlers describe it.
#[derive(utoipa::OpenApi)]
#[openapi(paths(
    calls::list,
    calls::create,
    calls::show,
    calls::update,
    calls::amend,
    calls::delete,
    account::welcome,
    account::me,
    contacts::list,
    contacts::create,
    contacts::show,
    contacts::update,
    contacts::delete,
    contacts::calls,
    lists::genders,
    lists::show_gender,
    lists::contact_field_types,
    lists::emotions,
))]
pub struct ApiDoc;
