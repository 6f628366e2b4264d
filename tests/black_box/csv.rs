//! `GET /api/calls.csv` and `GET /api/contacts/:id/calls.csv`.

use serde_json::{Value, json};
use support::{Client, Setup, on_both_stores};

on_both_stores!(
    exports_every_call_in_rfc_4180,
    exports_what_the_filters_find_in_the_order_of_the_sort,
    quotes_and_disarms_cells,
    exports_more_calls_than_are_read_at_once,
    refuses_what_lists_refuse,
);

const HEADER: &str =
    "id,called_at,contact_id,contact_name,direction,answered,duration_seconds,phone_number,content,external_id";

/// Parses RFC 4180: rows end with CRLF, cells with a comma, a quote or a line break are in quotes, and quotes are
/// doubled.
fn parse(csv: &str) -> Vec<Vec<String>> {
    let (mut rows, mut row, mut cell) = (Vec::new(), Vec::new(), String::new());
    let mut chars = csv.chars().peekable();
    let mut is_quoted = false;
    while let Some(c) = chars.next() {
        match c {
            '"' if is_quoted && chars.peek() == Some(&'"') => cell.push(chars.next().unwrap()),
            '"' if is_quoted => {
                is_quoted = false;
                assert!(matches!(chars.peek(), Some(',' | '\r')), "a quote ends a cell: {csv:?}");
            }
            '"' => {
                assert!(cell.is_empty(), "a quote begins a cell: {csv:?}");
                is_quoted = true;
            }
            ',' if !is_quoted => row.push(std::mem::take(&mut cell)),
            '\r' if !is_quoted => {
                assert_eq!(chars.next(), Some('\n'), "{csv:?}");
                row.push(std::mem::take(&mut cell));
                rows.push(std::mem::take(&mut row));
            }
            '\n' if !is_quoted => panic!("a line feed without a carriage return: {csv:?}"),
            c => cell.push(c),
        }
    }
    assert!(!is_quoted && cell.is_empty() && row.is_empty(), "the last row ends with CRLF: {csv:?}");
    rows
}

