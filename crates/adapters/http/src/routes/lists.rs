//! Lists that are the same in every account: genders, kinds of contact fields, emotions.

use actix_web::HttpRequest;
use actix_web::web::{Data, Json};
use domain::{AccountId, Caller, ContactFieldKind, Emotion, Gender, Timestamp, parse_digits};

use crate::AppState;
use crate::errors::{ApiError, Missing, Refusals};
use crate::gate::Authenticated;
use crate::requests::{PageParams, page_request};
use crate::responses::{
    ContactFieldTypePageResponse, ContactFieldTypeResource, EmotionPageResponse, EmotionResource, GenderPageResponse,
    GenderResource, GenderResponse, PageBuilder, PageResponse,
};
use crate::router::Segment;

/// The page that is asked for, of all the items.
fn page<T>(
    shared: &AppState,
    request: &HttpRequest,
    all: impl Iterator<Item = T>,
) -> Result<Json<PageResponse<T>>, ApiError> {
    let query = request.query_string();
    let page = page_request(query, (), shared.options.compat.page_size())?;
    let links = shared.links(request);
    let builder = PageBuilder::new(request.path(), query, &links, page.number, page.size);
    Ok(Json(builder.slice(all)))
}

/// Since when the account has what every account has.
async fn since(shared: &AppState, caller: Caller) -> Result<Timestamp, ApiError> {
    Ok(shared.services.access.account(caller.account).await?.created_at)
}

fn gender(id: i64, account: AccountId, since: Timestamp) -> Option<GenderResource> {
    Some(GenderResource::new(id, &Gender::by_id(id)?, account, since))
}

/// List all the genders
///
/// A contact's gender may also be any other name.
#[utoipa::path(
    get,
    path = "/api/genders",
    operation_id = "listGenders",
    tag = "lists",
    params(PageParams),
    responses((status = 200, description = "A page of genders", body = GenderPageResponse), Refusals),
)]
pub async fn genders(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> Result<Json<GenderPageResponse>, ApiError> {
    let since = since(&shared, caller).await?;
    page(&shared, &request, (1..).map_while(|id| gender(id, caller.account, since)))
}

/// Get a specific gender
#[utoipa::path(
    get,
    path = "/api/genders/{id}",
    operation_id = "getGender",
    tag = "lists",
    params(("id" = i64, Path, description = "The gender's id", minimum = 1, example = 1)),
    responses((status = 200, description = "The gender", body = GenderResponse), Missing, Refusals),
)]
pub async fn show_gender(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    segment: Segment,
) -> Result<Json<GenderResponse>, ApiError> {
    let id = segment.id(parse_digits)?;
    let since = since(&shared, caller).await?;
    Ok(Json(GenderResponse { data: gender(id, caller.account, since).ok_or(ApiError::NotFound)? }))
}

/// List all the kinds of contact fields
#[utoipa::path(
    get,
    path = "/api/contactfieldtypes",
    operation_id = "listContactFieldTypes",
    tag = "lists",
    params(PageParams),
    responses((status = 200, description = "A page of kinds of contact fields", body = ContactFieldTypePageResponse), Refusals),
)]
pub async fn contact_field_types(
    shared: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> Result<Json<ContactFieldTypePageResponse>, ApiError> {
    let since = since(&shared, caller).await?;
    let show = |kind| ContactFieldTypeResource::new(kind, caller.account, since);
    page(&shared, &request, ContactFieldKind::all().map(show))
}

/// List all the emotions
#[utoipa::path(
    get,
    path = "/api/emotions",
    operation_id = "listEmotions",
    tag = "lists",
    params(PageParams),
    responses((status = 200, description = "A page of emotions", body = EmotionPageResponse), Refusals),
)]
pub async fn emotions(
    shared: Data<AppState>,
    _: Authenticated,
    request: HttpRequest,
) -> Result<Json<EmotionPageResponse>, ApiError> {
    page(&shared, &request, Emotion::all().map(EmotionResource::from))
}
