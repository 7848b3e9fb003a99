//! A session with a PostgreSQL server, to be used by one thread at a time.
//!
//! The driver is asynchronous and the store is not: each session has a small runtime of its own,
//! which runs while somebody waits for an answer.
//!
//! A server that is there and says nothing, because it is stopped or the network swallows what is
//! sent, is given up after [`ANSWER_MAX`]. Nobody knows what becomes of what it was sent, so the
//! session is of no more use, and whoever has it drops it.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use futures_util::TryStreamExt;
use refinery::Runner;
use tokio::runtime::{Builder, Runtime};
use tokio::time::timeout;
use tokio_postgres::error::SqlState;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, NoTls, Statement};

use super::address::Address;
use super::tls;
use crate::db::{Row, Value};
use crate::error::{Error, OpenError};

/// How long a server may take for one answer, the knock included. Whoever asked the store for
/// something has to be told within [`crate::store::ANSWERED_WITHIN`], when another server or a second
/// attempt may have been needed. The longest answers of a server that is well take milliseconds.
const ANSWER_MAX: Duration = Duration::from_secs(5);

/// See the module.
pub(crate) struct Session {
    /// None only while it is dropped.
    runtime: Option<Runtime>,
    client: Client,
    statements: RefCell<HashMap<String, Statement>>,
    may_write: bool,
    /// Whether an answer may take as long as it takes.
    is_patient: bool,
    trouble: Cell<Trouble>,
}

/// What went wrong in a transaction, beside the answer that somebody was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Trouble {
    /// Nothing that concerns the session.
    #[default]
    None,
    /// A statement failed: nothing of the transaction can be committed.
    Failed,
    /// Somebody else was in the way; another attempt may succeed.
    Again,
    /// The connection is lost, or was given up. Nothing more will come of this session.
    Lost,
}

impl Session {
    /// Connects. A session that may not write cannot.
    pub(crate) fn connect(address: &Address, may_write: bool) -> Result<Self, OpenError> {
        let runtime = Builder::new_current_thread().enable_io().enable_time().build();
        let runtime = runtime
            .map_err(|source| OpenError::Io { path: "a session's runtime".into(), source })?;
        // The driver's own limit is for the network's part of it.
        let connecting = async { timeout(ANSWER_MAX, connect(address)).await };
        let client =
            runtime.block_on(connecting).map_err(|_| OpenError::NoAnswer(ANSWER_MAX))??;
        Ok(Self {
            runtime: Some(runtime),
            client,
            statements: RefCell::default(),
            may_write,
            is_patient: false,
            trouble: Cell::default(),
        })
    }

    /// From now on an answer may take as long as it takes: for what goes through whole tables, and
    /// nobody waits for but who has started it.
    pub(crate) fn patient(mut self) -> Self {
        self.is_patient = true;
        self
    }

    /// From now on an answer may not take longer than [`ANSWER_MAX`], as in the beginning.
    pub(crate) fn prompt(mut self) -> Self {
        self.is_patient = false;
        self
    }

    /// Whether it may change rows.
    pub(crate) fn may_write(&self) -> bool {
        self.may_write
    }

    /// Whether nothing went wrong since that was asked for last.
    pub(crate) fn is_sound(&self) -> bool {
        !self.client.is_closed() && self.trouble.get() == Trouble::None
    }

    /// What went wrong since this was asked last.
    pub(crate) fn trouble(&self) -> Trouble {
        if self.client.is_closed() {
            self.trouble.set(Trouble::Lost);
        }
        match self.trouble.get() {
            Trouble::Lost => Trouble::Lost,
            _ => self.trouble.take(),
        }
    }

