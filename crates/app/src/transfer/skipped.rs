//! Tells what an import skips.

use std::collections::BTreeMap;
use std::fmt::Display;

use crate::error::Error;
use crate::output::{self, outln, printable};

/// The maximal number of rows that are named. More are only counted.
const MAX_NAMED: u64 = 1_000;

/// What an import skipped, and why.
#[derive(Default)]
pub struct Skipped {
    unreadable: u64,
    /// For each reason the number of rows, and of the rows of each number or other name.
    reasons: BTreeMap<&'static str, (u64, BTreeMap<String, u64>)>,
}

impl Skipped {
    /// Counts what cannot be read, and names its place and what is wrong with it.
    pub fn add_unreadable(&mut self, place: impl Display, problem: &str) {
        self.unreadable += 1;
        if self.unreadable <= MAX_NAMED {
            output::message(&format!("{place}: skipped: {problem}"));
        } else if self.unreadable == MAX_NAMED + 1 {
            output::message("more that is skipped is only counted");
        }
    }

    /// Counts a row that is skipped for another reason. The summary lists the names.
    pub fn add(&mut self, reason: &'static str, name: Option<&str>) {
        let (rows, names) = self.reasons.entry(reason).or_default();
        *rows += 1;
        let Some(name) = name else { return };
        if let Some(rows) = names.get_mut(name) {
            *rows += 1;
        } else if (names.len() as u64) < MAX_NAMED {
            names.insert(name.to_owned(), 1);
        }
    }

    /// Returns the number of all that was skipped.
    pub fn total(&self) -> u64 {
        self.unreadable + self.reasons.values().map(|(rows, _)| rows).sum::<u64>()
    }

    /// Prints the reasons with their numbers.
    pub fn print(&self) -> Result<(), Error> {
        if self.unreadable > 0 {
            outln!("  {} skipped: unreadable", self.unreadable)?;
        }
        for (reason, (rows, names)) in &self.reasons {
            outln!("  {rows} skipped: {reason}")?;
            for (name, rows) in names {
                outln!("    {} ({rows})", printable(name))?;
            }
        }
        Ok(())
    }

    /// Returns an error if anything was unreadable.
    pub fn check_readable(&self) -> Result<(), Error> {
        match self.unreadable {
            0 => Ok(()),
            rows => Err(Error::Failed(format!("{rows} could not be read"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_a_bounded_number_of_names() {
        let mut skipped = Skipped::default();
        for n in 0..5_000 {
            skipped.add("no contact has the number", Some(&n.to_string()));
        }
        skipped.add("no contact has the number", Some("7"));
        skipped.add("the number is hidden", None);
        assert_eq!(skipped.total(), 5_002);
        let (rows, names) = &skipped.reasons["no contact has the number"];
        assert_eq!((*rows, names.len(), names["7"]), (5_001, 1_000, 2));
        assert!(skipped.check_readable().is_ok());
        skipped.add_unreadable("calls.csv, line 7", "it is not UTF-8");
        assert!(skipped.check_readable().is_err());
    }
}
