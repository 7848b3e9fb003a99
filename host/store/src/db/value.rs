//! Values and rows, whichever database they are of.

use std::borrow::Cow;
use std::error::Error as StdError;

use bytes::BytesMut;
use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use crate::error::Error;
use crate::text;

/// What a column holds, or a parameter is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// Nothing.
    Null,
    /// A number; 0 or 1 where it is whether something holds.
    Number(i64),
    /// A text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
}

impl<'a> Value<'a> {
    /// A value of SQLite's.
    pub(crate) fn of_sqlite(value: ValueRef<'a>) -> rusqlite::Result<Self> {
        Ok(match value {
            ValueRef::Null => Self::Null,
            ValueRef::Integer(number) => Self::Number(number),
            ValueRef::Blob(bytes) => Self::Bytes(bytes),
            text => Self::Text(text.as_str()?),
        })
    }
}

/// A row of an answer.
#[derive(Clone, Copy)]
pub(crate) enum Row<'a> {
    /// Of SQLite's.
    Sqlite(&'a rusqlite::Row<'a>),
    /// Of PostgreSQL's.
    Postgres(&'a tokio_postgres::Row),
}

impl<'a> Row<'a> {
    /// How many columns it has.
    pub(crate) fn len(self) -> usize {
        match self {
            Self::Sqlite(row) => row.as_ref().column_count(),
            Self::Postgres(row) => row.len(),
        }
    }

    /// What a column holds.
    pub(crate) fn value(self, column: usize) -> Result<Value<'a>, Error> {
        match self {
            Self::Sqlite(row) => Ok(Value::of_sqlite(row.get_ref(column)?)?),
            Self::Postgres(row) => of_postgres(row, column),
        }
    }

    /// What a column holds, as what it has to be.
    pub(crate) fn get<T: Column>(self, column: usize) -> Result<T, Error> {
        let value = self.value(column)?;
        T::of(value).ok_or_else(|| Error::Corrupt(format!("column {column} is {value:?}")))
    }

    /// A text that only this program writes, as what it stands for.
    pub(crate) fn known<T>(
        self,
        column: usize,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Error> {
        match self.value(column)? {
            Value::Text(text) => parse(text).ok_or_else(|| Error::Corrupt(text.to_owned())),
            other => Err(Error::Corrupt(format!("column {column} is {other:?}"))),
        }
    }
}

fn of_postgres(row: &tokio_postgres::Row, column: usize) -> Result<Value<'_>, Error> {
    let of = row.columns().get(column).map(tokio_postgres::Column::type_);
    Ok(match of {
        Some(&Type::INT8) => row.try_get::<_, Option<i64>>(column)?.map(Value::Number),
        Some(&Type::INT4) => {
            row.try_get::<_, Option<i32>>(column)?.map(|number| Value::Number(number.into()))
        }
        Some(&Type::BOOL) => {
            row.try_get::<_, Option<bool>>(column)?.map(|holds| Value::Number(holds.into()))
        }
        Some(&Type::BYTEA) => row.try_get::<_, Option<&[u8]>>(column)?.map(Value::Bytes),
        _ => row.try_get::<_, Option<&str>>(column)?.map(Value::Text),
    }
    .unwrap_or(Value::Null))
}

/// What can be read from a column.
pub(crate) trait Column: Sized {
    /// The value as this, if it is one.
    fn of(value: Value<'_>) -> Option<Self>;
}

impl Column for i64 {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Number(number) => Some(number),
            _ => None,
        }
    }
}

impl Column for u32 {
    fn of(value: Value<'_>) -> Option<Self> {
        i64::of(value)?.try_into().ok()
    }
}

impl Column for u16 {
    fn of(value: Value<'_>) -> Option<Self> {
        i64::of(value)?.try_into().ok()
    }
}

impl Column for bool {
    fn of(value: Value<'_>) -> Option<Self> {
        i64::of(value).map(|number| number != 0)
    }
}

impl Column for String {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.to_owned()),
            _ => None,
        }
    }
}

impl<const N: usize> Column for [u8; N] {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::of(value).map(Some),
        }
    }
}

macro_rules! from {
    ($($from:ty => $value:ident => $into:expr;)*) => {$(
        impl<'a> From<$from> for Value<'a> {
            fn from($value: $from) -> Self {
                $into
            }
        }
    )*};
}

from! {
    i64 => number => Self::Number(number);
    u32 => number => Self::Number(number.into());
    u16 => number => Self::Number(number.into());
    bool => holds => Self::Number(holds.into());
    &'a str => text => Self::Text(text);
    &'a String => text => Self::Text(text);
    &'a [u8] => bytes => Self::Bytes(bytes);
    &'a Vec<u8> => bytes => Self::Bytes(bytes);
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, T> From<Option<T>> for Value<'a>
where
    Value<'a>: From<T>,
{
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Self::from)
    }
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match *self {
            Self::Null => ValueRef::Null,
            Self::Number(number) => ValueRef::Integer(number),
            Self::Text(text) => match text::storable(text) {
                Cow::Borrowed(text) => ValueRef::Text(text.as_bytes()),
                Cow::Owned(text) => return Ok(ToSqlOutput::Owned(text.into())),
            },
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl ToSql for Value<'_> {
    fn to_sql(
        &self,
        of: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn StdError + Sync + Send>> {
        match *self {
            Self::Null => Ok(IsNull::Yes),
            Self::Number(number) if *of == Type::INT4 => i32::try_from(number)?.to_sql(of, out),
            Self::Number(number) => number.to_sql(of, out),
            Self::Text(text) => text::storable(text).to_sql(of, out),
            Self::Bytes(bytes) => bytes.to_sql(of, out),
        }
    }

    fn accepts(of: &Type) -> bool {
        matches!(*of, Type::INT8 | Type::INT4 | Type::TEXT | Type::BYTEA)
    }

    to_sql_checked!();
}
