//! What operators learn about a store.

/// The load of a store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StoreLoad {
    /// The number of connections in use.
    pub busy: u32,
    /// The number of idle connections.
    pub idle: u32,
    /// The queues of the store, each with the number of requests that wait in it.
    pub waiting: Vec<(&'static str, usize)>,
}

/// The result of an audit for one kind of counter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Checked {
    /// The number of counters.
    pub all: u64,
    /// The number of counters that were wrong.
    pub wrong: u64,
}

/// The result of comparing the counters with the calls.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CounterAudit {
    /// The counters of contacts: number of calls and newest call.
    pub contacts: Checked,
    /// The counters of months: number of calls, for all months that have calls.
    pub months: Checked,
}
