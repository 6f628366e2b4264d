//! A disk that is full, and a folder that may not be written to.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use serde_json::json;
use support::{Client, Setup, Store};

use crate::crash::sound;
use crate::write_history::assert_away;
#[cfg(target_os = "linux")]
use crate::write_history::{Journal, Writers, assert_nothing_lost};

/// The file may not grow beyond this: writes then fail as on a full disk.
#[cfg(target_os = "linux")]
const FILE_LIMIT: u64 = 1_000_000;

#[cfg(target_os = "linux")]
fn limit(server: &support::Server, limit: &str) {
    let pid = server.id().to_string();
    let done = std::process::Command::new("prlimit").args(["--pid", &pid, &format!("--fsize={limit}:")]).status();
    assert!(done.unwrap().success());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_and_nothing_is_lost_or_half_done() {
    let setup = Setup::sqlite();
    // A signal would tell of the limit first; ignored, the write itself fails.
    let server = setup.serve_by(&["sh", "-c", "trap '' XFSZ; exec \"$@\"", "sh"]);
    let client = server.client();
    let contacts = ["Leslie", "Henri", "Ann"].map(|name| client.meet(name));
    let mut journals: Vec<_> = (0..6).map(Journal::new).collect();
    for _ in 0..crate::quick_or_long(3, 20) {
        let writers = Writers::start(journals, &client, &contacts, true);
        let size = || std::fs::metadata(setup.folder().join("data/callbook.db-wal")).map_or(0, |file| file.len());
        limit(&server, &size().max(FILE_LIMIT / 10).to_string());
        let content = "x".repeat(90_000);
        let large =
            json!({"contact_id": contacts[0], "called_at": "2018-02-02", "content": format!("large {content}")});
        support::wait_until("the disk to be full", || {
            let answer = client.post("/api/calls", &large);
            if answer.status == 201 {
                let id = answer.json()["data"]["id"].clone();
                client.delete(&format!("/api/calls/{id}"));
            } else {
                assert_away(&answer);
            }
            answer.status == 503
        });
        assert_eq!(client.get("/api/contacts").status, 200, "what is stored is still shown");
        std::thread::sleep(std::time::Duration::from_millis(200));
        limit(&server, "unlimited");
        support::wait_until("the server's recovery", || {
            let answer = client.post(
                "/api/calls",
                &json!({"contact_id": contacts[0], "called_at": "2018-02-02", "content": "large no more"}),
            );
            answer.status == 201
        });
        journals = writers.stop();
        // What this test itself wrote goes, whether it was answered or not.
        for call in client.get("/api/calls?limit=100&sort=-created_at").expect(200)["data"].as_array().unwrap() {
            if call["content"].as_str().unwrap().starts_with("large") {
                client.delete(&format!("/api/calls/{}", call["id"])).expect(200);
            }
        }
        assert_nothing_lost(&client, &mut journals);
        sound(setup.folder().join("data/callbook.db").to_str().unwrap());
    }
    let refused: usize = journals.iter().map(|journal| journal.unanswered).sum();
    assert!(refused > 0, "the writers felt it");
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("fault"), "a full disk is no fault of ours: {log}");
}

/// The same on a disk of its own that is truly full: SQLite then ends the whole transaction by itself. The disk has room
/// for the longest log: one that takes all the room that is freed leaves none to be taken into the file.
#[cfg(all(target_os = "linux", feature = "long"))]
#[test]
fn a_disk_of_its_own_is_full_for_a_while() {
    use std::io::Write;
    const TIMES: usize = 10;
    const MOUNT: &str = "mkdir data && mount -t tmpfs -o size=160m callbook data && exec \"$@\"";
    let setup = Setup::sqlite();
    // A mount that only the server sees, and that goes with it.
    let server = setup.serve_by(&["unshare", "--mount", "--map-root-user", "sh", "-c", MOUNT, "sh"]);
    let data = format!("/proc/{}/root{}/data", server.id(), setup.folder().display());
    let client = server.client();
    let contacts = ["Leslie", "Henri", "Ann"].map(|name| client.meet(name));
    let mut journals: Vec<_> = (0..24).map(Journal::new).collect();
    for _ in 0..TIMES {
        let writers = Writers::start(journals, &client, &contacts, true);
        let ballast = format!("{data}/ballast");
        let mut file = std::fs::File::create(&ballast).unwrap();
        support::wait_until("the disk to be full", || {
            while file.write_all(&[0; 8_192]).is_ok() {}
            let body = json!({"contact_id": 999_999, "called_at": "2018-02-02", "content": "x"});
            client
                .post("/api/contacts", &json!({"first_name": "x".repeat(255), "description": "x".repeat(50_000)}))
                .status
                == 503
                && client.post("/api/calls", &body).status != 500
        });
        std::thread::sleep(std::time::Duration::from_millis(100));
        std::fs::remove_file(&ballast).unwrap();
        drop(file);
        support::wait_until("the server's recovery", || {
            client.put(&format!("/api/contacts/{}", contacts[0]), &json!({"first_name": "Leslie"})).status == 200
        });
        journals = writers.stop();
        assert_nothing_lost(&client, &mut journals);
        sound(&format!("{data}/callbook.db"));
        // Small again, so that there is always room for the next round.
        for call in client.get("/api/contacts?limit=100&sort=-created_at").expect(200)["data"].as_array().unwrap() {
            if call["first_name"].as_str().unwrap().starts_with("xxx") {
                client.delete(&format!("/api/contacts/{}", call["id"])).expect(200);
            }
        }
    }
    let refused: usize = journals.iter().map(|journal| journal.unanswered).sum();
    assert!(refused > 0, "the writers felt it");
    println!("times full: {TIMES}, writes refused: {refused}, lost: 0, half done: 0");
    let (code, log) = server.stop();
    assert_eq!(code, Some(0));
    assert!(!log.contains("fault"), "a full disk is no fault of ours: {log}");
}

