//! The tables that both stores have, and the SQL types of their columns.
//!
//! The `up.sql` files in `migrations/` create the tables. A column has the same name in both stores; its representation
//! is described by the SQL types here.

// The macro `table!` has no place for documentation.
#![allow(missing_docs)]

use diesel::query_builder::QueryId;
use diesel::sql_types::{SqlOrd, SqlType};

/// A point in time: `timestamptz` in PostgreSQL, Unix seconds in SQLite.
#[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1184, array_oid = 1185), sqlite_type(name = "Long"))]
pub struct Instant;

impl SqlOrd for Instant {}

/// A UUID: `uuid` in PostgreSQL, 16 bytes in SQLite.
#[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 2950, array_oid = 2951), sqlite_type(name = "Binary"))]
pub struct UniqueId;

/// A list of emotion ids: `smallint[]` in PostgreSQL, text with commas in SQLite.
#[derive(Clone, Copy, Debug, Default, QueryId, SqlType)]
#[diesel(postgres_type(oid = 1005, array_oid = 0), sqlite_type(name = "Text"))]
pub struct EmotionIds;

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use super::Instant;

    accounts (id) {
        id -> BigInt,
        name -> Text,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Binary, Bool, Nullable, Text};
    use super::Instant;

    tokens (id) {
        id -> BigInt,
        account_id -> BigInt,
        name -> Text,
        hash -> Binary,
        read_only -> Bool,
        feed -> Bool,
        created_at -> Instant,
        last_used_at -> Nullable<Instant>,
        expires_at -> Nullable<Instant>,
        revoked_at -> Nullable<Instant>,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Nullable, SmallInt, Text};
    use super::{Instant, UniqueId};

    contacts (account_id, id) {
        id -> BigInt,
        account_id -> BigInt,
        uuid -> UniqueId,
        first_name -> Text,
        middle_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        nickname -> Nullable<Text>,
        gender -> Nullable<Text>,
        is_starred -> Bool,
        is_partial -> Bool,
        is_active -> Bool,
        is_dead -> Bool,
        birthdate -> Nullable<Instant>,
        birthdate_is_age_based -> Bool,
        birthdate_is_year_unknown -> Bool,
        deceased_date -> Nullable<Instant>,
        deceased_date_is_age_based -> Bool,
        deceased_date_is_year_unknown -> Bool,
        description -> Nullable<Text>,
        job -> Nullable<Text>,
        company -> Nullable<Text>,
        stay_in_touch_frequency -> Nullable<SmallInt>,
        stay_in_touch_trigger_date -> Nullable<Instant>,
        search_text -> Text,
        last_called -> Nullable<Instant>,
        calls -> BigInt,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
    use super::{Instant, UniqueId};

    contact_fields (account_id, id) {
        id -> BigInt,
        account_id -> BigInt,
        contact_id -> BigInt,
        uuid -> UniqueId,
        kind -> SmallInt,
        data -> Text,
        search_data -> Text,
        phone_key -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Bool, Integer, Nullable, Text};
    use super::{EmotionIds, Instant, UniqueId};

    calls (account_id, id) {
        id -> BigInt,
        account_id -> BigInt,
        contact_id -> BigInt,
        uuid -> UniqueId,
        called_at -> Instant,
        content -> Nullable<Text>,
        contact_called -> Nullable<Bool>,
        emotions -> EmotionIds,
        duration_seconds -> Nullable<Integer>,
        answered -> Nullable<Bool>,
        phone_number -> Nullable<Text>,
        phone_key -> Nullable<Text>,
        external_id -> Nullable<Text>,
        created_at -> Instant,
        updated_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Text};
    use super::Instant;

    idempotency_keys (account_id, key) {
        account_id -> BigInt,
        key -> Text,
        fingerprint -> BigInt,
        call_id -> BigInt,
        created_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer};

    call_counts (account_id, month) {
        account_id -> BigInt,
        month -> Integer,
        calls -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Nullable, SmallInt, Text};
    use super::{Instant, UniqueId};

    deletions (account_id, number) {
        number -> BigInt,
        account_id -> BigInt,
        object -> SmallInt,
        object_id -> BigInt,
        uuid -> UniqueId,
        external_id -> Nullable<Text>,
        deleted_at -> Instant,
    }
}

diesel::table! {
    use diesel::sql_types::{BigInt, Integer};

    search_index_progress (account_id) {
        account_id -> BigInt,
        version -> Integer,
        call_id -> BigInt,
    }
}

diesel::table! {
    use diesel::sql_types::Integer;

    search_index (version) {
        version -> Integer,
    }
}

diesel::allow_tables_to_appear_in_same_query!(contacts, contact_fields, calls);
