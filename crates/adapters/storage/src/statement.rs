//! Statements that Diesel's query builder cannot say. They are prepared once per connection, as those that it can.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{QueryResult, RunQueryDsl};

/// A statement in SQL with the values bound to it; `Row` are the SQL types of its columns, `Kept` is how Diesel
/// finds it again.
pub struct Statement<Row, Values, Kept = ByText> {
    text: Cow<'static, str>,
    values: Values,
    row: PhantomData<(Row, Kept)>,
}

impl<Row, Values, Kept> Statement<Row, Values, Kept> {
    /// Binds the values to a text that follows `WITH bound AS (…)`: `, name AS (…)` or the statement itself. It names
    /// the values as often as it needs them: `$1`, `$2`, … on PostgreSQL, `?1`, `?2`, … on SQLite.
    pub fn new(text: impl Into<Cow<'static, str>>, values: Values) -> Self {
        Self { text: text.into(), values, row: PhantomData }
    }
}

/// How Diesel finds a prepared statement again.
pub trait Key: 'static {
    /// By this type; else by the text, which must then be put together for every use.
    const IS_TYPE: bool = true;
}

/// By the text, of which there may be several.
pub struct ByText;

impl Key for ByText {
    const IS_TYPE: bool = false;
}

impl<DB: Backend, Row, Values: QueryFragment<DB>, Kept> QueryFragment<DB> for Statement<Row, Values, Kept> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        // Diesel numbers the values where it meets them: here, once, so that the text may repeat them.
        out.push_sql("WITH bound AS (SELECT ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql(")");
        out.push_sql(&self.text);
        Ok(())
    }
}

impl<Row, Values, Kept: Key> QueryId for Statement<Row, Values, Kept> {
    type QueryId = Kept;
    const HAS_STATIC_QUERY_ID: bool = Kept::IS_TYPE;
}

impl<Row, Values, Kept> Query for Statement<Row, Values, Kept> {
    type SqlType = Row;
}

impl<Connection, Row, Values, Kept> RunQueryDsl<Connection> for Statement<Row, Values, Kept> {}