    /// Waits for an answer of the server.
    pub(crate) fn wait<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        // There always is one but while the session is dropped.
        let Some(runtime) = &self.runtime else { return Err(Error::Stopped) };
        runtime.block_on(self.in_time(answer))
    }

    /// The one place where an answer is waited for.
    async fn in_time<T>(
        &self,
        answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T, Error> {
        if self.trouble.get() == Trouble::Lost {
            return Err(Error::Lost);
        }
        let answer = if self.is_patient {
            answer.await
        } else {
            let Ok(answer) = timeout(ANSWER_MAX, answer).await else {
                self.trouble.set(Trouble::Lost);
                return Err(Error::NoAnswer(ANSWER_MAX));
            };
            answer
        };
        answer.map_err(|error| self.note(error))
    }

    /// The driver's end, for requests that are sent together.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The statement of this text, prepared once.
    pub(crate) fn statement(&self, sql: &str) -> Result<Statement, Error> {
        if let Some(known) = self.statements.borrow().get(sql) {
            return Ok(known.clone());
        }
        let statement = self.wait(self.client.prepare(&numbered(sql)))?;
        self.statements.borrow_mut().insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }

    /// Runs statements without parameters.
    pub(crate) fn batch(&self, sql: &str) -> Result<(), Error> {
        self.wait(self.client.batch_execute(sql))
    }

    pub(crate) fn execute(&self, sql: &str, values: &[Value<'_>]) -> Result<usize, Error> {
        let statement = self.statement(sql)?;
        let changed = self.wait(self.client.execute_raw(&statement, parameters(values)))?;
        Ok(usize::try_from(changed).unwrap_or(usize::MAX))
    }

    pub(crate) fn each(
        &self,
        sql: &str,
        values: &[Value<'_>],
        take: &mut dyn FnMut(Row<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let statement = self.statement(sql)?;
        let mut rows = pin!(self.wait(self.client.query_raw(&statement, parameters(values)))?);
        let Some(runtime) = &self.runtime else { return Err(Error::Stopped) };
        runtime.block_on(async {
            while let Some(row) = self.in_time(rows.try_next()).await? {
                take(Row::Postgres(&row))?;
            }
            Ok(())
        })
    }

    /// Brings the tables up to date.
    pub(super) fn migrate(&mut self, migrations: &Runner) -> Result<(), OpenError> {
        let Some(runtime) = &self.runtime else { return Ok(()) };
        runtime.block_on(migrations.run_async(&mut self.client))?;
        Ok(())
    }

    fn note(&self, error: tokio_postgres::Error) -> Error {
        let trouble = match error.code() {
            Some(&SqlState::T_R_SERIALIZATION_FAILURE | &SqlState::T_R_DEADLOCK_DETECTED) => {
                Trouble::Again
            }
            // 08 is the connection, 57P the server's coming and going.
            Some(code) if code.code().starts_with("08") || code.code().starts_with("57P") => {
                Trouble::Lost
            }
            // Who has the lock is as silent as a server can be.
            Some(&SqlState::LOCK_NOT_AVAILABLE) => Trouble::Lost,
            None if is_lost(&error) => Trouble::Lost,
            _ => Trouble::Failed,
        };
        self.trouble.set(self.trouble.get().max(trouble));
        match error.as_db_error() {
            Some(said) if *said.code() == SqlState::DATA_CORRUPTED => {
                Error::Corrupt(said.message().to_owned())
            }
            _ => error.into(),
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Where it is dropped may be a place that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn connect(address: &Address) -> Result<Client, OpenError> {
    if address.is_encrypted {
        let (client, connection) = address.config.connect(tls::connector()?).await?;
        tokio::spawn(connection);
        Ok(client)
    } else {
        let (client, connection) = address.config.connect(NoTls).await?;
        tokio::spawn(connection);
        Ok(client)
    }
}

/// Whether an error that no server has told of is one of the connection; otherwise the driver has
/// refused a value, and nothing was sent.
fn is_lost(error: &tokio_postgres::Error) -> bool {
    let source = std::error::Error::source(error);
    error.is_closed() || source.is_none_or(<dyn std::error::Error>::is::<std::io::Error>)
}

fn parameters<'a>(
    values: &'a [Value<'a>],
) -> impl ExactSizeIterator<Item = &'a (dyn ToSql + Sync)> {
    values.iter().map(|value| value as &(dyn ToSql + Sync))
}

/// PostgreSQL's way to number parameters: `$1` for `?1`.
fn numbered(sql: &str) -> String {
    sql.replace('?', "$")
}
