//! The endpoints of what is the same in every account: genders, kinds of contact fields, emotions.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, get};
use domain::{AccountId, Caller, ContactFieldKind, Emotion, Gender, Timestamp, parse_digits};

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{CommonErrors, LookupErrors};
use crate::pages::{ContactFieldTypePage, EmotionPage, GenderPage, ListBody, Place};
use crate::query::{Paging, Query};
use crate::resources::{ContactFieldTypeResource, EmotionResource, GenderBody, GenderResource};
use crate::responses::error::{ApiError, ApiResult};

/// The requested page of all items.
fn page<T>(state: &AppState, request: &HttpRequest, all: impl Iterator<Item = T>) -> ApiResult<Json<ListBody<T>>> {
    let query = Query::parse(request.query_string());
    let page = query.page_request(Ok(()), state.options.compat.page_size())?;
    let links = state.links(request);
    let place = Place::new(request.path(), &query, &links, page.number, page.size);
    Ok(Json(place.cut(all)))
}

/// When the account was created, and with it everything that each account has.
async fn since(state: &AppState, caller: Caller) -> ApiResult<Timestamp> {
    Ok(state.services.access.account(caller.account).await?.created_at)
}

fn gender(id: i64, account: AccountId, since: Timestamp) -> Option<GenderResource> {
    Some(GenderResource::new(id, &Gender::by_id(id)?, account, since))
}

/// List all the genders
///
/// A contact's gender may also be any other name.
#[utoipa::path(
    operation_id = "listGenders",
    tag = "lists",
    params(Paging),
    responses((status = 200, description = "A page of genders", body = GenderPage), CommonErrors),
)]
#[get("/genders")]
pub async fn list_genders(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<Json<ListBody<GenderResource>>> {
    let since = since(&state, caller).await?;
    page(&state, &request, (1..).map_while(|id| gender(id, caller.account, since)))
}

/// Get a specific gender
#[utoipa::path(
    operation_id = "getGender",
    tag = "lists",
    params(("id" = i64, Path, description = "The gender's id", minimum = 1, example = 1)),
    responses((status = 200, description = "The gender", body = GenderBody), LookupErrors, CommonErrors),
)]
#[get("/genders/{id}")]
pub async fn show_gender(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
) -> ApiResult<Json<GenderBody>> {
    let id = parse_digits(&id).ok_or(ApiError::NotFound)?;
    let since = since(&state, caller).await?;
    Ok(Json(GenderBody { data: gender(id, caller.account, since).ok_or(ApiError::NotFound)? }))
}

/// List all the kinds of contact fields
#[utoipa::path(
    operation_id = "listContactFieldTypes",
    tag = "lists",
    params(Paging),
    responses((status = 200, description = "A page of kinds of contact fields", body = ContactFieldTypePage), CommonErrors),
)]
#[get("/contactfieldtypes")]
pub async fn list_contact_field_types(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<Json<ListBody<ContactFieldTypeResource>>> {
    let since = since(&state, caller).await?;
    let show = |kind| ContactFieldTypeResource::new(kind, caller.account, since);
    page(&state, &request, ContactFieldKind::all().map(show))
}

/// List all the emotions
#[utoipa::path(
    operation_id = "listEmotions",
    tag = "lists",
    params(Paging),
    responses((status = 200, description = "A page of emotions", body = EmotionPage), CommonErrors),
)]
#[get("/emotions")]
pub async fn list_emotions(state: Data<AppState>, request: HttpRequest) -> ApiResult<Json<ListBody<EmotionResource>>> {
    page(&state, &request, Emotion::all().map(EmotionResource::from))
}
