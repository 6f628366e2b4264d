//! `GET /api/deleted`, and an offline copy that follows the server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{Client, Setup, ids, on_both_stores};

on_both_stores!(
    lists_deleted_calls_and_contacts_oldest_first,
    lists_deletions_of_the_account_only,
    pages_deletions_by_cursor_only,
    rejects_a_time_that_is_missing_or_too_long_ago,
    leaves_deletions_out_of_a_backup,
    keeps_an_offline_copy_equal_under_concurrent_writers,
);

fn create(client: &Client, contact: i64, external_id: Option<&str>) -> Value {
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x", "external_id": external_id});
    client.post("/api/calls", &body).expect(201)["data"].clone()
}

fn lists_deleted_calls_and_contacts_oldest_first(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let (leslie, henri) = (client.create_contact("Leslie"), client.create_contact("Henri"));
    let contact = client.get(&format!("/api/contacts/{leslie}")).expect(200)["data"].clone();
    let calls = [create(&client, leslie, Some("pbx-1")), create(&client, henri, None), create(&client, leslie, None)];
    let none = client.get("/api/deleted?since=-1+day").expect(200);
    assert_eq!((&none["data"], &none["meta"]["total"]), (&json!([]), &json!(0)));
    // A deletion that fails is none.
    client.delete("/api/calls/999999").expect_not_found();
    client.send("DELETE", &format!("/api/calls/{}", calls[0]["id"]), &[("if-match", "\"other\"")], b"").expect(412);
    client.delete(&format!("/api/calls/{}", calls[1]["id"])).expect(200);
    support::wait_for_next_second();
    client.delete(&format!("/api/contacts/{leslie}")).expect(200);
    let page = client.get("/api/deleted?since=-1+day").expect(200);
    let deleted = page["data"].as_array().unwrap();
    let expect = |object: &str, item: &Value, n: usize| {
        let times: Vec<_> = deleted.iter().map(|deletion| deletion["deleted_at"].as_str().unwrap()).collect();
        assert!(times.is_sorted(), "{times:?}");
        let external_id = item.get("external_id").unwrap_or(&Value::Null);
        let expected = json!({
            "object": object, "id": item["id"], "uuid": item["uuid"], "external_id": external_id,
            "deleted_at": deleted[n]["deleted_at"],
        });
        assert_eq!(deleted[n], expected);
        assert_eq!(times[n].len(), "2018-02-02T00:00:00Z".len());
    };
    assert_eq!(deleted.len(), 4, "{page}");
    expect("call", &calls[1], 0);
    // The calls of a deleted contact are deleted with it.
    expect("call", &calls[0], 1);
    expect("call", &calls[2], 2);
    expect("contact", &contact, 3);
    assert_eq!(page["meta"]["total"], 4);
    let since = |time: &Value| {
        let time = support::encode(time.as_str().unwrap());
        ids(&client.get(&format!("/api/deleted?since={time}")).expect(200)).len()
    };
    assert_eq!((since(&deleted[0]["deleted_at"]), since(&deleted[1]["deleted_at"])), (4, 3), "from the instant on");
    assert_eq!(since(&json!("+1 minute")), 0);
}

fn lists_deletions_of_the_account_only(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let other = client.with_token(Some(&setup.new_account_token()));
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    client.delete(&format!("/api/calls/{}", call["id"])).expect(200);
    assert_eq!(other.get("/api/deleted?since=-1+day").expect(200)["meta"]["total"], 0);
    let read_only = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    assert_eq!(read_only.get("/api/deleted?since=-1+day").expect(200)["meta"]["total"], 1);
    client.with_token(None).get("/api/deleted?since=-1+day").expect_error(401, 42, "Unauthenticated.");
}

