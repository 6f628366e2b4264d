//! The endpoint that records many calls at once.

use actix_web::HttpResponse;
use actix_web::post;
use actix_web::web::Data;

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::{BodyErrors, CommonErrors, WriteErrors};
use crate::requests::{BatchRequest, Body, CallRules};
use crate::responses::BatchResponse;
use crate::responses::error::{ApiError, ApiResult};

/// Record many calls
///
/// 1 to 1000 calls, at most 8 MiB. Each is recorded as by `POST /calls`; the response has the result of each in the same
/// order. A refused call does not affect the others. All that are accepted are stored together before the response. The
/// same batch sent again creates nothing if its calls have an `external_id`.
#[utoipa::path(
    operation_id = "createCalls",
    tag = "Calls",
    request_body = BatchRequest,
    responses(
        (status = 200, description = "The result of each call", body = BatchResponse),
        CommonErrors, WriteErrors, BodyErrors
    ),
)]
#[post("/calls/batch")]
pub async fn create(
    state: Data<AppState>,
    Authenticated(caller): Authenticated,
    body: Body<BatchRequest>,
) -> ApiResult<HttpResponse> {
    let rules = CallRules::create(state.options.compat, state.services.clock.now());
    let mut response = BatchResponse::new();
    let (mut calls, mut places) = (Vec::new(), Vec::new());
    for (place, item) in body.request.into_items()?.into_iter().enumerate() {
        let external_id = item.as_ref().ok().and_then(|call| call.external_id().cloned());
        let upsert = item.map_err(ApiError::from).and_then(|call| call.into_upsert(rules));
        response.push(external_id, upsert.as_ref().err());
        if let Ok(upsert) = upsert {
            places.push((place, upsert.contact.clone()));
            calls.push(upsert);
        }
    }
    if !calls.is_empty() {
        let results = state.services.calls.create_many(caller.account, calls).await?;
        for ((place, contact), result) in places.into_iter().zip(results) {
            response.set(place, result.map_err(|error| ApiError::of_new_call(error, &contact)));
        }
    }
    Ok(HttpResponse::Ok().json(response.counted()))
}
