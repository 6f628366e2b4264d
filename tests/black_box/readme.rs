//! The examples of the README, in their order.

use serde_json::Value;
use support::{Response, Server, Setup, Store, on_both_stores};
use throwaway_postgres::Throwaway;

on_both_stores!(the_examples_of_the_readme_work);

/// Returns the indented blocks of a section of the README.
fn blocks_of_section(title: &str) -> Vec<String> {
    let readme = include_str!("../../README.md");
    let (_, section) = readme.split_once(title).unwrap();
    blocks(section.split_once("\n## ").unwrap().0)
}

fn the_examples_of_the_readme_work(setup: Setup) {
    let server = setup.serve();
    let mut blocks = blocks_of_section("## Log a call").into_iter();
    let contact = run(&server, blocks.next().unwrap().strip_prefix("TOKEN=cb_…\n").unwrap()).expect(201);
    assert_eq!(contact["data"]["id"], 1, "as the README says");
    let call = run(&server, &blocks.next().unwrap()).expect(201);
    assert_eq!(call["data"]["content"], "He called, we had fun.");
    let list = run(&server, &blocks.next().unwrap()).expect(200);
    assert_eq!((&list["data"][0], &list["meta"]["total"]), (&call["data"], &1.into()));
    let error = run(&server, &blocks.next().unwrap()).expect(422);
    assert_eq!(error, serde_json::from_str::<Value>(&blocks.next().unwrap()).unwrap());
    let demo = blocks.next().unwrap();
    let arguments = words(demo.strip_prefix("cargo run --profile quick -- ").unwrap());
    setup.output(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
    assert_eq!(server.client().get("/api/calls").expect(200)["meta"]["total"], 5, "the call and those of the demo");
    assert_eq!(blocks.next(), None);
}

#[test]
fn the_examples_for_postgresql_work() {
    let postgres = Throwaway::start();
    let blocks = blocks_of_section("### PostgreSQL");
    let [create, serve] = &blocks[..] else { panic!("{blocks:?}") };
    for command in create.lines().map(words) {
        match &command.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["sudo", "-u", "postgres", "psql", "-c", sql] => postgres.execute(sql),
            ["sudo", "-u", "postgres", "createdb", "--owner", owner, name] => {
                postgres.execute(&format!("CREATE DATABASE {name} OWNER {owner}"));
            }
            other => panic!("{other:?}"),
        }
    }
    let url = serve.trim_end().strip_prefix("DATABASE_URL=postgres://").unwrap();
    let (user, database) = url.strip_suffix(" callbook serve").unwrap().split_once("@localhost/").unwrap();
    let url = postgres.url(database).replace("postgres@", &format!("{user}@"));
    Setup::on(Store::Url(url)).serve().client().get("/api/me").expect(200);
}

#[test]
fn the_commands_to_bring_calls_work() {
    let setup = Setup::sqlite();
    setup.migrate();
    let mut commands = 0;
    for block in blocks_of_section("## Bring your calls") {
        let mut words = words(&block);
        if words[0] != "callbook" {
            assert!(words[0].starts_with("MONICA_TOKEN="), "{block}");
            continue;
        }
        let file = match words[2].as_str() {
            "contacts.vcf" => "contacts.vcf",
            "calls-20180203.xml" => "sms-backup-restore.xml",
            "calls.json" => "android.json",
            "/var/log/asterisk/cdr-csv/Master.csv" => "Master.csv",
            "FRITZ!Box_Anrufliste.csv" => "fritzbox.csv",
            "calls.csv" => "calls.csv",
            "monica.json" => "monica-export.json",
            other => panic!("{other}"),
        };
        words[2] = crate::import_calls::data(file);
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        assert!(setup.output(&arguments).contains(" added, "), "{block}");
        commands += 1;
    }
    assert_eq!(commands, 7);
}

/// Returns the indented blocks of a text.
fn blocks(text: &str) -> Vec<String> {
    let mut blocks = vec![String::new()];
    for line in text.lines() {
        match (line.strip_prefix("    "), blocks.last_mut()) {
            (Some(line), Some(block)) => block.extend([line, "\n"]),
            (None, Some(block)) if !block.is_empty() => blocks.push(String::new()),
            _ => {}
        }
    }
    blocks.retain(|block| !block.is_empty());
    blocks
}

/// Sends the request of a curl command. The machine may lack curl.
fn run(server: &Server, command: &str) -> Response {
    let mut words = words(command).into_iter();
    assert_eq!(words.next().as_deref(), Some("curl"));
    let (mut path, mut headers, mut body) = (None, Vec::new(), None);
    while let Some(word) = words.next() {
        match word.as_str() {
            "-s" => {}
            "-H" => headers.push(words.next().unwrap()),
            "-d" => body = words.next(),
            url => path = Some(url.strip_prefix("http://127.0.0.1:8080").unwrap().to_owned()),
        }
    }
    let bearer = format!("Bearer {}", server.token().unwrap());
    let headers: Vec<_> = headers.iter().map(|header| header.split_once(": ").unwrap()).collect();
    assert!(headers.contains(&("Authorization", "Bearer $TOKEN")), "{command}");
    let content_type = headers.iter().find(|(name, _)| *name == "Content-Type");
    let content_type = content_type.map_or("application/x-www-form-urlencoded", |(_, value)| value);
    let method = if body.is_some() { "POST" } else { "GET" };
    let headers = [("Authorization", bearer.as_str()), ("Content-Type", content_type)];
    server.client().with_token(None).send(method, &path.unwrap(), &headers, body.unwrap_or_default().as_bytes())
}

/// Splits a command into words, as a shell does.
fn words(command: &str) -> Vec<String> {
    let (mut words, mut quote) = (vec![String::new()], None);
    for c in command.replace("\\\n", " ").trim().chars() {
        match (c, quote, words.last_mut()) {
            (c, Some(open), _) if c == open => quote = None,
            ('"' | '\'', None, _) => quote = Some(c),
            (c, None, Some(word)) if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(String::new());
                }
            }
            (c, _, Some(word)) => word.push(c),
            (_, _, None) => {}
        }
    }
    words
}