fn pages_deletions_by_cursor_only(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let calls: Vec<i64> = (0..23).map(|_| create(&client, contact, None)["id"].as_i64().unwrap()).collect();
    client.delete(&format!("/api/contacts/{contact}")).expect(200);
    let mut path = "/api/deleted?since=-1+day&limit=7".to_owned();
    let mut listed = Vec::new();
    loop {
        let page = client.get(&path).expect(200);
        let (links, meta) = (&page["links"], &page["meta"]);
        for value in [&links["last"], &meta["current_page"], &meta["last_page"], &meta["from"], &meta["to"]] {
            assert_eq!(value, &Value::Null, "{page}");
        }
        assert_eq!((&meta["total"], &meta["per_page"]), (&json!(24), &json!(7)));
        listed.extend(ids(&page));
        let Some(next) = links["next"].as_str() else { break };
        assert!(next.contains("/api/deleted?since=-1+day&limit=7&cursor="), "{next}");
        next.strip_prefix(&server.base).unwrap().clone_into(&mut path);
    }
    assert_eq!(listed, [&calls[..], &[contact]].concat(), "one second may have all of them");
    let ten = client.get("/api/deleted?since=-1+day").expect(200);
    assert_eq!((ids(&ten).len(), &ten["meta"]["per_page"]), (10, &json!(10)));
    let refused = client.get("/api/deleted?since=-1+day&page=2&cursor=");
    refused.expect_error(400, 41, "Invalid parameters: cursor.");
    client.get("/api/deleted?since=-1+day&limit=101").expect_error(400, 30, "The limit parameter is too big");
    assert_eq!(client.post("/api/deleted", &json!({})).header("allow"), Some("GET, HEAD"));
}

fn rejects_a_time_that_is_missing_or_too_long_ago(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    for query in ["", "?since=", "?since=%20", "?since=soonish", "?since=1520587800", "?since[]=yesterday"] {
        client.get(&format!("/api/deleted{query}")).expect_error(400, 41, "Invalid parameters: since.");
    }
    let gone = "Deletions are kept for 180 days only; start with a new copy.";
    for since in ["2018-02-02", "0001-01-01", "-181+days", "-180+days+-5+seconds"] {
        client.get(&format!("/api/deleted?since={since}")).expect_error(410, 49, gone);
    }
    for since in ["-179+days", "-180+days+%2B60+seconds", "now", "9999-12-31"] {
        client.get(&format!("/api/deleted?since={since}")).expect(200);
    }
}

fn leaves_deletions_out_of_a_backup(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    client.delete(&format!("/api/calls/{}", call["id"])).expect(200);
    setup.output(&["backup", "copy"]);
    let restored = Setup::sqlite();
    restored.output(&["restore", setup.folder().join("copy").to_str().unwrap()]);
    let server = restored.serve();
    let copy = client.with_base(&server.base);
    assert_eq!(copy.get("/api/contacts").expect(200)["meta"]["total"], 1);
    assert_eq!(copy.get("/api/deleted?since=-1+day").expect(200)["meta"]["total"], 0);
}

/// A copy of all calls by id, which follows a server as `docs/keeping-in-step.md` describes.
struct OfflineCopy<'a> {
    client: &'a Client,
    calls: BTreeMap<i64, Value>,
    /// The time of the server when the last round began.
    since: String,
}

impl<'a> OfflineCopy<'a> {
    /// Copies all calls.
    fn new(client: &'a Client) -> Self {
        let since = server_time(client);
        let mut copy = Self { client, calls: BTreeMap::new(), since };
        copy.store_all("/api/calls?limit=100&sort=created_at");
        copy
    }

    /// Applies what changed and what was deleted from the start of the last round on, and this many seconds before it.
    fn follow(&mut self, overlap: u64) {
        let start = server_time(self.client);
        let since = support::encode(&format!("{} -{overlap} seconds", self.since));
        self.store_all(&format!("/api/calls?limit=100&sort=updated_at&updated_since={since}"));
        for item in self.all(&format!("/api/deleted?limit=100&since={since}")) {
            if item["object"] == "call" {
                self.calls.remove(&item["id"].as_i64().unwrap());
            }
        }
        self.since = start;
    }

    fn store_all(&mut self, list: &str) {
        for call in self.all(list) {
            self.calls.insert(call["id"].as_i64().unwrap(), call);
        }
    }

    /// Returns all items of a list, by cursor.
    fn all(&self, list: &str) -> Vec<Value> {
        let mut items = Vec::new();
        let mut cursor = String::new();
        loop {
            let mut page = self.client.get(&format!("{list}&cursor={cursor}")).expect(200);
            items.append(page["data"].as_array_mut().unwrap());
            match page["meta"]["next_cursor"].as_str() {
                Some(next) => next.clone_into(&mut cursor),
                None => return items,
            }
        }
    }
}

/// Returns the time of the server.
fn server_time(client: &Client) -> String {
    client.get("/api/calls?limit=1").header("date").unwrap().to_owned()
}

