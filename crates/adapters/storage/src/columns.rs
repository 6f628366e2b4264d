//! Column values: how domain values are stored in each database.
//!
//! Each value is validated when it is read, so that a damaged store is an error and not an invalid domain value.

use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::expression::AsExpression;
use domain::{Emotion, Timestamp, Uuid};

use crate::schema::{EmotionIds, Instant, UniqueId};

/// A [`Timestamp`] as a column value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, AsExpression, FromSqlRow)]
#[diesel(sql_type = Instant)]
pub struct DbTimestamp(pub Timestamp);

impl From<Timestamp> for DbTimestamp {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

/// A [`Uuid`] as a column value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, AsExpression, FromSqlRow)]
#[diesel(sql_type = UniqueId)]
pub struct DbUuid(pub Uuid);

/// A list of emotions as a column value.
#[derive(Clone, Debug, PartialEq, Eq, AsExpression, FromSqlRow)]
#[diesel(sql_type = EmotionIds)]
pub struct DbEmotions(pub Vec<Emotion>);

impl DbEmotions {
    fn parse(ids: impl Iterator<Item = Option<i64>>) -> deserialize::Result<Self> {
        let emotion = |id: Option<i64>| id.and_then(Emotion::new).ok_or("the store holds an unknown emotion");
        Ok(Self(ids.map(emotion).collect::<Result<_, _>>()?))
    }

    /// Returns the ids, separated by commas.
    pub fn join(&self) -> String {
        self.0.iter().map(|emotion| emotion.id().to_string()).collect::<Vec<_>>().join(",")
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::serialize::{self, IsNull, Output, ToSql};
    use diesel::sql_types::{BigInt, Binary, Text};
    use diesel::sqlite::{Sqlite, SqliteValue};

    use super::{
        DbEmotions, DbTimestamp, DbUuid, EmotionIds, FromSql, Instant, Timestamp, UniqueId, Uuid, deserialize,
    };

    impl FromSql<Instant, Sqlite> for DbTimestamp {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            let seconds = <i64 as FromSql<BigInt, Sqlite>>::from_sql(value)?;
            Ok(Self(Timestamp::from_unix(seconds).ok_or("the store holds a timestamp out of range")?))
        }
    }

    impl ToSql<Instant, Sqlite> for DbTimestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.unix());
            Ok(IsNull::No)
        }
    }

    impl FromSql<UniqueId, Sqlite> for DbUuid {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            let bytes = <Vec<u8> as FromSql<Binary, Sqlite>>::from_sql(value)?;
            Ok(Self(Uuid::from_slice(&bytes)?))
        }
    }

    impl ToSql<UniqueId, Sqlite> for DbUuid {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.0.as_bytes().as_slice());
            Ok(IsNull::No)
        }
    }

    impl FromSql<EmotionIds, Sqlite> for DbEmotions {
        fn from_sql(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Self> {
            let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
            Self::parse(text.split(',').filter(|id| !id.is_empty()).map(|id| id.parse().ok()))
        }
    }

    impl ToSql<EmotionIds, Sqlite> for DbEmotions {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(self.join());
            Ok(IsNull::No)
        }
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use chrono::{DateTime, Utc};
    use diesel::pg::{Pg, PgValue};
    use diesel::serialize::{self, Output, ToSql};
    use diesel::sql_types::{Array, SmallInt, Timestamptz};

    use super::{DbEmotions, DbTimestamp, DbUuid, EmotionIds, FromSql, Instant, UniqueId, Uuid, deserialize};

    impl FromSql<Instant, Pg> for DbTimestamp {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            Ok(Self(<DateTime<Utc> as FromSql<Timestamptz, Pg>>::from_sql(value)?.into()))
        }
    }

    impl ToSql<Instant, Pg> for DbTimestamp {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            ToSql::<Timestamptz, Pg>::to_sql(&self.0.to_chrono(), &mut out.reborrow())
        }
    }

    impl FromSql<UniqueId, Pg> for DbUuid {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            Ok(Self(<Uuid as FromSql<diesel::sql_types::Uuid, Pg>>::from_sql(value)?))
        }
    }

    impl ToSql<UniqueId, Pg> for DbUuid {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            ToSql::<diesel::sql_types::Uuid, Pg>::to_sql(&self.0, out)
        }
    }

    impl FromSql<EmotionIds, Pg> for DbEmotions {
        fn from_sql(value: PgValue<'_>) -> deserialize::Result<Self> {
            let ids = <Vec<i16> as FromSql<Array<SmallInt>, Pg>>::from_sql(value)?;
            Self::parse(ids.into_iter().map(|id| Some(id.into())))
        }
    }

    impl ToSql<EmotionIds, Pg> for DbEmotions {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            let ids: Vec<i16> = self.0.iter().filter_map(|emotion| emotion.id().try_into().ok()).collect();
            ToSql::<Array<SmallInt>, Pg>::to_sql(&ids, &mut out.reborrow())
        }
    }
}
