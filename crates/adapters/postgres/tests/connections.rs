//! What happens to requests when the server closes connections, and which rights and settings the role needs.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use domain::{
    AccountId, CallDetails, CallId, CallPatch, CallQuery, ContactId, ContactPatch, ContactQuery, IdempotencyKey, Name,
    NewCall, NewContact, NewToken, PageRequest, Scope, SecretHash, Timestamp, Uuid,
};
use ports::outbound::Store;
use postgres_adapter::Pooler;
use throwaway_postgres::{Database, Throwaway};

const MINIMAL: PageRequest = PageRequest::SMALLEST;

fn now() -> Timestamp {
    Timestamp::from_unix(0).unwrap()
}

fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// An account with a contact and a call.
struct Records {
    store: Store,
    account: AccountId,
    contact: ContactId,
    call: CallId,
}

impl Records {
    async fn create(store: Store) -> Self {
        let account = store.accounts.create(name("test"), now()).await.unwrap().id;
        let leslie = NewContact::new(name("Leslie"));
        let contact = store.contacts.create(account, leslie, Uuid::nil(), vec![], now()).await.unwrap().summary.id;
        let call = NewCall { contact, details: CallDetails::at(now()) };
        let call = store.calls.create(account, call, Uuid::nil(), now(), None).await.unwrap().id;
        Self { store, account, contact, call }
    }

    async fn create_call(&self, key: Option<IdempotencyKey>) {
        let call = NewCall { contact: self.contact, details: CallDetails::at(now()) };
        let created = self.store.calls.create(self.account, call, Uuid::nil(), now(), key).await;
        self.store.calls.delete(self.account, created.unwrap().id, now(), None).await.unwrap();
    }

    /// Sends the n-th request. Returns false if there are not so many.
    async fn send(&self, n: u32) -> bool {
        let Self { store, account, contact, call } = self;
        let (account, contact, call) = (*account, *contact, *call);
        match n {
            0 => self.create_call(None).await,
            1 => self.create_call(Some(IdempotencyKey { key: name("k"), fingerprint: 1 })).await,
            2 => drop(store.calls.find(account, call).await.unwrap()),
            3 => drop(store.calls.list(account, CallQuery::newest_first(MINIMAL)).await.unwrap()),
            4 => {
                let patch = CallPatch { contact_called: Some(true), ..CallPatch::default() };
                store.calls.update(account, call, patch, now(), None).await.unwrap();
            }
            5 => drop(store.contacts.find(account, contact).await.unwrap()),
            6 => drop(store.contacts.list(account, ContactQuery::oldest_first(MINIMAL)).await.unwrap()),
            7 => drop(
                store.contacts.update(account, contact, ContactPatch::default(), vec![], now(), None).await.unwrap(),
            ),
            8 => drop(store.accounts.find(account).await.unwrap()),
            9 => drop(store.tokens.find(SecretHash([1; 32])).await.unwrap()),
            10 => {
                let hash = SecretHash([2; 32]);
                let token = NewToken { account, name: name("n"), hash, scope: Scope::ReadOnly, expires_at: None };
                store.tokens.create(token, now()).await.unwrap();
            }
            11 => store.operations.check().await.unwrap(),
            _ => return false,
        }
        true
    }

    /// Opens all connections of the pool, by many requests at once.
    async fn open_connections(&self) {
        let (store, account) = (self.store.clone(), self.account);
        let finds = (0..64).map(|_| {
            let contacts = store.contacts.clone();
            tokio::spawn(async move { contacts.list(account, ContactQuery::oldest_first(MINIMAL)).await.unwrap() })
        });
        for find in finds.collect::<Vec<_>>() {
            find.await.unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_closed_while_it_was_idle_fails_no_request() {
    let database = Database::create();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    database.execute(
        "DO $$BEGIN EXECUTE format('ALTER DATABASE %I SET idle_session_timeout = 200', current_database()); END$$",
    );
    let records = Records::create(postgres_adapter::open(&database.url(), Pooler::None, 4).unwrap()).await;
    for n in 0.. {
        tokio::time::sleep(Duration::from_millis(400)).await;
        if !records.send(n).await {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_of_the_server_fails_no_later_request() {
    let mut server = Throwaway::start();
    let url = server.url("postgres");
    postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap();
    let records = Records::create(postgres_adapter::open(&url, Pooler::None, 8).unwrap()).await;
    let mut n = 0;
    loop {
        records.open_connections().await;
        server.stop();
        server.restart();
        // Each kind of request is the first one after some restart.
        let first = n;
        while n < first + 4 {
            if !records.send(n).await {
                return;
            }
            n += 1;
        }
    }
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    count: i64,
}

/// Closes all other connections to the database.
fn close_connections(observer: &mut PgConnection) {
    const OTHERS: &str = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    observer.batch_execute(&format!("SELECT pg_terminate_backend(pid) {OTHERS}")).unwrap();
    let remaining = format!("SELECT count(*) AS count {OTHERS}");
    while sql_query(&remaining).get_result::<Count>(observer).unwrap().count > 0 {}
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_is_repeated_if_its_connection_was_closed_a_moment_ago() {
    let database = Database::create();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    let records = Records::create(postgres_adapter::open(&database.url(), Pooler::None, 4).unwrap()).await;
    let mut observer = PgConnection::establish(&database.url()).unwrap();
    // A created call is one statement, which cannot be repeated: it may have been executed.
    for n in 2.. {
        records.open_connections().await;
        close_connections(&mut observer);
        if !records.send(n).await {
            break;
        }
    }
}

/// The role has the settings that would break a request if the adapter relied on the defaults.
const CREATE_ROLE: &str = "\
CREATE ROLE app LOGIN;
REVOKE CREATE ON SCHEMA public FROM PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO app;
GRANT SELECT, USAGE, UPDATE ON ALL SEQUENCES IN SCHEMA public TO app;
ALTER ROLE app SET lock_timeout = 1;
ALTER ROLE app SET idle_in_transaction_session_timeout = 1;
ALTER ROLE app SET default_transaction_isolation = 'serializable';";

#[tokio::test(flavor = "multi_thread")]
async fn a_role_that_may_only_read_and_write_rows_runs_a_migrated_store() {
    let server = Throwaway::start();
    let owner = server.url("postgres");
    postgres_adapter::migrate(&owner, &mut |_, _| ()).unwrap();
    PgConnection::establish(&owner).unwrap().batch_execute(CREATE_ROLE).unwrap();
    let url = owner.replace("postgres://postgres@", "postgres://app@");
    assert_eq!(postgres_adapter::migrate(&url, &mut |_, _| ()).unwrap(), Vec::<String>::new());
    let store = postgres_adapter::open(&url, Pooler::None, 8).unwrap();
    ports::contract::concurrency::keeps_counters_exact_under_16_writers(&store).await;
    ports::contract::bulk::reads_records_as_they_were_imported(&store).await;
}