/// Returns the rows after the header.
fn export(client: &Client, path: &str) -> Vec<Vec<String>> {
    let response = client.get(path);
    assert_eq!(response.status, 200, "{path}: {}", response.body);
    assert_eq!(response.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    let mut rows = parse(&response.body);
    assert_eq!(rows.remove(0).join(","), HEADER);
    assert!(rows.iter().all(|row| row.len() == 10), "{rows:?}");
    rows
}

fn ids(rows: &[Vec<String>]) -> Vec<i64> {
    rows.iter().map(|row| row[0].parse().unwrap()).collect()
}

fn create(client: &Client, body: &Value) -> i64 {
    client.post("/api/calls", body).expect(201)["data"]["id"].as_i64().unwrap()
}

fn exports_every_call_in_rfc_4180(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let empty = client.get("/api/calls.csv");
    assert_eq!((empty.status, empty.body), (200, format!("{HEADER}\r\n")), "only the header");
    let zoe = json!({"first_name": "Zoë", "last_name": "Brontë", "nickname": "Z"});
    let contact = client.post("/api/contacts", &zoe).expect(201)["data"]["id"].as_i64().unwrap();
    let call = |called_at: &str| json!({"contact_id": contact, "called_at": called_at, "content": "x"});
    let plain = create(&client, &call("2018-02-02"));
    let mut full = call("2018-02-03 10:00:05");
    full.as_object_mut().unwrap().extend(
        json!({
            "contact_called": true, "answered": false, "duration_seconds": 0, "phone_number": "+41 (0)31 000-00-00",
            "content": "He said \"hi\", and\r\nleft; 🎉", "external_id": "pbx,1",
        })
        .as_object()
        .unwrap()
        .clone(),
    );
    let full = create(&client, &full);
    let mut outgoing = call("0001-01-01");
    outgoing["contact_called"] = json!(false);
    outgoing["answered"] = json!(true);
    let outgoing = create(&client, &outgoing);
    let name = client.get(&format!("/api/contacts/{contact}")).expect(200)["data"]["complete_name"].clone();
    let name = name.as_str().unwrap();
    let response = client.get("/api/calls.csv");
    let expected = format!(
        "{HEADER}\r\n\
         {full},2018-02-03T10:00:05Z,{contact},{name},incoming,false,0,+41 (0)31 000-00-00,\
         \"He said \"\"hi\"\", and\r\nleft; 🎉\",\"pbx,1\"\r\n\
         {plain},2018-02-02T00:00:00Z,{contact},{name},,,,,x,\r\n\
         {outgoing},0001-01-01T00:00:00Z,{contact},{name},outgoing,true,,,x,\r\n"
    );
    assert_eq!(response.body, expected);
    assert!(response.header("x-request-id").is_some());
    assert_eq!(client.get(&format!("/api/contacts/{contact}/calls.csv")).body, expected);
    assert_eq!(client.get("/api/calls.csv/").body, expected);
    let head = client.send("HEAD", "/api/calls.csv", &[], b"");
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert_eq!(head.header("content-type"), response.header("content-type"));
    let other = client.with_token(Some(&setup.new_account_token()));
    assert_eq!(export(&other, "/api/calls.csv"), [[""; 0]; 0], "another account");
    let read_only = client.with_token(Some(&setup.output(&["token", "create", "--read-only"])));
    assert_eq!(read_only.get("/api/calls.csv").body, expected);
}

fn exports_what_the_filters_find_in_the_order_of_the_sort(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contacts = [client.create_contact("Leslie"), client.create_contact("Henri")];
    for n in 0..60 {
        let body = json!({
            "contact_id": contacts[n % 2], "called_at": format!("2018-02-{:02}", n % 20 + 1),
            "content": format!("word{}", n % 3), "answered": n % 4 == 0, "external_id": format!("id-{n}"),
        });
        create(&client, &body);
    }
    for filters in [
        "",
        "query=word1",
        "query=word1&answered=false",
        "called_after=2018-02-05&called_before=2018-02-10",
        "external_id=id-7",
        "updated_since=-1+hour&query=WORD2",
        "contact_id=2&answered=1",
        "query=nobody",
    ] {
        for sort in ["", "&sort=called_at", "&sort=-created_at", "&sort=updated_at"] {
            for list in ["/api/calls".to_owned(), format!("/api/contacts/{}/calls", contacts[0])] {
                let listed = client.get(&format!("{list}?limit=100&{filters}{sort}")).expect(200);
                // Exports have no pages.
                let rows = export(&client, &format!("{list}.csv?{filters}{sort}&limit=3&page=2"));
                assert_eq!(ids(&rows), support::ids(&listed), "{list} {filters}{sort}");
            }
        }
    }
}

fn quotes_and_disarms_cells(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let named = json!({"first_name": "=HYPERLINK(\"http://example.org\",\"x\")", "last_name": "-"});
    let contact = client.post("/api/contacts", &named).expect(201)["data"]["id"].as_i64().unwrap();
    let cells = [
        ("=1+1", "'=1+1"),
        ("+1+1", "'+1+1"),
        ("-1+1", "'-1+1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("=cmd|' /C calc'!A0", "'=cmd|' /C calc'!A0"),
        ("+", "'+"),
        ("-", "'-"),
        ("--5", "'--5"),
        ("+1 555 0100", "+1 555 0100"),
        ("+41 (0)31 000-00-00", "+41 (0)31 000-00-00"),
        ("-12.5", "-12.5"),
        ("-12", "-12"),
        ("plain = text", "plain = text"),
        ("'quoted'", "'quoted'"),
        ("a,b", "a,b"),
        ("\"", "\""),
        ("a\nb\rc\r\nd", "a\nb\rc\r\nd"),
        ("\u{1}\u{7f}", "\u{1}\u{7f}"),
    ];
    for (text, expected) in cells {
        let body = json!({
            "contact_id": contact, "called_at": "2018-02-02", "content": text, "external_id": text,
            "phone_number": text,
        });
        let id = create(&client, &body);
        let rows = export(&client, &format!("/api/calls.csv?external_id={}", support::encode(text)));
        assert_eq!(ids(&rows), [id]);
        let [name, phone, content, external_id] = [3, 7, 8, 9].map(|n| rows[0][n].as_str());
        assert_eq!([phone, content, external_id], [expected; 3], "{text:?}");
        assert!(name.starts_with("'=HYPERLINK"), "{name}");
    }
}

fn exports_more_calls_than_are_read_at_once(setup: Setup) {
    setup.output(&["demo", "--contacts", "30", "--calls", "3000"]);
    let server = setup.serve();
    let client = Client::new(&server.base, Some(&setup.new_token()));
    let rows = export(&client, "/api/calls.csv?sort=created_at");
    let mut all = ids(&rows);
    assert_eq!(all.len(), 3_000);
    all.sort_unstable();
    assert_eq!(all, (1..=3_000).collect::<Vec<_>>());
    assert!(rows.iter().all(|row| row[9].starts_with("demo-") && !row[6].is_empty() && row[7].starts_with("+1 ")));
    let parallel: Vec<_> = std::thread::scope(|scope| {
        let exports = [0; 3].map(|_| scope.spawn(|| export(&client, "/api/calls.csv?query=laughed").len()));
        exports.map(|export| export.join().unwrap()).into()
    });
    let found = client.get("/api/calls?query=laughed").expect(200)["meta"]["total"].as_u64().unwrap();
    assert!(found > 0 && parallel.iter().all(|rows| *rows as u64 == found), "{parallel:?}, not {found}");
    let first = client.get("/api/contacts/1/calls").expect(200)["meta"]["total"].as_u64().unwrap();
    assert_eq!(export(&client, "/api/contacts/1/calls.csv").len() as u64, first);
}

fn refuses_what_lists_refuse(setup: Setup) {
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    for list in ["/api/calls.csv", &format!("/api/contacts/{contact}/calls.csv")] {
        client.get(&format!("{list}?sort=bogus")).expect_error(400, 39, "The sorting criteria is invalid");
        let refused = client.get(&format!("{list}?called_after=soonish"));
        refused.expect_error(400, 41, "Invalid parameters: called_after.");
        client.with_token(None).get(list).expect_error(401, 42, "Unauthenticated.");
        let posted = client.post(list, &json!({}));
        assert_eq!((posted.status, posted.header("allow")), (405, Some("GET, HEAD")));
    }
    for id in ["999999", "0", "x"] {
        client.get(&format!("/api/contacts/{id}/calls.csv")).expect_not_found();
    }
    let other = client.with_token(Some(&setup.new_account_token()));
    other.get(&format!("/api/contacts/{contact}/calls.csv")).expect_not_found();
}
