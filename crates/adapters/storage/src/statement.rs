//! Statements that Diesel's query builder cannot say. They are prepared once per connection, as those that it can.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement in SQL with the values bound to it; `Row` are the SQL types of its columns.
pub struct Statement<Row, Values> {
    text: Cow<'static, str>,
    values: Values,
    row: PhantomData<Row>,
}

impl<Row, Values> Statement<Row, Values> {
    /// Binds the values to a text that continues a `WITH` clause and names them as often as it needs them:
    /// `$1`, `$2`, … on PostgreSQL, `?1`, `?2`, … on SQLite.
    pub fn new(text: impl Into<Cow<'static, str>>, values: Values) -> Self {
        Self { text: text.into(), values, row: PhantomData }
    }
}

impl<DB: Backend, Row, Values: QueryFragment<DB>> QueryFragment<DB> for Statement<Row, Values> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Diesel numbers the values where it meets them: here, once, so that the text may repeat them.
        out.push_sql("WITH bound AS (SELECT ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql("), ");
        out.push_sql(&self.text);
        Ok(())
    }
}

/// Kept by its text, which may differ from one to the next of the same type.
impl<Row, Values> QueryId for Statement<Row, Values> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl<Row, Values> Query for Statement<Row, Values> {
    type SqlType = Row;
}

impl<Connection, Row, Values> RunQueryDsl<Connection> for Statement<Row, Values> {}
