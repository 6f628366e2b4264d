//! The tables of `migrations/sqlite`, as Diesel knows them.

diesel::table! {
    accounts (id) {
        id -> BigInt,
        name -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    tokens (id) {
        id -> BigInt,
        account_id -> BigInt,
        name -> Text,
        hash -> Binary,
        read_only -> Bool,
        created_at -> BigInt,
        expires_at -> Nullable<BigInt>,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    contacts (id) {
        id -> BigInt,
        account_id -> BigInt,
        uuid -> Binary,
        first_name -> Text,
        middle_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        nickname -> Nullable<Text>,
        gender -> Nullable<Text>,
        is_starred -> Bool,
        is_partial -> Bool,
        is_active -> Bool,
        is_dead -> Bool,
        birthdate -> Nullable<BigInt>,
        birthdate_is_age_based -> Bool,
        birthdate_is_year_unknown -> Bool,
        deceased_date -> Nullable<BigInt>,
        deceased_date_is_age_based -> Bool,
        deceased_date_is_year_unknown -> Bool,
        description -> Nullable<Text>,
        job -> Nullable<Text>,
        company -> Nullable<Text>,
        search_text -> Text,
        last_called -> Nullable<BigInt>,
        calls -> BigInt,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    contact_fields (id) {
        id -> BigInt,
        account_id -> BigInt,
        contact_id -> BigInt,
        kind -> SmallInt,
        data -> Text,
        search_data -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    calls (id) {
        id -> BigInt,
        account_id -> BigInt,
        contact_id -> BigInt,
        uuid -> Binary,
        called_at -> BigInt,
        content -> Nullable<Text>,
        contact_called -> Nullable<Bool>,
        emotions -> Text,
        created_at -> BigInt,
        updated_at -> BigInt,
    }
}

diesel::table! {
    idempotency_keys (account_id, key) {
        account_id -> BigInt,
        key -> Text,
        fingerprint -> BigInt,
        call_id -> BigInt,
        call_uuid -> Binary,
        called_at -> BigInt,
        created_at -> BigInt,
    }
}

diesel::table! {
    call_counts (account_id, month) {
        account_id -> BigInt,
        month -> Integer,
        calls -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(contacts, contact_fields, calls);
