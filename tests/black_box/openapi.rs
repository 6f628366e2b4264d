//! The OpenAPI document and Swagger UI.

use serde_json::{Value, json};
use support::{Client, Setup};

#[test]
fn matches_the_document_in_the_repository() {
    let generated = Setup::sqlite().output(&["openapi"]);
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/openapi.json");
    let checked_in = std::fs::read_to_string(path).unwrap();
    assert!(
        generated == checked_in.trim_end(),
        "run `cargo run -- openapi > docs/openapi.json` and review the difference"
    );
}

#[test]
fn serves_the_generated_document_and_swagger_ui() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let anonymous = server.client().with_token(None);
    let document = anonymous.get("/openapi.json").expect(200);
    let generated = setup.output(&["openapi"]).replace("http://127.0.0.1:8080", server.client().base());
    assert_eq!(document, serde_json::from_str::<Value>(&generated).unwrap(), "with the address of this server");
    let version = |format: &str| {
        let document: Value = serde_json::from_str(&setup.output(&["openapi", "--format", format])).unwrap();
        document["openapi"].clone()
    };
    assert_eq!((version("3.0"), version("3.1")), ("3.0.3".into(), "3.1.0".into()));
    for path in ["/docs/", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js", "/"] {
        let page = anonymous.get(path);
        assert_eq!(page.status, 200, "{path}");
        assert!(!page.body.contains("src=\"http") && !page.body.contains("href=\"http"), "{path} is local");
    }
    let redirect = anonymous.get("/docs");
    assert_eq!((redirect.status, redirect.header("location")), (307, Some("docs/")));
}

#[test]
fn the_examples_of_requests_succeed_with_the_demo_data() {
    let setup = Setup::sqlite();
    setup.output(&["demo"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    let document = client.get("/openapi.json").expect(200);
    let example = |schema: &str| document["components"]["schemas"][schema]["example"].clone();
    client.post("/api/calls", &example("CallInput")).expect(201);
    let batch = example("CallBatchInput");
    let created = client.post("/api/calls/batch", &batch).expect(200);
    assert_eq!(created["meta"], json!({"created": 2, "updated": 0, "unchanged": 0, "refused": 0}));
    assert_eq!(client.post("/api/calls/batch", &batch).expect(200)["meta"]["unchanged"], 2);
    // What Try it out sends if nothing is filled in.
    let snippet = document["paths"]["/api/deleted"]["get"]["description"].as_str().unwrap();
    let path = "/api/deleted?since=-1+day";
    assert!(snippet.contains(&format!("curl -X GET '{}{path}'", server.base)), "{snippet}");
    client.get(path).expect(200);
}
