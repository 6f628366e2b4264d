//! The endpoints of lists that are the same in every account: genders, kinds of contact fields, emotions.

use actix_web::web::{Data, Json, Path};
use actix_web::{HttpRequest, get};
use domain::{AccountId, Caller, ContactFieldKind, Emotion, Gender, Timestamp, parse_digits};

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{CommonErrors, LookupErrors};
use crate::requests::{LimitParams, PageParams};
use crate::responses::error::{ApiError, ApiResult};
use crate::responses::{
    ContactFieldTypePageResponse, ContactFieldTypeResource, EmotionPageResponse, EmotionResource, GenderPageResponse,
    GenderResource, GenderResponse, PageBuilder, PageResponse,
};

/// Returns the requested page of all items.
fn page<T>(state: &AppState, request: &HttpRequest, all: impl Iterator<Item = T>) -> ApiResult<Json<PageResponse<T>>> {
    let list_request = state.list_request(request);
    let page = list_request.numbered_page()?;
    Ok(Json(PageBuilder::new(&list_request, &state.response_context(request), page).slice(all)))
}

/// Returns when the account was created, and with it the lists that every account has.
async fn created_at(state: &AppState, caller: Caller) -> ApiResult<Timestamp> {
    Ok(state.services.auth.account(caller.account).await?.created_at)
}

fn gender(id: i64, account: AccountId, created_at: Timestamp) -> Option<GenderResource> {
    Some(GenderResource::new(id, &Gender::by_id(id)?, account, created_at))
}

/// List all the genders
///
/// A contact's gender may also be any other name.
#[utoipa::path(
    operation_id = "listGenders",
    tag = "Reference data",
    params(LimitParams, PageParams),
    responses((status = 200, description = "A page of genders", body = GenderPageResponse), CommonErrors),
)]
#[get("/genders")]
pub async fn list_genders(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<Json<GenderPageResponse>> {
    let created_at = created_at(&state, caller).await?;
    page(&state, &request, (1..).map_while(|id| gender(id, caller.account, created_at)))
}

/// Get a specific gender
///
/// A gender by its id in the list.
#[utoipa::path(
    operation_id = "getGender",
    tag = "Reference data",
    params(("id" = i64, Path, description = "The gender's id", minimum = 1, example = 1)),
    responses((status = 200, description = "The gender", body = GenderResponse), LookupErrors, CommonErrors),
)]
#[get("/genders/{id}")]
pub async fn find_gender(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    id: Path<String>,
) -> ApiResult<Json<GenderResponse>> {
    let id = parse_digits(&id).ok_or(ApiError::NotFound)?;
    let created_at = created_at(&state, caller).await?;
    Ok(Json(GenderResponse { data: gender(id, caller.account, created_at).ok_or(ApiError::NotFound)? }))
}

/// List all the kinds of contact fields
///
/// Phone numbers, e-mail addresses and names in social networks.
#[utoipa::path(
    operation_id = "listContactFieldTypes",
    tag = "Reference data",
    params(LimitParams, PageParams),
    responses((status = 200, description = "A page of kinds of contact fields", body = ContactFieldTypePageResponse), CommonErrors),
)]
#[get("/contactfieldtypes")]
pub async fn list_contact_field_types(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    request: HttpRequest,
) -> ApiResult<Json<ContactFieldTypePageResponse>> {
    let resource = |kind| ContactFieldTypeResource::new(kind, caller.account);
    page(&state, &request, ContactFieldKind::all().map(resource))
}

/// List all the emotions
///
/// A call has any number of them, by id.
#[utoipa::path(
    operation_id = "listEmotions",
    tag = "Reference data",
    params(LimitParams, PageParams),
    responses((status = 200, description = "A page of emotions", body = EmotionPageResponse), CommonErrors),
)]
#[get("/emotions")]
pub async fn list_emotions(state: Data<AppState>, request: HttpRequest) -> ApiResult<Json<EmotionPageResponse>> {
    page(&state, &request, Emotion::all().map(EmotionResource::from))
}
