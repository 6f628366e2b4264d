//! Hand-written SQL that Diesel prepares once per connection, as it does for its own queries.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement in SQL with its bound values.
///
/// `Row` are the SQL types of the result's columns. `Key` identifies the statement in Diesel's cache of prepared
/// statements: a unit type that derives [`QueryId`] for a constant text, [`ByText`] for a text that is assembled.
pub struct RawStatement<Row, Values, Key = ByText> {
    sql: Cow<'static, str>,
    values: Values,
    types: PhantomData<(Row, Key)>,
}

impl<Row, Values, Key> RawStatement<Row, Values, Key> {
    /// Binds `values` to `sql`, which follows `WITH bound AS (…)`: further `, name AS (…)` or the statement itself.
    ///
    /// It may refer to a value several times: as `$1`, `$2`, … on PostgreSQL, `?1`, `?2`, … on SQLite.
    pub fn new(sql: impl Into<Cow<'static, str>>, values: Values) -> Self {
        Self { sql: sql.into(), values, types: PhantomData }
    }
}

/// Identifies a statement by its text.
pub struct ByText;

impl QueryId for ByText {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<DB: Backend, Row, Values: QueryFragment<DB>, Key> QueryFragment<DB> for RawStatement<Row, Values, Key> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Diesel numbers values where they are pushed: pushed once here, they can be referred to by number.
        out.push_sql("WITH bound AS (SELECT ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql(")");
        out.push_sql(&self.sql);
        Ok(())
    }
}

impl<Row, Values, Key: QueryId> QueryId for RawStatement<Row, Values, Key> {
    type QueryId = Key::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Key::HAS_STATIC_QUERY_ID;
}

impl<Row, Values, Key> Query for RawStatement<Row, Values, Key> {
    type SqlType = Row;
}

impl<Connection, Row, Values, Key> RunQueryDsl<Connection> for RawStatement<Row, Values, Key> {}
