//! Full disks, and files and databases that are read-only.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use support::{Client, Setup, Store, expect_failure};

use crate::crash::assert_sqlite_intact;
#[cfg(target_os = "linux")]
use crate::write_history::{BackgroundWriters, OnFailure, WriteHistory, assert_nothing_lost};
#[cfg(target_os = "linux")]
use crate::{assert_stops_without_internal_error, create_contacts};

/// The largest file in bytes; larger writes fail as on a full disk.
#[cfg(target_os = "linux")]
const FILE_LIMIT: u64 = 1_000_000;

/// Limits the size of files that the server may write.
#[cfg(target_os = "linux")]
fn limit_file_size(server: &support::Server, limit: &str) {
    let pid = server.id().to_string();
    let status = std::process::Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}:")]).status();
    assert!(status.unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn rejects_writes_on_a_full_disk_and_loses_nothing() {
    let setup = Setup::sqlite();
    // The signal of the limit is ignored, so that the write itself fails.
    let server = setup.serve_under(&["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    let client = server.client();
    let contacts = create_contacts(&client);
    let unused = client.with_token(Some(&setup.new_token()));
    let mut histories = WriteHistory::of_writers(6);
    for _ in 0..crate::quick_or_long(3, 20) {
        let writers = BackgroundWriters::start(histories, &client, &contacts, OnFailure::Continue);
        let size = || std::fs::metadata(setup.folder().join("data/callbook.db-wal")).map_or(0, |file| file.len());
        limit_file_size(&server, &size().max(FILE_LIMIT / 10).to_string());
        let content = "x".repeat(90_000);
        let large =
            json!({"contact_id": contacts[0], "called_at": "2018-02-02", "content": format!("large {content}")});
        support::wait_until("a full disk", || {
            let response = client.post("/api/calls", &large);
            if response.status == 201 {
                let id = response.json()["data"]["id"].clone();
                client.delete(&format!("/api/calls/{id}"));
            } else {
                response.expect_unavailable();
            }
            response.status == 503
        });
        assert_eq!(client.get("/api/contacts").status, 200, "reads still work");
        assert_eq!(unused.get("/api/contacts").status, 200, "also with a token whose first use cannot be recorded");
        std::thread::sleep(std::time::Duration::from_millis(200));
        limit_file_size(&server, "unlimited");
        support::wait_until("a successful write", || {
            let response = client.post(
                "/api/calls",
                &json!({"contact_id": contacts[0], "called_at": "2018-02-02", "content": "large after recovery"}),
            );
            response.status == 201
        });
        histories = writers.stop();
        // The calls of this test are deleted, whether or not their request succeeded.
        for call in client.get("/api/calls?limit=100&sort=-created_at").expect(200)["data"].as_array().unwrap() {
            if call["content"].as_str().unwrap().starts_with("large") {
                client.delete(&format!("/api/calls/{}", call["id"])).expect(200);
            }
        }
        assert_nothing_lost(&client, &mut histories);
        assert_sqlite_intact(setup.sqlite_file().to_str().unwrap());
    }
    let failed: usize = histories.iter().map(|history| history.failed).sum();
    assert!(failed > 0, "writes were rejected");
    assert_stops_without_internal_error(server);
}

/// On a file system that is really full, SQLite rolls back the whole transaction by itself. The file system is large
/// enough for the WAL: if the WAL takes all the freed space, no checkpoint is possible.
#[cfg(all(target_os = "linux", feature = "long"))]
#[test]
fn recovers_from_a_full_file_system() {
    use std::io::Write;
    const ROUNDS: usize = 10;
    const MOUNT: &str = "mkdir data && mount -t tmpfs -o size=160m callbook data && exec \"$@\"";
    let setup = Setup::sqlite();
    // The mount is private to the server and ends with it.
    let server = setup.serve_under(&["unshare", "--mount", "--map-root-user", "sh", "-c", MOUNT, "sh"]);
    let data = format!("/proc/{}/root{}/data", server.id(), setup.folder().display());
    let client = server.client();
    let contacts = create_contacts(&client);
    let mut histories = WriteHistory::of_writers(24);
    for _ in 0..ROUNDS {
        let writers = BackgroundWriters::start(histories, &client, &contacts, OnFailure::Continue);
        let filler = format!("{data}/filler");
        let mut file = std::fs::File::create(&filler).unwrap();
        support::wait_until("a full disk", || {
            while file.write_all(&[0; 8_192]).is_ok() {}
            let body = json!({"contact_id": 999_999, "called_at": "2018-02-02", "content": "x"});
            client
                .post("/api/contacts", &json!({"first_name": "x".repeat(255), "description": "x".repeat(50_000)}))
                .status
                == 503
                && client.post("/api/calls", &body).status != 500
        });
        std::thread::sleep(std::time::Duration::from_millis(100));
        std::fs::remove_file(&filler).unwrap();
        drop(file);
        support::wait_until("a successful write", || {
            client.put(&format!("/api/contacts/{}", contacts[0]), &json!({"first_name": "Leslie"})).status == 200
        });
        histories = writers.stop();
        assert_nothing_lost(&client, &mut histories);
        assert_sqlite_intact(&format!("{data}/callbook.db"));
        // Free the space for the next round.
        for call in client.get("/api/contacts?limit=100&sort=-created_at").expect(200)["data"].as_array().unwrap() {
            if call["first_name"].as_str().unwrap().starts_with("xxx") {
                client.delete(&format!("/api/contacts/{}", call["id"])).expect(200);
            }
        }
    }
    let failed: usize = histories.iter().map(|history| history.failed).sum();
    assert!(failed > 0, "writes were rejected");
    println!("times full: {ROUNDS}, rejected writes: {failed}, lost: 0, incomplete: 0");
    assert_stops_without_internal_error(server);
}

/// A program that runs its arguments as a user without permissions, because root may write everywhere.
fn unprivileged_program(setup: &Setup) -> Vec<String> {
    let user_id = std::process::Command::new("id").arg("-u").output().unwrap();
    if user_id.stdout.trim_ascii() != b"0" {
        return vec!["env".into()];
    }
    // That user may have no access to the folder of the binary.
    let binary = setup.folder().join("callbook");
    std::fs::copy(support::binary(), &binary).unwrap();
    std::fs::set_permissions(setup.folder(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let run = format!("shift; exec {} \"$@\"", binary.display());
    ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "sh", "-c", &run, "sh"].map(str::to_owned).into()
}

fn chmod(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn names_an_unwritable_folder_and_keeps_the_data() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let token = server.token().unwrap().to_owned();
    let call = server.client().create_call(server.client().create_contact("Leslie"), "2018-02-02");
    assert_eq!(server.stop().0, Some(0));
    let (data, file) = (setup.folder().join("data"), setup.sqlite_file());
    let program = unprivileged_program(&setup);
    let program: Vec<_> = program.iter().map(String::as_str).collect();
    for (folder_mode, file_mode) in [(0o555, 0o444), (0o755, 0o444), (0o000, 0o644)] {
        chmod(&file, file_mode);
        chmod(&data, folder_mode);
        let output = setup.run_serve_under(&program);
        chmod(&data, 0o777);
        chmod(&file, 0o666);
        let error = expect_failure(output, 1);
        assert!(error.contains("data") && error.lines().count() == 1, "{folder_mode:o} {file_mode:o}: {error}");
    }
    let server = setup.serve_under(&program);
    let client = Client::new(&server.base, Some(&token));
    assert_eq!(client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"]["content"], call["content"]);
    client.create_call(1, "2018-02-03");
    drop(server);
    assert_sqlite_intact(file.to_str().unwrap());
}

#[test]
fn rejects_a_read_only_file_with_the_wal_of_a_killed_server() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    server.client().create_contact("Leslie");
    server.kill();
    let (data, file) = (setup.folder().join("data"), setup.sqlite_file());
    let program = unprivileged_program(&setup);
    let program: Vec<_> = program.iter().map(String::as_str).collect();
    // The kill leaves the WAL and its shared memory file.
    for path in [&file, &data.join("callbook.db-wal"), &data.join("callbook.db-shm")] {
        chmod(path, 0o444);
    }
    chmod(&data, 0o555);
    let output = setup.run_serve_under(&program);
    chmod(&data, 0o777);
    assert!(expect_failure(output, 1).contains("readonly database"));
}

#[test]
fn rejects_only_writes_while_the_database_is_read_only() {
    let setup = Setup::postgres();
    let Store::Postgres(database) = setup.store() else { unreachable!() };
    let server = setup.serve();
    let client = server.client();
    let contact = client.create_contact("Leslie");
    let call = client.create_call(contact, "2018-02-02");
    let unused = client.with_token(Some(&setup.new_token()));
    let read_only = |value: &str| {
        database.execute(&format!(
            "BEGIN READ WRITE; \
             DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = {value}', current_database()); END $$; \
             COMMIT; \
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ));
    };
    let body = json!({"contact_id": contact, "called_at": "2018-02-02", "content": "x"});
    let path = format!("/api/calls/{}", call["id"]);
    read_only("on");
    support::wait_until("reconnected readers", || client.get(&path).status == 200);
    support::wait_until("reconnected writers", || client.post("/api/calls", &body).status == 503);
    client.post("/api/calls", &body).expect_unavailable();
    client.put(&path, &body).expect_unavailable();
    client.delete(&path).expect_unavailable();
    assert_eq!(client.get(&path).expect(200)["data"], call);
    assert_eq!(unused.get(&path).expect(200)["data"], call, "a use of a token that cannot be recorded");
    read_only("off");
    support::wait_until("a successful write", || client.put(&path, &body).status == 200);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 1);
}
