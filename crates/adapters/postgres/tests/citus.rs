//! Runs the contract tests of the ports on Citus, each on a distributed database of its own.
#![allow(clippy::unwrap_used)]

mod fresh;

use diesel::{Connection, PgConnection, QueryableByName, RunQueryDsl, sql_query};
use fresh::Fresh;
use postgres_adapter::Pooler;
use throwaway_postgres::Database;

fn distributed() -> Database {
    let database = Database::create_on_citus();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    assert!(postgres_adapter::distribute(&database.url(), &mut |_, _, _| ()).unwrap().len() > 2);
    database
}

/// From now on, a statement fails if it needs several nodes, or if Citus executes it in several steps.
const ONE_TASK_ONLY: &str = "DO $$ BEGIN
    EXECUTE format('ALTER DATABASE %I SET citus.multi_task_query_log_level = error', current_database());
    EXECUTE format('ALTER DATABASE %I SET citus.max_intermediate_result_size = 0', current_database());
END $$";

fn fresh() -> Fresh {
    let database = distributed();
    database.execute(ONE_TASK_ONLY);
    Fresh { store: postgres_adapter::open(&database.url(), Pooler::None, 8).unwrap(), database }
}

ports::contract_tests!(fresh());

#[derive(QueryableByName)]
struct PlanLine {
    #[diesel(sql_type = diesel::sql_types::Text, column_name = "QUERY PLAN")]
    text: String,
}

#[test]
fn a_statement_that_names_an_account_is_one_task() {
    let database = distributed();
    let mut connection = PgConnection::establish(&database.url()).unwrap();
    let mut tasks = |statement: &str| {
        let plan = sql_query(format!("EXPLAIN {statement}")).load::<PlanLine>(&mut connection).unwrap();
        plan.iter().find_map(|line| line.text.trim().strip_prefix("Task Count: ")?.parse::<u32>().ok())
    };
    for table in ["calls", "contacts", "contact_fields", "call_words", "call_counts", "idempotency_keys", "deletions"] {
        assert_eq!(tasks(&format!("SELECT * FROM {table} WHERE account_id = 1")), Some(1));
        assert_eq!(tasks(&format!("DELETE FROM {table} WHERE account_id = 1")), Some(1));
        assert!(tasks(&format!("SELECT * FROM {table}")) > Some(1), "without an account, all shards are read");
    }
    let of_account = "SELECT * FROM calls JOIN contacts USING (account_id) JOIN accounts ON account_id = accounts.id";
    assert_eq!(tasks(&format!("{of_account} WHERE account_id = 1")), Some(1), "the shards of an account are together");
}

#[test]
fn distributes_a_table_that_a_later_migration_adds() {
    let database = distributed();
    database.execute("ALTER TABLE calls ADD COLUMN place text");
    database.execute(
        "CREATE TABLE notes (
           account_id bigint NOT NULL REFERENCES accounts (id) ON DELETE CASCADE, id bigserial, PRIMARY KEY (account_id, id)
         )",
    );
    let distribute = || postgres_adapter::distribute(&database.url(), &mut |_, _, _| ()).unwrap();
    assert_eq!(distribute(), ["notes"]);
    assert_eq!(distribute(), Vec::<String>::new());
}
