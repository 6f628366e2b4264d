//! Hand-written SQL that Diesel prepares once per connection, as it does for its own queries.

use std::borrow::Cow;
use std::marker::PhantomData;

use diesel::backend::Backend;
use diesel::dsl::SqlTypeOf;
use diesel::query_builder::{AstPass, Query, QueryFragment, QueryId};
use diesel::{AsChangeset, QueryResult, RunQueryDsl, Selectable, debug_query};

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

/// An `UPDATE` that is prepared once per connection. Diesel prepares its own for each execution, because a changeset can
/// skip columns.
///
/// `Key` identifies the statement in Diesel's cache, so each one has its own key and always sets the same columns.
pub struct PreparedUpdate<Values, Filter, Key> {
    table: &'static str,
    values: Values,
    filter: Filter,
    key: PhantomData<Key>,
}

impl<Values, Filter, Key> PreparedUpdate<Values, Filter, Key> {
    /// Sets the columns of the rows that the filter selects.
    pub fn new<Changes: AsChangeset<Changeset = Values>>(
        table: &'static str,
        changes: Changes,
        filter: Filter,
    ) -> Self {
        Self { table, values: changes.as_changeset(), filter, key: PhantomData }
    }
}

impl<DB, Values, Filter, Key> QueryFragment<DB> for PreparedUpdate<Values, Filter, Key>
where
    DB: Backend,
    Values: QueryFragment<DB>,
    Filter: QueryFragment<DB>,
{
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, DB>) -> QueryResult<()> {
        out.push_sql("UPDATE ");
        out.push_identifier(self.table)?;
        out.push_sql(" SET ");
        self.values.walk_ast(out.reborrow())?;
        out.push_sql(" WHERE ");
        self.filter.walk_ast(out)
    }
}

impl<Values, Filter, Key: QueryId> QueryId for PreparedUpdate<Values, Filter, Key> {
    type QueryId = Key::QueryId;
    const HAS_STATIC_QUERY_ID: bool = Key::HAS_STATIC_QUERY_ID;
}

impl<Connection, Values, Filter, Key> RunQueryDsl<Connection> for PreparedUpdate<Values, Filter, Key> {}

/// The SQL types of a row's columns.
pub type SqlTypes<Row, DB> = SqlTypeOf<<Row as Selectable<DB>>::SelectExpression>;

/// Returns the columns of a `SELECT` of one table, without the table's name.
pub fn column_list<DB, Select>(select: &Select) -> String
where
    DB: Backend + Default,
    DB::QueryBuilder: Default,
    Select: QueryFragment<DB>,
{
    let sql = debug_query::<DB, _>(select).to_string();
    let (columns, table) = sql.trim_start_matches("SELECT ").split_once(" FROM ").unwrap_or_default();
    let table = table.split_whitespace().next().unwrap_or_default();
    columns.replace(&format!("{table}."), "")
}
