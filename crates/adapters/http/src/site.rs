//! Everything outside the API: the start page, health checks, avatars, Swagger UI and the OpenAPI document.

use actix_web::http::header::{CACHE_CONTROL, ContentType};
use actix_web::web::{Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, get, routes};
use utoipa_swagger_ui::{Config, SwaggerUi};

use crate::AppState;
use crate::responses::error::ApiError;

/// Registers all routes outside the API.
pub fn configure(config: &mut ServiceConfig) {
    // Relative, so that it also works under the path of a public URL.
    let ui = Config::new(["../openapi.json"])
        .use_base_layout()
        .default_models_expand_depth(0)
        .persist_authorization(true)
        .try_it_out_enabled(true);
    config
        .service(start)
        .service(process_health)
        .service(store_health)
        .service(avatar)
        // Relative, for the same reason.
        .service(actix_web::web::redirect("/docs", "docs/"))
        .service(document)
        // Before the files of Swagger UI, because it replaces one of them.
        .service(swagger_ui)
        .service(color_scheme)
        .service(SwaggerUi::new("/docs/{_:.*}").config(ui));
}

/// Responds with the start page, which shows a first request with the address of this server.
#[get("/")]
async fn start(state: Data<AppState>, request: HttpRequest) -> HttpResponse {
    let page = include_str!("start.html")
        .replace("{{version}}", env!("CARGO_PKG_VERSION"))
        .replace("{{base}}", &escape_html(&state.response_context(&request).links.to("")));
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

fn escape_html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// Responds with the page of Swagger UI. The library's own page has no title and is not made for phones or the dark.
#[routes]
#[get("/docs/")]
#[get("/docs/index.html")]
async fn swagger_ui() -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::html()).body(include_str!("docs.html"))
}

/// Responds with the script of that page that follows the colour scheme of the browser.
#[get("/docs/color-scheme.js")]
async fn color_scheme() -> HttpResponse {
    HttpResponse::Ok().content_type("text/javascript; charset=utf-8").body(include_str!("color-scheme.js"))
}

#[get("/openapi.json")]
async fn document(state: Data<AppState>, request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok().content_type(ContentType::json()).body(state.document(&request))
}

/// Responds if the process is alive.
#[get("/healthz")]
async fn process_health() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({"status": "ok"}))
}

/// Responds with 200 if the store can be used, else with 503.
#[get("/readyz")]
async fn store_health(state: Data<AppState>) -> Result<HttpResponse, ApiError> {
    state.services.operations.check().await?;
    Ok(HttpResponse::Ok().json(serde_json::json!({"status": "ready"})))
}

/// Responds with a disc of one colour, the avatar of a contact.
#[get("/avatars/{color:[0-9a-f]{6}}.svg")]
async fn avatar(color: Path<String>) -> HttpResponse {
    let svg = format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><circle cx="32" cy="32" r="32" fill="#{color}"/></svg>"##
    );
    HttpResponse::Ok().content_type("image/svg+xml").insert_header((CACHE_CONTROL, "public, max-age=86400")).body(svg)
}
