//! Migrations of the store.

use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel_migrations::MigrationHarness;
use ports::Error;
use storage::StoreResult;

use crate::{Backend, DbConnection, MIGRATIONS, has_migrations_table};

diesel::table! {
    __diesel_schema_migrations (version) {
        version -> Text,
    }
}

/// Runs the pending migrations and returns their names.
///
/// Unavailable if the store has a migration that this version does not know: a newer version made it, and this one would
/// misread it.
pub fn run(connection: &mut DbConnection) -> StoreResult<Vec<String>> {
    let known = known()?;
    if let Some(newer) = applied(connection)?.iter().find(|version| !known.contains(version)) {
        let cause = format!("a newer version of Callbook has migrated it ({newer}): use that one");
        return Err(Error::unavailable(cause).into());
    }
    if !are_pending(connection)? {
        return Ok(Vec::new());
    }
    Ok(connection.run_pending_migrations(MIGRATIONS).map(|versions| names(&versions)).map_err(Error::internal)?)
}

/// Returns whether there are migrations to run.
pub fn are_pending(connection: &mut DbConnection) -> StoreResult<bool> {
    let applied = applied(connection)?;
    Ok(known()?.iter().any(|version| !applied.contains(version)))
}

/// Reverts every migration, the newest first, and returns their names.
pub fn revert_all(connection: &mut DbConnection) -> StoreResult<Vec<String>> {
    Ok(connection.revert_all_migrations(MIGRATIONS).map(|versions| names(&versions)).map_err(Error::internal)?)
}

fn known() -> StoreResult<Vec<String>> {
    let migrations: Vec<Box<dyn Migration<Backend>>> = MIGRATIONS.migrations().map_err(Error::internal)?;
    Ok(migrations.iter().map(|migration| migration.name().version().to_string()).collect())
}

/// Returns the versions of the migrations that the store has. Diesel's own function first creates their table, which a
/// role that may only read and write rows cannot do.
fn applied(connection: &mut DbConnection) -> StoreResult<Vec<String>> {
    if !has_migrations_table(connection)? {
        return Ok(Vec::new());
    }
    Ok(__diesel_schema_migrations::table.select(__diesel_schema_migrations::version).load(connection)?)
}

fn names(versions: &[MigrationVersion]) -> Vec<String> {
    versions.iter().map(ToString::to_string).collect()
}
