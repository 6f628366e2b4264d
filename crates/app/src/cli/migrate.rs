//! `callbook migrate`.

use ports::inbound::CounterAudit;

use crate::config::Config;
use crate::context::AppContext;
use crate::error::Error;
use crate::output::outln;
use crate::store;

#[derive(clap::Args)]
pub struct MigrateArgs {
    /// Then recount all calls, repair wrong counters (totals, years, `last_called`) and print how many were wrong;
    /// running servers keep reading, and their writes wait
    #[arg(long)]
    verify_counters: bool,
    /// Then distribute the tables over the nodes of Citus, whose coordinator the database URL must name; distributed
    /// tables stay as they are. Stop all servers before
    #[arg(long)]
    distribute: bool,
}

/// Runs `callbook migrate`.
pub fn run(config: &Config, args: &MigrateArgs) -> Result<(), Error> {
    if args.distribute {
        store::check_can_distribute(config)?;
    }
    let migrations = store::migrate(config)?;
    for migration in &migrations {
        outln!("migration {migration}: done")?;
    }
    if migrations.is_empty() && !args.verify_counters && !args.distribute {
        outln!("The store is up to date.")?;
    }
    if args.distribute {
        let tables = store::distribute(config)?;
        for table in &tables {
            outln!("table {table}: distributed")?;
        }
        if tables.is_empty() {
            outln!("The tables are distributed already.")?;
        }
    }
    if args.verify_counters {
        let context = AppContext::open(config)?;
        outln!("counters: {}", summary(context.services.http.operations.audit_counters()?))?;
    }
    Ok(())
}

/// Describes the result: how many counters were wrong.
fn summary(CounterAudit { contacts, months }: CounterAudit) -> String {
    let count = |number: u64, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    let wrong = match (contacts.wrong, months.wrong) {
        (0, 0) => return format!("all true ({}, {})", count(contacts.all, "contact"), count(months.all, "month")),
        (wrong, 0) => count(wrong, "contact"),
        (0, wrong) => count(wrong, "month"),
        (contacts, months) => format!("{} and {}", count(contacts, "contact"), count(months, "month")),
    };
    let (was, is) = if contacts.wrong + months.wrong == 1 { ("was", "is") } else { ("were", "are") };
    format!("{wrong} {was} wrong and {is} repaired")
}

#[cfg(test)]
mod tests {
    use ports::inbound::Checked;

    use super::*;

    #[test]
    fn names_only_what_was_wrong() {
        let wrong = |contacts, months| {
            let [contacts, months] = [(1_000, contacts), (1, months)].map(|(all, wrong)| Checked { all, wrong });
            summary(CounterAudit { contacts, months })
        };
        assert_eq!(wrong(0, 0), "all true (1000 contacts, 1 month)");
        assert_eq!(wrong(3, 2), "3 contacts and 2 months were wrong and are repaired");
        assert_eq!(wrong(1, 0), "1 contact was wrong and is repaired");
        assert_eq!(wrong(0, 2), "2 months were wrong and are repaired");
    }
}
