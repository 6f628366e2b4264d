//! The pages in headless Chromium: Swagger UI with Authorize, Try it out and the response; a phone in the dark.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use support::{Client, Setup, wait_until};

/// Chromium, controlled over the WebDriver protocol.
struct Browser {
    driver: Child,
    session: Client,
    _profile: tempfile::TempDir,
}

/// The key of an element's id in a WebDriver response.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

impl Browser {
    fn start() -> Self {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("chromedriver is not installed: run tests/browser.sh");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        let port = lines.find_map(|line| {
            let line = line.unwrap();
            let (_, port) = line.split_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
        let driver_client = Client::new(&format!("http://127.0.0.1:{}", port.unwrap()), None);
        let profile = tempfile::tempdir().unwrap();
        let arguments = [
            "--headless".to_owned(),
            "--no-sandbox".to_owned(),
            "--disable-gpu".to_owned(),
            "--disable-dev-shm-usage".to_owned(),
            "--no-first-run".to_owned(),
            "--disable-background-networking".to_owned(),
            "--disable-component-update".to_owned(),
            "--disable-sync".to_owned(),
            "--window-size=1200,2000".to_owned(),
            format!("--user-data-dir={}", profile.path().display()),
        ];
        let capabilities = json!({"capabilities": {"alwaysMatch": {"goog:chromeOptions": {"args": arguments}}}});
        let started = driver_client.post("/session", &capabilities).expect(200);
        let path = format!("{}/session/{}", driver_client.base(), started["value"]["sessionId"].as_str().unwrap());
        Self { driver, session: Client::new(&path, None), _profile: profile }
    }

    fn open(&self, url: &str) {
        self.session.post("/url", &json!({"url": url})).expect(200);
    }

    /// Waits for the first element that matches the selector and returns its path.
    fn find(&self, selector: &str) -> String {
        let mut found = None;
        wait_until(selector, || {
            let response = self.session.post("/element", &json!({"using": "css selector", "value": selector}));
            found = response.json()["value"][ELEMENT].as_str().map(|id| format!("/element/{id}"));
            found.is_some()
        });
        found.unwrap()
    }

    fn click(&self, selector: &str) {
        let path = format!("{}/click", self.find(selector));
        wait_until(selector, || self.session.post(&path, &json!({})).status == 200);
    }

    fn type_into(&self, selector: &str, text: &str) {
        self.session.post(&format!("{}/value", self.find(selector)), &json!({"text": text})).expect(200);
    }

    /// Emulates a phone with dark pages, 390 pixels wide.
    fn emulate_dark_phone(&self) {
        let metrics = json!({"width": 390, "height": 844, "deviceScaleFactor": 1, "mobile": true});
        let dark = json!({"features": [{"name": "prefers-color-scheme", "value": "dark"}]});
        for (command, parameters) in
            [("Emulation.setDeviceMetricsOverride", metrics), ("Emulation.setEmulatedMedia", dark)]
        {
            let body = json!({"cmd": command, "params": parameters});
            self.session.post("/goog/cdp/execute", &body).expect(200);
        }
    }

    /// The value that a script returns.
    fn evaluate(&self, script: &str) -> Value {
        self.session.post("/execute/sync", &json!({"script": script, "args": []})).expect(200)["value"].clone()
    }

    fn text(&self, selector: &str) -> String {
        let response = self.session.get(&format!("{}/text", self.find(selector))).expect(200);
        response["value"].as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.session.try_send("DELETE", "", &[], b"");
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

#[test]
fn authorizes_and_creates_a_call_in_swagger_ui() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let client = server.client();
    // The example of the document refers to contact 1.
    for name in ["Leslie", "Henri"] {
        client.create_contact(name);
    }
    let browser = Browser::start();
    browser.open(&format!("{}/docs/", server.base));
    browser.click(".auth-wrapper .btn.authorize");
    browser.type_into(".auth-container input", server.token().unwrap());
    browser.click(".auth-btn-wrapper .btn.authorize");
    browser.click(".auth-btn-wrapper .btn-done");
    let operation = "#operations-Calls-createCall";
    browser.click(&format!("{operation} .opblock-summary-control"));
    browser.click(&format!("{operation} .execute"));
    let status = browser.text(&format!("{operation} .live-responses-table tbody .response-col_status"));
    let body =
        browser.text(&format!("{operation} .live-responses-table tbody .response-col_description .highlight-code"));
    assert!(status.starts_with("201"), "{status}: {body}");
    let start = body.find('{').expect("a response on the page");
    let mut responses = serde_json::Deserializer::from_str(&body[start..]).into_iter::<Value>();
    let shown = responses.next().unwrap().unwrap();
    assert_eq!(shown["data"]["contact"]["first_name"], "Leslie");
    assert_eq!(client.get("/api/calls/1").expect(200), shown, "the page shows the stored call");
}

#[test]
fn pages_fit_a_phone_and_are_dark() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let browser = Browser::start();
    browser.emulate_dark_phone();
    for (page, title) in [("/", "h1"), ("/docs/", ".info .title")] {
        browser.open(&format!("{}{page}", server.base));
        browser.find(title);
        let width = browser.evaluate("return document.documentElement.scrollWidth");
        assert_eq!(width, 390, "{page}");
        // Red, green and blue of a text: bright on a dark page.
        let color = browser.evaluate(&format!(
            "return getComputedStyle(document.querySelector('{title}')).color.match(/[0-9]+/g).map(Number)"
        ));
        assert!(color.as_array().unwrap().iter().all(|part| part.as_u64() > Some(150)), "{page}: {color}");
    }
}
