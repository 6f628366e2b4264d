//! The tables of `migrations/postgres`, as Diesel knows them.

diesel::table! {
    accounts (id) {
        id -> BigInt,
        name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    tokens (id) {
        id -> BigInt,
        account_id -> BigInt,
        name -> Text,
        hash -> Binary,
        read_only -> Bool,
        created_at -> Timestamptz,
        expires_at -> Nullable<Timestamptz>,
        revoked_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    contacts (account_id, id) {
        id -> BigInt,
        account_id -> BigInt,
        uuid -> Uuid,
        first_name -> Text,
        middle_name -> Nullable<Text>,
        last_name -> Nullable<Text>,
        nickname -> Nullable<Text>,
        gender -> Nullable<Text>,
        is_starred -> Bool,
        is_partial -> Bool,
        is_active -> Bool,
        is_dead -> Bool,
        birthdate -> Nullable<Timestamptz>,
        birthdate_is_age_based -> Bool,
        birthdate_is_year_unknown -> Bool,
        deceased_date -> Nullable<Timestamptz>,
        deceased_date_is_age_based -> Bool,
        deceased_date_is_year_unknown -> Bool,
        description -> Nullable<Text>,
        job -> Nullable<Text>,
        company -> Nullable<Text>,
        search_text -> Text,
        last_called -> Nullable<Timestamptz>,
        calls -> BigInt,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    contact_fields (account_id, id) {
        id -> BigInt,
        account_id -> BigInt,
        contact_id -> BigInt,
        kind -> SmallInt,
        data -> Text,
        search_data -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    calls (account_id, id) {
        id -> BigInt,
        account_id -> BigInt,
        contact_id -> BigInt,
        uuid -> Uuid,
        called_at -> Timestamptz,
        content -> Nullable<Text>,
        contact_called -> Nullable<Bool>,
        emotions -> Array<SmallInt>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    idempotency_keys (account_id, key) {
        account_id -> BigInt,
        key -> Text,
        fingerprint -> BigInt,
        call_id -> Nullable<BigInt>,
        call_uuid -> Nullable<Uuid>,
        called_at -> Timestamptz,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    call_counts (account_id, month, slot) {
        account_id -> BigInt,
        month -> Integer,
        slot -> Integer,
        calls -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(contacts, contact_fields, calls);
