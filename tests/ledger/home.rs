//! Where the stores of the tests are. What is claimed of a store is claimed of both kinds.

use stokehold_store::Store;
use stokehold_tests::postgres::Postgres;
use tempfile::{TempDir, tempdir};

use crate::fixture::{beside, connect, open};

/// A place for one store, gone with it when it is dropped.
pub(crate) enum Home {
    Sqlite(TempDir),
    Postgres(Postgres),
}

impl Home {
    pub(crate) fn sqlite() -> Self {
        Self::Sqlite(tempdir().expect("a directory"))
    }

    pub(crate) fn postgresql() -> Self {
        Self::Postgres(Postgres::forgetful())
    }

    /// Opens the store, which is made the first time.
    pub(crate) async fn open(&self) -> Store {
        match self {
            Self::Sqlite(directory) => open(directory.path()),
            Self::Postgres(server) => connect(server).await,
        }
    }

    /// Sets the clock of a store that is closed ahead.
    pub(crate) fn pass(&self, seconds: i64) {
        let (sql, micros) = ("UPDATE instance SET last_instant = ", seconds * 1_000_000);
        match self {
            Self::Sqlite(directory) => {
                let sql = format!("{sql} last_instant + {micros}");
                beside(directory.path()).execute(&sql, []).expect("time passes");
            }
            Self::Postgres(server) => {
                let last = "greatest(last_instant, (SELECT max(last_instant) FROM host))";
                server.sql(&format!("{sql} {last} + {micros}"));
            }
        }
    }

    /// The one number that a query answers, asked beside the store.
    pub(crate) fn number(&self, sql: &str) -> i64 {
        match self {
            Self::Sqlite(directory) => {
                beside(directory.path()).query_row(sql, [], |row| row.get(0)).expect(sql)
            }
            Self::Postgres(server) => server.sql(sql).parse().expect(sql),
        }
    }
}

/// Runs tests, which are functions of a [`Home`], in each kind of it.
macro_rules! in_each_home {
    ($($test:ident,)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    super::$test(crate::home::Home::sqlite()).await;
                }
            )*
        }

        mod postgresql {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $test() {
                    super::$test(crate::home::Home::postgresql()).await;
                }
            )*
        }
    };
}
pub(crate) use in_each_home;
