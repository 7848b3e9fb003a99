//! The host that is killed, and its data.

use std::path::PathBuf;

use stokehold_ledger::Credits;
use stokehold_store::FailPoint;
use stokehold_tests::binary;
use stokehold_tests::guest;
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::Server;
use stokehold_tests::upload;
use tempfile::TempDir;

use crate::Kind;
use crate::caller::Caller;

/// The one service, which the broker's clients and those of hosted calls share.
pub(crate) const SERVICE: &str = "echo";
/// What each call costs.
pub(crate) const CALL_PRICE: Credits = Credits::from_micros(10_000);

/// A host on data that outlives it.
pub(crate) struct Subject {
    server: Server,
    /// Where the data is, on PostgreSQL what little stands beside it.
    directory: TempDir,
    pub(crate) postgres: Option<Postgres>,
    service_key: String,
}

impl Subject {
    /// Makes a new store, with a service and a component that answers with its params.
    pub(crate) fn found(kind: Kind) -> Self {
        let directory = tempfile::Builder::new().prefix("stokehold-crash-").tempdir();
        let directory = directory.expect("a directory");
        let postgres = (kind == Kind::Postgres).then(Postgres::start);
        let server = start(&directory, postgres.as_ref(), None).expect("the host starts");
        let service_key = server.register(SERVICE);
        let operator = server.operator();
        operator.send("POST", &format!("/api/v1/services/{SERVICE}/approve"), None).expect(200);
        let manifest = upload::manifest(SERVICE, &format!("credits_per_call = {CALL_PRICE}\n"));
        // Ten million fuel for a call of a hundredth of a credit.
        let manifest = manifest.replace("10_000_000", "1_000_000_000");
        upload::upload(&operator, SERVICE, &manifest, &guest::echo()).expect(201);
        Self { server, directory, postgres, service_key }
    }

    /// A client of the host as it is now.
    pub(crate) fn caller(&self) -> Caller {
        Caller {
            client: self.server.client(),
            operator: self.server.operator(),
            service_key: self.service_key.clone(),
            requests: 0,
            is_cut_off: false,
        }
    }

    /// Ends the host at once, where it has not ended itself, and waits for the end.
    pub(crate) fn kill(&mut self) {
        self.server.kill();
    }

    /// Starts the host again, and returns when it is ready.
    pub(crate) fn start(&mut self) {
        self.end_lease();
        let started = start(&self.directory, self.postgres.as_ref(), None);
        self.server = started.unwrap_or_else(|said| panic!("the host does not start: {said}"));
        self.await_ready();
    }

    /// Ends the lease of the host that was killed, which nobody renews: the next one takes over what
    /// it ran at its start, as it would some seconds later.
    fn end_lease(&self) {
        if let Some(postgres) = &self.postgres {
            postgres.sql("UPDATE host SET lease_until = 0");
        }
    }

    /// Starts the host so that it ends at a point of its program. Answers false where it has come
    /// there before it listened.
    pub(crate) fn start_until(&mut self, fail_point: &str) -> bool {
        self.end_lease();
        let started = start(&self.directory, self.postgres.as_ref(), Some(fail_point));
        started.map(|server| self.server = server).is_ok()
    }

    /// Returns when the host says that it can serve.
    pub(crate) fn await_ready(&self) {
        let client = self.server.client();
        poll::until("the host is ready", || {
            let reply = client.try_send("GET", "/readyz", None).ok()?;
            (reply.status == 200).then_some(())
        });
    }

    /// What `stokehold ledger verify` finds wrong beside the running host.
    pub(crate) fn verify(&self) -> Option<String> {
        let mut arguments = vec!["ledger".to_owned(), "verify".to_owned()];
        arguments.extend(place(&self.directory, self.postgres.as_ref()));
        let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
        let ran = binary::run(&arguments);
        (ran.code != Some(0)).then(|| format!("verify: {}{}", ran.stdout, ran.stderr))
    }

    /// Keeps the data, for whoever wants to look into what went wrong: of a PostgreSQL server, which
    /// ends with this program, a backup.
    pub(crate) fn keep(self) -> PathBuf {
        let place = place(&self.directory, self.postgres.as_ref());
        let kept = self.directory.keep();
        if self.postgres.is_some() {
            let file = kept.join("postgres.backup");
            let file = file.to_str().expect("a path of text");
            binary::run(&["ledger", "backup", file, &place[0], &place[1]]).success();
        }
        kept
    }
}

/// The options that say where the data is.
fn place(directory: &TempDir, postgres: Option<&Postgres>) -> [String; 2] {
    match postgres {
        Some(postgres) => ["--database".into(), postgres.url()],
        None => ["--data".into(), directory.path().to_str().expect("a path of text").into()],
    }
}

fn start(
    directory: &TempDir,
    postgres: Option<&Postgres>,
    fail_point: Option<&str>,
) -> Result<Server, String> {
    let database = postgres.map(|_| place(directory, postgres));
    let arguments: Vec<_> = database.iter().flatten().map(String::as_str).collect();
    let settings = fail_point.map(|point| (FailPoint::VARIABLE, point));
    Server::try_start(directory.path(), &arguments, settings.as_slice())
}
