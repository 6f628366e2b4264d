//! The endpoints about the API and the caller: the welcome and the user.

use actix_web::web::{Data, Json};
use actix_web::{HttpRequest, get};
use domain::{Account, Uuid};
use serde::Serialize;
use utoipa::ToSchema;

use crate::AppState;
use crate::middleware::authenticate::Authenticated;
use crate::openapi::CommonErrors;
use crate::responses::error::ApiResult;
use crate::responses::{AccountRef, Iso8601};

/// The welcome, with links to the lists.
#[derive(Serialize, ToSchema)]
pub struct Welcome {
    success: Success,
    links: WelcomeLinks,
}

#[derive(Serialize, ToSchema)]
struct Success {
    #[schema(example = "Welcome to Callbook")]
    message: &'static str,
}

#[derive(Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "Monica's names")]
struct WelcomeLinks {
    #[schema(example = "http://127.0.0.1:8080/api/calls")]
    calls_url: String,
    contacts_url: String,
    contactfieldtypes_url: String,
    emotions_url: String,
    genders_url: String,
    me_url: String,
}

/// Welcome
///
/// Links to the lists.
#[utoipa::path(
    operation_id = "welcome",
    tag = "Account",
    responses((status = 200, description = "Links to the lists", body = Welcome), CommonErrors),
)]
#[get("")]
pub async fn welcome(state: Data<AppState>, request: HttpRequest) -> Json<Welcome> {
    let links = state.response_context(&request).links;
    Json(Welcome {
        success: Success { message: "Welcome to Callbook" },
        links: WelcomeLinks {
            calls_url: links.to("/api/calls"),
            contacts_url: links.to("/api/contacts"),
            contactfieldtypes_url: links.to("/api/contactfieldtypes"),
            emotions_url: links.to("/api/emotions"),
            genders_url: links.to("/api/genders"),
            me_url: links.to("/api/me"),
        },
    })
}

/// The user of an account, in Monica's form.
#[derive(Serialize, ToSchema)]
pub struct MeBody {
    data: Me,
}

#[derive(Serialize, ToSchema)]
#[schema(as = User)]
#[expect(clippy::struct_field_names, reason = "Monica's names")]
struct Me {
    /// The account's id.
    #[schema(example = 1)]
    id: i64,
    uuid: Uuid,
    #[schema(example = "user")]
    object: &'static str,
    /// The account's name.
    first_name: String,
    /// Empty, because an account has one name.
    last_name: &'static str,
    name: String,
    /// Empty, because Callbook sends no mail.
    email: &'static str,
    me_contact: Option<i64>,
    #[schema(example = "UTC")]
    timezone: &'static str,
    /// Always the US dollar, the default of Monica. Callbook stores no amounts.
    currency: Currency,
    #[schema(example = "en")]
    locale: &'static str,
    is_policy_compliant: bool,
    account: AccountRef,
    #[schema(value_type = String, format = DateTime)]
    created_at: Iso8601,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Iso8601,
}

#[derive(Serialize, ToSchema)]
struct Currency {
    #[schema(example = 2)]
    id: i64,
    #[schema(example = "currency")]
    object: &'static str,
    #[schema(example = "USD")]
    iso: &'static str,
    #[schema(example = "US Dollar")]
    name: &'static str,
    #[schema(example = "$")]
    symbol: &'static str,
}

impl Currency {
    const US_DOLLAR: Self = Self { id: 2, object: "currency", iso: "USD", name: "US Dollar", symbol: "$" };
}

impl From<Account> for Me {
    fn from(account: Account) -> Self {
        let name = String::from(account.name);
        Self {
            id: account.id.get(),
            // Users are not stored. The id of the account makes a UUID that is unique and stable.
            uuid: Uuid::from_u128(account.id.get().unsigned_abs().into()),
            object: "user",
            first_name: name.clone(),
            last_name: "",
            name,
            email: "",
            me_contact: None,
            timezone: "UTC",
            currency: Currency::US_DOLLAR,
            locale: "en",
            is_policy_compliant: true,
            account: account.id.into(),
            created_at: Iso8601(account.created_at),
            updated_at: Iso8601(account.created_at),
        }
    }
}

/// Get the authenticated user
///
/// The user, and the account that the token gives access to.
#[utoipa::path(
    operation_id = "me",
    tag = "Account",
    responses((status = 200, description = "The user", body = MeBody), CommonErrors),
)]
#[get("/me")]
pub async fn me(state: Data<AppState>, Authenticated(caller): Authenticated) -> ApiResult<Json<MeBody>> {
    Ok(Json(MeBody { data: state.services.auth.account(caller.account).await?.into() }))
}