/// The server as a user who owns nothing, because root may write everywhere.
fn as_nobody(setup: &Setup) -> Vec<String> {
    let me = std::process::Command::new("id").arg("-u").output().unwrap();
    if me.stdout.trim_ascii() != b"0" {
        return vec!["env".into()];
    }
    // The binary itself may lie where that user may not look.
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
fn a_folder_that_may_not_be_written_to_is_named_and_costs_nothing() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    let token = server.token().unwrap().to_owned();
    let call = server.client().log(server.client().meet("Leslie"), "2018-02-02");
    assert_eq!(server.stop().0, Some(0));
    let (data, file) = (setup.folder().join("data"), setup.folder().join("data/callbook.db"));
    let nobody = as_nobody(&setup);
    let nobody: Vec<_> = nobody.iter().map(String::as_str).collect();
    for (folder_mode, file_mode) in [(0o555, 0o444), (0o755, 0o444), (0o000, 0o644)] {
        chmod(&file, file_mode);
        chmod(&data, folder_mode);
        let output = setup.run_by(&nobody);
        let error = String::from_utf8(output.stderr).unwrap();
        chmod(&data, 0o777);
        chmod(&file, 0o666);
        assert_eq!(output.status.code(), Some(1), "{folder_mode:o} {file_mode:o}: {error}");
        assert!(error.contains("data") && error.lines().count() == 1, "{folder_mode:o} {file_mode:o}: {error}");
    }
    let server = setup.serve_by(&nobody);
    let client = Client::new(&server.base, Some(&token));
    assert_eq!(client.get(&format!("/api/calls/{}", call["id"])).expect(200)["data"]["content"], call["content"]);
    client.log(1, "2018-02-03");
    drop(server);
    sound(file.to_str().unwrap());
}

#[test]
fn a_file_that_may_only_be_read_is_refused_also_beside_the_log_of_a_killed_server() {
    let setup = Setup::sqlite();
    let server = setup.serve();
    server.client().meet("Leslie");
    server.kill();
    let (data, file) = (setup.folder().join("data"), setup.folder().join("data/callbook.db"));
    let nobody = as_nobody(&setup);
    let nobody: Vec<_> = nobody.iter().map(String::as_str).collect();
    // The kill left a log, and what readers share.
    for left in [&file, &data.join("callbook.db-wal"), &data.join("callbook.db-shm")] {
        chmod(left, 0o444);
    }
    chmod(&data, 0o555);
    let output = setup.run_by(&nobody);
    chmod(&data, 0o777);
    assert_eq!(output.status.code(), Some(1));
    assert!(String::from_utf8(output.stderr).unwrap().contains("readonly database"));
}

#[test]
fn a_database_that_is_read_only_for_a_while_is_503_for_writes_alone() {
    let setup = Setup::postgres();
    let Store::Postgres(database) = setup.store() else { panic!("on PostgreSQL") };
    let server = setup.serve();
    let client = server.client();
    let contact = client.meet("Leslie");
    let call = client.log(contact, "2018-02-02");
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
    support::wait_until("connections of the new kind", || client.get(&path).status == 200);
    let refused = |answer: support::Answer| {
        assert_away(&answer);
        true
    };
    support::wait_until("connections of the new kind", || client.post("/api/calls", &body).status == 503);
    assert!(refused(client.post("/api/calls", &body)) && refused(client.put(&path, &body)));
    assert!(refused(client.delete(&path)));
    assert_eq!(client.get(&path).expect(200)["data"], call);
    read_only("off");
    support::wait_until("the server's recovery", || client.put(&path, &body).status == 200);
    assert_eq!(client.get("/api/calls").expect(200)["meta"]["total"], 1);
}