/// Returns all calls by id, from the numbered pages of a server without writers.
fn all_calls(client: &Client) -> BTreeMap<i64, Value> {
    let mut calls = BTreeMap::new();
    for page in 1.. {
        let mut page = client.get(&format!("/api/calls?limit=100&page={page}")).expect(200);
        let items = std::mem::take(page["data"].as_array_mut().unwrap());
        if items.is_empty() {
            assert_eq!(page["meta"]["total"], calls.len());
            break;
        }
        calls.extend(items.into_iter().map(|call| (call["id"].as_i64().unwrap(), call)));
    }
    calls
}

/// What the writers of a test share: the highest ids, and the duration of the slowest write in milliseconds.
#[derive(Default)]
struct Writers {
    seed: AtomicU64,
    contact: AtomicU64,
    call: AtomicU64,
    slowest: AtomicU64,
}

impl Writers {
    /// Returns a number from 1 to the maximum, different each time.
    fn choose(&self, max: u64) -> u64 {
        let n = self.seed.fetch_add(1, Ordering::Relaxed).wrapping_mul(6_364_136_223_846_793_005);
        (n >> 33) % max + 1
    }

    fn any(&self, highest: &AtomicU64) -> u64 {
        self.choose(highest.load(Ordering::Relaxed))
    }

    fn body(&self, external_id: Option<u64>) -> Value {
        let n = self.choose(1_000);
        let external_id = external_id.map(|id| format!("pbx-{id}"));
        json!({
            "contact_id": self.any(&self.contact), "called_at": format!("@{n}"), "content": format!("word{n}"),
            "duration_seconds": n, "external_id": external_id,
        })
    }

    /// Sends a write, whose contact or call another writer may have deleted.
    fn send(&self, client: &Client, method: &str, path: &str, body: &Value) -> Value {
        let start = Instant::now();
        let response = client.json(method, path, body);
        self.slowest.fetch_max(u64::try_from(start.elapsed().as_millis()).unwrap(), Ordering::Relaxed);
        assert!(matches!(response.status, 200 | 201 | 404), "{method} {path}: {}", response.body);
        let written = response.json();
        let id = written["data"]["id"].as_u64();
        let highest = if path == "/api/contacts" { &self.contact } else { &self.call };
        highest.fetch_max(id.unwrap_or_default(), Ordering::Relaxed);
        written
    }

    /// Writes as the n-th writer.
    fn write(&self, client: &Client, n: usize) {
        let call = format!("/api/calls/{}", self.any(&self.call));
        match n {
            0 => drop(self.send(client, "POST", "/api/calls", &self.body(None))),
            1 => drop(self.send(client, "POST", "/api/calls", &self.body(Some(self.choose(200))))),
            2 => drop(self.send(client, "PATCH", &call, &self.body(None))),
            3 => {
                let calls: Vec<Value> = (0..10).map(|_| self.body(Some(self.choose(400)))).collect();
                self.send(client, "POST", "/api/calls/batch", &json!({"calls": calls}));
            }
            4 => drop(self.send(client, "DELETE", &call, &Value::Null)),
            _ => {
                self.send(client, "POST", "/api/contacts", &json!({"first_name": "Ann"}));
                for _ in 0..20 {
                    self.send(client, "PUT", &call, &self.body(None));
                }
                self.send(client, "DELETE", &format!("/api/contacts/{}", self.any(&self.contact)), &Value::Null);
            }
        }
    }
}

fn keeps_an_offline_copy_equal_under_concurrent_writers(setup: Setup) {
    setup.output(&["demo", "--contacts", "20", "--calls", "400"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    let writers = Writers { contact: 20.into(), call: 400.into(), ..Writers::default() };
    // A write gets its time while its request runs, so what a round misses began at most so long before its start.
    let overlap = || writers.slowest.load(Ordering::Relaxed) / 1_000 + 2;
    let work = |n: &usize| writers.write(&client, *n);
    let (written, mut copy) = support::run_with_workers(0..6, work, || {
        let mut copy = OfflineCopy::new(&client);
        // Long enough for rounds that do not overlap the first one.
        let end = Instant::now() + Duration::from_secs(8);
        while Instant::now() < end {
            copy.follow(overlap());
        }
        copy
    });
    copy.follow(overlap());
    let (copied, stored) = (copy.calls, all_calls(&client));
    assert!(written > 100 && !stored.is_empty(), "{written} writes, {} calls", stored.len());
    let missing: Vec<_> = stored.iter().filter(|(id, call)| copied.get(id) != Some(call)).collect();
    assert!(missing.is_empty(), "missing or different in the copy: {missing:?}");
    let left: Vec<_> = copied.keys().filter(|id| !stored.contains_key(id)).collect();
    assert!(left.is_empty(), "deleted, but in the copy: {left:?}");
}
