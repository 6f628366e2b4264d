//! Statements that Diesel's query builder cannot say, prepared once per connection like those that it can.

use std::marker::PhantomData;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};

/// A statement in SQL.
pub trait Sql {
    /// The text, with `$1`, `$2`, … as often as needed for the values that are bound to it, in their order.
    /// It continues a `WITH` clause.
    const TEXT: &'static str;
    /// The SQL types of its columns.
    type Row;
}

/// A statement with the values bound to it.
pub struct Statement<S, Values> {
    values: Values,
    sql: PhantomData<S>,
}

impl<S: Sql, Values> Statement<S, Values> {
    /// Binds the values.
    pub fn of(values: Values) -> Self {
        Self { values, sql: PhantomData }
    }
}

impl<S: Sql, Values: QueryFragment<Pg>> QueryFragment<Pg> for Statement<S, Values> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Diesel numbers the values where it meets them: here, once, so that the text may repeat them.
        out.push_sql("WITH bound AS (SELECT ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql("), ");
        out.push_sql(S::TEXT);
        Ok(())
    }
}

impl<S: 'static, Values> QueryId for Statement<S, Values> {
    type QueryId = S;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<S: Sql, Values> Query for Statement<S, Values> {
    type SqlType = S::Row;
}

impl<S, Values> RunQueryDsl<PgConnection> for Statement<S, Values> {}
