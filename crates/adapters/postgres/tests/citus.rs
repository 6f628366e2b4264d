//! Runs the contract tests of the ports on Citus, each on a distributed database of its own.
#![allow(clippy::unwrap_used)]

mod fresh;

use fresh::Fresh;
use postgres_adapter::Pooler;
use throwaway_postgres::Database;

fn fresh() -> Fresh {
    let database = Database::create_on_citus();
    postgres_adapter::migrate(&database.url(), &mut |_, _| ()).unwrap();
    postgres_adapter::distribute(&database.url(), &mut |_, _, _| ()).unwrap();
    // From now on, a statement fails if it is not routed to one node, or if one node's rows are sent to another one.
    database.execute(
        "
DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET citus.multi_task_query_log_level = error', current_database());
  EXECUTE format('ALTER DATABASE %I SET citus.max_intermediate_result_size = 0', current_database());
END $$",
    );
    Fresh { store: postgres_adapter::open(&database.url(), Pooler::None, 8).unwrap(), database }
}

ports::contract_tests!(fresh());
