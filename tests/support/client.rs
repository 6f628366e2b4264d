//! An HTTP client that returns every response, whatever its status.

use std::time::Duration;

use serde_json::Value;
use ureq::Agent;
use ureq::http::{HeaderMap, Request};

/// A client of one server, with or without a token.
#[derive(Clone)]
pub struct Client {
    base: String,
    token: Option<String>,
    agent: Agent,
}

/// A response.
#[derive(Debug)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: String,
}

impl Response {
    /// The body as JSON.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {} {:?}", self.status, self.body))
    }

    /// The value of a header, or `None`.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts the status and returns the body as JSON.
    #[track_caller]
    pub fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.json()
    }

    /// Asserts the status, the error code and the exact message or list of messages of an error.
    #[track_caller]
    pub fn expect_error(&self, status: u16, code: u16, message: impl Into<Value>) {
        let message: Value = message.into();
        assert_eq!(self.status, status, "{}", self.body);
        let error = &self.json()["error"];
        assert_eq!((&error["error_code"], &error["message"]), (&code.into(), &message));
        assert_eq!(self.header("content-type"), Some("application/json"));
    }

    /// Asserts that the resource is not found.
    #[track_caller]
    pub fn expect_not_found(&self) {
        self.expect_error(404, 31, "The resource has not been found");
    }

    /// Asserts that the body is rejected with these validation errors.
    #[track_caller]
    pub fn expect_violations(&self, messages: &[&str]) {
        self.expect_error(422, 32, messages);
    }

    /// Asserts that the store is not available and that the client may retry.
    #[track_caller]
    pub fn expect_unavailable(&self) {
        self.expect_error(503, 45, "The store is not available, please try again later.");
        assert_eq!(self.header("retry-after"), Some("5"));
    }
}

impl Client {
    /// A client of the server at a base URL.
    pub fn new(base: &str, token: Option<&str>) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_mins(1)));
        Self { base: base.to_owned(), token: token.map(str::to_owned), agent: config.build().into() }
    }

    /// The same client with another token, or without one.
    #[must_use]
    pub fn with_token(&self, token: Option<&str>) -> Self {
        Self { token: token.map(str::to_owned), ..self.clone() }
    }

    /// The same client of another server.
    #[must_use]
    pub fn with_base(&self, base: &str) -> Self {
        Self { base: base.to_owned(), ..self.clone() }
    }

    /// The token.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The base URL of the server.
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Sends a request.
    ///
    /// Returns the error of the connection as a text.
    pub fn try_send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Result<Response, String> {
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(body.to_vec()).unwrap();
        let mut response = self.agent.run(request).map_err(|error| error.to_string())?;
        let body = response.body_mut().with_config().limit(64 << 20).read_to_string().map_err(|e| e.to_string())?;
        Ok(Response { status: response.status().as_u16(), headers: response.headers().clone(), body })
    }

    /// Sends a request and panics if there is no response.
    #[track_caller]
    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Response {
        self.try_send(method, path, headers, body).unwrap_or_else(|error| panic!("{method} {path}: {error}"))
    }

    /// Sends a JSON body.
    #[track_caller]
    pub fn json(&self, method: &str, path: &str, body: &Value) -> Response {
        self.send(method, path, &[("content-type", "application/json")], body.to_string().as_bytes())
    }

    /// GET.
    #[track_caller]
    pub fn get(&self, path: &str) -> Response {
        self.send("GET", path, &[], b"")
    }

    /// DELETE.
    #[track_caller]
    pub fn delete(&self, path: &str) -> Response {
        self.send("DELETE", path, &[], b"")
    }

    /// POST with a JSON body.
    #[track_caller]
    pub fn post(&self, path: &str, body: &Value) -> Response {
        self.json("POST", path, body)
    }

    /// PUT with a JSON body.
    #[track_caller]
    pub fn put(&self, path: &str, body: &Value) -> Response {
        self.json("PUT", path, body)
    }

    /// PATCH with a JSON body.
    #[track_caller]
    pub fn patch(&self, path: &str, body: &Value) -> Response {
        self.json("PATCH", path, body)
    }

    /// Creates a contact and returns its id.
    #[track_caller]
    pub fn create_contact(&self, first_name: &str) -> i64 {
        let body = serde_json::json!({"first_name": first_name});
        self.post("/api/contacts", &body).expect(201)["data"]["id"].as_i64().unwrap()
    }

    /// Creates a call and returns it.
    #[track_caller]
    pub fn create_call(&self, contact: i64, called_at: &str) -> Value {
        let body = serde_json::json!({"contact_id": contact, "called_at": called_at, "content": "We talked."});
        self.post("/api/calls", &body).expect(201)["data"].clone()
    }
}
