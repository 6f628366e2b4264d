//! What is served besides the API: the start page, health, avatars, and Swagger UI with its document.

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpResponse, get};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::AppState;
use crate::responses::error::ApiError;

/// Registers all of it.
pub fn configure(config: &mut ServiceConfig) {
    // Relative: it also holds under the path of a public URL.
    let ui = Config::new(["../openapi.json"]).persist_authorization(true).try_it_out_enabled(true);
    config
        .service(start)
        .service(process_health)
        .service(store_health)
        .service(avatar)
        // Relative, for the same reason.
        .service(actix_web::web::redirect("/docs", "docs/"))
        .service(document)
        .service(SwaggerUi::new("/docs/{_:.*}").config(ui));
}

#[get("/")]
async fn start() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).body(include_str!("start.html"))
}

#[get("/openapi.json")]
async fn document(state: Data<AppState>) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(state.document())
}

/// Whether the process answers.
#[get("/healthz")]
async fn process_health() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
}

/// Whether the store answers.
#[get("/readyz")]
async fn store_health(state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.services.operations.check().await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({"status": "ready"})))
}

/// A disc of one colour, the avatar of a contact.
#[get("/avatars/{color:[0-9a-f]{6}}.svg")]
async fn avatar(color: Path<String>) -> HttpResponse {
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="32" fill="#{color}"/></svg>"##
    );
    HttpResponse::Ok().content_type("image/svg+xml").insert_header((CACHE_CONTROL, "public, max-age=86400")).body(svg)
}
