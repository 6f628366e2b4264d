//! The counters that are maintained with each write of a call: calls and newest call of a contact, calls of a month.
//!
//! Storage adapters load the affected rows under a lock, ask these rules, and store the result. Where they count in SQL
//! instead, the contract tests compare the result with these rules.

use std::collections::BTreeMap;

use crate::{ContactId, NewCall, Timestamp};

/// How writes change the counters of an account.
///
/// Both maps are sorted, so that all writers lock the rows of the counters in the same order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CounterChanges {
    /// The changes of contacts, by id.
    pub contacts: BTreeMap<ContactId, ContactCounterChange>,
    /// The changes of the number of calls in each month, by [`Timestamp::month_number`], without months
    /// whose number stays the same.
    pub months: BTreeMap<i32, i64>,
}

/// How writes change the calls of one contact.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ContactCounterChange {
    /// The change of the number of calls.
    pub calls: i64,
    /// The newest `called_at` among the calls that were added or moved in time.
    pub newest_added: Option<Timestamp>,
    /// The newest `called_at` among the calls that were removed or moved in time.
    pub newest_removed: Option<Timestamp>,
}

impl CounterChanges {
    /// Adds the changes by one write. A new call has no `before`, a deleted one no `after`.
    pub fn add(&mut self, before: Option<&NewCall>, after: Option<&NewCall>) {
        let counted_as = |call: &NewCall| (call.contact, call.details.called_at);
        let (before, after) = (before.map(counted_as), after.map(counted_as));
        if before == after {
            return;
        }
        if let Some((contact, called_at)) = before {
            let change = self.contacts.entry(contact).or_default();
            change.calls -= 1;
            change.newest_removed = change.newest_removed.max(Some(called_at));
            self.add_to_month(called_at, -1);
        }
        if let Some((contact, called_at)) = after {
            let change = self.contacts.entry(contact).or_default();
            change.calls += 1;
            change.newest_added = change.newest_added.max(Some(called_at));
            self.add_to_month(called_at, 1);
        }
    }

    fn add_to_month(&mut self, called_at: Timestamp, calls: i64) {
        let month = called_at.month_number();
        let count = self.months.entry(month).or_default();
        *count += calls;
        if *count == 0 {
            self.months.remove(&month);
        }
    }
}

/// What becomes of a contact's `last_called`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LastCalled {
    /// It becomes this value.
    Value(Option<Timestamp>),
    /// It becomes the newest `called_at` of the contact's calls after the write, which only the store knows.
    NewestOfCalls,
}

impl ContactCounterChange {
    /// Returns the new `last_called` of a contact whose present one is given.
    pub fn last_called(&self, current: Option<Timestamp>) -> LastCalled {
        let newest = current.max(self.newest_added);
        if self.newest_removed.is_some() && self.newest_removed >= newest {
            LastCalled::NewestOfCalls
        } else {
            LastCalled::Value(newest)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CallDetails;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix(seconds).unwrap()
    }

    fn call(contact: i64, seconds: i64) -> NewCall {
        NewCall { contact: ContactId::new(contact).unwrap(), details: CallDetails::at(at(seconds)) }
    }

    fn changes(before: Option<&NewCall>, after: Option<&NewCall>) -> CounterChanges {
        let mut changes = CounterChanges::default();
        changes.add(before, after);
        changes
    }

    const MONTH: i64 = 31 * 24 * 60 * 60;

    #[test]
    fn a_new_call_counts_for_its_contact_and_month() {
        let changes = changes(None, Some(&call(1, MONTH)));
        let change = ContactCounterChange { calls: 1, newest_added: Some(at(MONTH)), newest_removed: None };
        assert_eq!(changes.contacts, BTreeMap::from([(ContactId::new(1).unwrap(), change)]));
        assert_eq!(changes.months, BTreeMap::from([(1970 * 12 + 1, 1)]));
    }

    #[test]
    fn a_deleted_call_no_longer_counts() {
        let changes = changes(Some(&call(1, 0)), None);
        let change = ContactCounterChange { calls: -1, newest_added: None, newest_removed: Some(at(0)) };
        assert_eq!(changes.contacts, BTreeMap::from([(ContactId::new(1).unwrap(), change)]));
        assert_eq!(changes.months, BTreeMap::from([(1970 * 12, -1)]));
    }

    #[test]
    fn a_call_that_moves_counts_for_its_new_contact() {
        let changes = changes(Some(&call(2, 0)), Some(&call(1, 5)));
        let calls: Vec<_> = changes.contacts.iter().map(|(contact, change)| (contact.get(), change.calls)).collect();
        assert_eq!(calls, [(1, 1), (2, -1)]);
        assert_eq!(changes.months, BTreeMap::new(), "the month stays the same");
    }

    #[test]
    fn a_call_that_moves_in_time_counts_for_its_new_month() {
        let changes = changes(Some(&call(1, 0)), Some(&call(1, MONTH)));
        let change = ContactCounterChange { calls: 0, newest_added: Some(at(MONTH)), newest_removed: Some(at(0)) };
        assert_eq!(changes.contacts.values().copied().collect::<Vec<_>>(), [change]);
        assert_eq!(changes.months, BTreeMap::from([(1970 * 12, -1), (1970 * 12 + 1, 1)]));
    }

    #[test]
    fn a_call_that_stays_in_its_place_changes_no_counter() {
        assert_eq!(changes(Some(&call(1, 0)), Some(&call(1, 0))), CounterChanges::default());
    }

    #[test]
    fn last_called_is_the_newest_call() {
        let change = |added: Option<i64>, removed: Option<i64>| ContactCounterChange {
            calls: 0,
            newest_added: added.map(at),
            newest_removed: removed.map(at),
        };
        let known = |seconds| LastCalled::Value(Some(at(seconds)));
        for (current, added, removed, expected) in [
            (None, Some(5), None, known(5)),
            (Some(9), Some(5), None, known(9)),
            (Some(5), Some(9), None, known(9)),
            (Some(9), None, Some(5), known(9)),
            (Some(9), None, Some(9), LastCalled::NewestOfCalls),
            (Some(9), Some(5), Some(9), LastCalled::NewestOfCalls),
            (Some(9), Some(9), Some(9), LastCalled::NewestOfCalls),
            (Some(9), Some(12), Some(12), LastCalled::NewestOfCalls),
            (Some(9), Some(12), Some(9), known(12)),
            (Some(9), Some(12), Some(5), known(12)),
        ] {
            assert_eq!(
                change(added, removed).last_called(current.map(at)),
                expected,
                "{current:?} {added:?} {removed:?}"
            );
        }
    }
}
