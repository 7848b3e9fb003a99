//! Settings of a host. Every limit stands here, with its default and the reason for it.

mod mail;
mod secret;

use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use stokehold_ledger::Credits;
use stokehold_runtime::Authorities;
use stokehold_store::{DatabaseAddress, KeyValueMax, MemoryMax, OpenError as StoreOpenError};

use crate::secret::Secret;

pub use self::mail::{Mail, MailTls, MailTransport};

/// The settings of a host, as they stand in its configuration file.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where it listens, and what it takes from the network.
    pub server: Server,
    /// Where its data is.
    pub store: Store,
    /// What a call may use at the most, and how many there may be.
    pub calls: Calls,
    /// How guests are run.
    pub runtime: Runtime,
    /// Where services may reach.
    pub outbound: Outbound,
    /// How secrets of services are kept.
    pub secrets: Secrets,
    /// The terms of the broker.
    pub broker: Broker,
    /// How mail is sent.
    pub mail: Mail,
}

/// Where the host listens, and what it takes from the network.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Server {
    /// Address and port. Loopback: whoever wants more puts a proxy with TLS before it.
    pub listen: String,
    /// The address that clients know the host by, for links in answers. By default the address it
    /// listens on.
    pub public_url: Option<String>,
    /// The longest body of a request but for uploads, in bytes: 1 MiB holds a thousand documents'
    /// worth of params.
    pub body_bytes_max: usize,
    /// The longest upload, in bytes: 64 MiB, above the largest components known (interpreted
    /// languages, 18 MiB) with room to grow.
    pub upload_bytes_max: usize,
    /// The most requests in one JSON-RPC batch. Each is as expensive as a request of its own.
    pub batch_max: usize,
    /// How deep the JSON of a JSON-RPC body may be nested, the outermost object included. Most
    /// parsers, a guest's among them, stop at 128.
    pub depth_max: usize,
    /// How long a stopping host lets calls run on before it cancels them, in seconds.
    pub grace_s: u64,
    /// How long a client may take to send a request's headers, counted from the end of the one
    /// before, and how long its body may pause on its way, in seconds.
    pub read_s_max: u64,
    /// The most connections that are open at once; further ones wait to be accepted. Each takes
    /// some 20 KiB and an open file.
    pub connections_max: usize,
}

impl Server {
    /// The address that clients know the host by, without a slash at its end.
    pub fn base_url(&self) -> String {
        let listen = || format!("http://{}", self.listen);
        let url = self.public_url.clone().unwrap_or_else(listen);
        url.trim_end_matches('/').to_owned()
    }
}

/// Where the data is.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Store {
    /// The directory of the database, where that is SQLite's.
    pub data: PathBuf,
    /// The address of a PostgreSQL database, which many hosts may share:
    /// `postgres://user:password@host/database`. Without one the ledger is in `data`.
    #[serde(serialize_with = "secret::redacted", deserialize_with = "secret::read")]
    pub database: Option<Secret>,
    /// A file that holds the address, so that it need not stand here or in the environment.
    pub database_file: Option<PathBuf>,
    /// How many requests that have made a hold are recognised when they are repeated within a day,
    /// where the database is SQLite's. Each takes about 50 bytes of memory.
    pub requests_max: usize,
    /// How many accounts that were paid with are kept in memory, where the database is SQLite's. Each
    /// takes 140 to 280 bytes.
    pub accounts_kept_max: usize,
    /// Whether this is a sandbox: orders are paid at once, services need no approval, and the magic
    /// tokens work.
    pub sandbox: bool,
}

/// What calls may use.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Calls {
    /// Calls that run at once. More than a machine has cores, since a guest may wait.
    pub running_max: u32,
    /// Calls that wait for a place to run. Beyond it a client is told to come back.
    pub waiting_max: u32,
    /// Calls of one service that run at once, whatever its manifest says: the others keep places.
    pub running_per_service_max: u32,
    /// Calls of one service that wait for a place: one service cannot fill the queue.
    pub waiting_per_service_max: u32,
    /// Calls of one account that run or wait: one client cannot fill the queue.
    pub per_account_max: u32,
    /// How long a call waits for a place before its client is told to come back, in seconds. Clients
    /// give up after 15.
    pub wait_s_max: u64,
    /// Fuel that a quote, or a call that costs nothing, may burn: about 10 ms of CPU.
    pub free_fuel: u64,
    /// Wall time for a quote, in milliseconds.
    pub quote_deadline_ms: u64,
    /// The most memory of one guest, in MiB.
    pub memory_mib_max: u32,
    /// The longest that one call may run, in seconds.
    pub deadline_s_max: u64,
    /// The longest result, in bytes. It is kept with the call's record.
    pub output_bytes_max: usize,
    /// The longest log that is kept with a call's record, in bytes.
    pub log_bytes_max: usize,
    /// How long a quote that was asked for on its own binds the service, in seconds.
    pub quote_valid_s: u64,
    /// What one call may cost at the most, in whole credits. A client that was robbed of its token
    /// loses less.
    pub credits_per_call_max: Option<u32>,
    /// What the calls of one account to one service may cost in a day of UTC, in whole credits.
    pub credits_per_day_max: Option<u32>,
    /// After so many calls in a row that its own code has failed a version is suspended: a broken one
    /// shall not cost its clients their time. 0: never.
    pub breaker_failures: u32,
    /// How long a suspended version rests before one call tries it again, in seconds.
    pub breaker_pause_s: u64,
    /// Calls that wait in the durable queue.
    pub queued_max: u32,
    /// Calls of one account that wait there, or run from there.
    pub queued_per_account_max: u32,
    /// How long a call waits there before it is given up, in seconds. Its credits are held meanwhile.
    pub queued_s_max: u64,
    /// Keys and values that one service keeps, in MiB together: state, not files.
    pub key_value_mib_max: u32,
    /// Keys of one service. Listing the last of them passes all others.
    pub key_value_keys_max: u32,
    /// How long results and logs are kept, in hours. As long as a repeat gets the same answer, at
    /// least.
    pub kept_h: u32,
}

/// How guests are run.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Runtime {
    /// Threads that run guests. By default as many as there are cores; they give way to the threads
    /// that serve the broker.
    pub guest_threads: Option<usize>,
    /// The most memory that one compilation may take, in MiB of address space. The largest component
    /// known, a Python guest of 18 MB, takes a third of the default.
    pub compile_mib_max: u32,
    /// How long one compilation may take, in seconds. The largest component known takes 15 s on two
    /// busy cores.
    pub compile_s_max: u64,
    /// Compilations at the same time. Each uses several cores.
    pub compilers_max: usize,
    /// The most machine code that is kept on disk, in MiB. What was used least recently goes first.
    pub cache_mib_max: u32,
    /// Programs that are kept in memory. One takes some 20 KiB beside its machine code.
    pub programs_max: usize,
    /// Machine code that is kept in memory, in MiB. It is mapped from the cache, and the system may
    /// take its memory back at any time.
    pub programs_mib_max: u32,
    /// The program that compiles, with its subcommand `compile`: this one. Without it components are
    /// compiled in this process. No setting: programs that embed a host choose it.
    #[serde(skip)]
    pub compiler: Option<PathBuf>,
    /// Whether each call tells where its fuel went. No setting: it is for one call at a time.
    #[serde(skip)]
    pub profile: bool,
}

/// Where services may reach, beside what their manifests say.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Outbound {
    /// The hosts that services may reach, such as `api.example.com`, `*.example.com` or
    /// `http://internal.example:8080`; `*` for whatever their manifests name. None: a new host reaches
    /// out to nobody.
    pub hosts: Vec<String>,
    /// A PEM file of certificate authorities that are trusted beside those of the machine, such as a
    /// company's own.
    pub ca_file: Option<PathBuf>,
    /// Whether addresses that are not on the Internet may be reached: this machine's own, its
    /// neighbours', the cloud's metadata.
    pub private_addresses: bool,
    /// Requests of one call: a call is an errand, not a crawl.
    pub requests_max: usize,
    /// The longest body of a request, and of an answer, in bytes.
    pub body_bytes_max: usize,
    /// How long finding and reaching a host may take, in seconds.
    pub connect_s_max: u64,
}

/// How secrets of services are kept.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Secrets {
    /// The file of the key that they are sealed with in the database: 64 hexadecimal digits. By
    /// default a file beside the database, which the host makes when it is first needed; hosts that
    /// share a database need one and the same.
    pub key_file: Option<PathBuf>,
}

/// The terms of the broker.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
pub struct Broker {
    /// How long a hold may stay open at the most, in hours. What a provider asks for above it is
    /// lowered to it. The protocol's default is 180 days.
    pub ttl_hours_max: u32,
    /// How old a hold has to be before its account's owner may release it, in minutes. A provider
    /// that is still at work keeps its claim; one that has lost its transaction token does not freeze
    /// the credits for months.
    pub release_after_minutes: u32,
    /// The operator's share of each sale, in hundredths of a per cent.
    pub commission_bp: u16,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:8070".into(),
            public_url: None,
            body_bytes_max: 1 << 20,
            upload_bytes_max: 64 << 20,
            batch_max: 50,
            depth_max: 128,
            grace_s: 30,
            read_s_max: 30,
            connections_max: 10_000,
        }
    }
}

impl Store {
    /// Whether other hosts may have the database open, too.
    pub(crate) fn is_shared(&self) -> bool {
        self.database.is_some() || self.database_file.is_some()
    }

    /// The address of the PostgreSQL database, wherever it stands.
    pub fn address(&self) -> Result<Option<DatabaseAddress>, String> {
        if self.database.is_some() && self.database_file.is_some() {
            return Err("store.database and store.database_file are both set: leave one".into());
        }
        let url = match &self.database_file {
            Some(path) => Some(secret::file("store.database_file", path)?),
            None => self.database.clone(),
        };
        let address = url.map(|url| url.reveal().parse());
        address.transpose().map_err(|error: StoreOpenError| format!("store.database: {error}"))
    }
}

impl Default for Store {
    fn default() -> Self {
        let memory = MemoryMax::default();
        Self {
            data: "./stokehold-data".into(),
            database: None,
            database_file: None,
            requests_max: memory.requests,
            accounts_kept_max: memory.accounts,
            sandbox: false,
        }
    }
}

impl Default for Calls {
    fn default() -> Self {
        Self {
            running_max: 64,
            running_per_service_max: 32,
            waiting_max: 1_024,
            waiting_per_service_max: 256,
            per_account_max: 64,
            wait_s_max: 10,
            free_fuel: 100_000_000,
            quote_deadline_ms: 1_000,
            memory_mib_max: 256,
            deadline_s_max: 600,
            output_bytes_max: 1 << 20,
            log_bytes_max: 64 << 10,
            quote_valid_s: 300,
            credits_per_call_max: None,
            credits_per_day_max: None,
            breaker_failures: 10,
            breaker_pause_s: 30,
            queued_max: 1_000,
            queued_per_account_max: 64,
            queued_s_max: 3_600,
            key_value_mib_max: 16,
            key_value_keys_max: 10_000,
            kept_h: 24,
        }
    }
}

impl Default for Runtime {
    fn default() -> Self {
        Self {
            guest_threads: None,
            compile_mib_max: 2_048,
            compile_s_max: 120,
            compilers_max: 1,
            cache_mib_max: 4_096,
            programs_max: 4_096,
            programs_mib_max: 1_024,
            compiler: None,
            profile: false,
        }
    }
}

impl Outbound {
    /// The certificate authorities that are trusted beside those of the machine.
    pub(crate) fn authorities(&self) -> Result<Authorities, String> {
        let Some(path) = &self.ca_file else { return Ok(Authorities::default()) };
        Authorities::read(path)
            .map_err(|error| format!("outbound.ca_file: {}: {error}", path.display()))
    }
}

impl Default for Outbound {
    fn default() -> Self {
        Self {
            hosts: Vec::new(),
            ca_file: None,
            private_addresses: false,
            requests_max: 16,
            body_bytes_max: 8 << 20,
            connect_s_max: 10,
        }
    }
}

impl Default for Broker {
    fn default() -> Self {
        Self { ttl_hours_max: 4_320, release_after_minutes: 60, commission_bp: 2_500 }
    }
}

impl Calls {
    /// What one call may cost.
    pub(crate) fn per_call_max(&self) -> Option<Credits> {
        self.credits_per_call_max.map(whole)
    }

    /// What one service may keep.
    pub(crate) fn key_value_max(&self) -> KeyValueMax {
        let bytes = u64::from(self.key_value_mib_max) << 20;
        KeyValueMax { bytes, keys: self.key_value_keys_max.into() }
    }

    /// What the calls of one account may cost in a day.
    pub(crate) fn per_day_max(&self) -> Option<Credits> {
        self.credits_per_day_max.map(whole)
    }
}

fn whole(credits: u32) -> Credits {
    const MICROS_PER_CREDIT: i64 = 1_000_000;
    Credits::from_micros(i64::from(credits) * MICROS_PER_CREDIT)
}

impl Config {
    /// What is wrong with the settings, one text each. Empty for good ones.
    pub fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, what: &str| {
            if !holds {
                faults.push(what.to_owned());
            }
        };
        check(self.calls.running_max >= 1, "calls.running_max has to be at least 1");
        check(self.calls.running_max <= 4_096, "calls.running_max can be 4096 at the most");
        check(self.calls.waiting_max >= 1, "calls.waiting_max has to be at least 1");
        check(self.calls.per_account_max >= 1, "calls.per_account_max has to be at least 1");
        check(
            self.calls.running_per_service_max >= 1,
            "calls.running_per_service_max has to be at least 1",
        );
        check(
            self.calls.waiting_per_service_max >= 1,
            "calls.waiting_per_service_max has to be at least 1",
        );
        check(
            (1..=86_400).contains(&self.calls.quote_valid_s),
            "calls.quote_valid_s has to be from 1 to 86400",
        );
        check(self.calls.breaker_pause_s >= 1, "calls.breaker_pause_s has to be at least 1");
        check(self.calls.queued_s_max <= 604_800, "calls.queued_s_max can be 604800 at the most");
        check(self.calls.kept_h >= 24, "calls.kept_h has to be at least 24");
        check(
            (1..=4_096).contains(&self.calls.memory_mib_max),
            "calls.memory_mib_max has to be from 1 to 4096",
        );
        check(self.calls.deadline_s_max >= 1, "calls.deadline_s_max has to be at least 1");
        check(self.calls.deadline_s_max <= 86_400, "calls.deadline_s_max can be 86400 at the most");
        check(self.broker.commission_bp <= 10_000, "broker.commission_bp can be 10000 at the most");
        check(self.broker.ttl_hours_max >= 1, "broker.ttl_hours_max has to be at least 1");
        check(self.server.batch_max >= 1, "server.batch_max has to be at least 1");
        // An envelope, its params, and a list of objects in them.
        check(self.server.depth_max >= 4, "server.depth_max has to be at least 4");
        check(self.server.connections_max >= 1, "server.connections_max has to be at least 1");
        check(self.runtime.guest_threads != Some(0), "runtime.guest_threads has to be at least 1");
        check(
            self.runtime.compile_mib_max >= 256,
            "runtime.compile_mib_max has to be at least 256",
        );
        check(self.runtime.compile_s_max >= 1, "runtime.compile_s_max has to be at least 1");
        check(self.runtime.compilers_max >= 1, "runtime.compilers_max has to be at least 1");
        check(self.runtime.programs_max >= 1, "runtime.programs_max has to be at least 1");
        let url = self.server.public_url.as_deref();
        check(
            url.is_none_or(|url| url.starts_with("http://") || url.starts_with("https://")),
            "server.public_url has to start with http:// or https://",
        );
        check(
            (1_000..=100_000_000).contains(&self.store.requests_max),
            "store.requests_max has to be from 1000 to 100000000",
        );
        check(
            (1_000..=100_000_000).contains(&self.store.accounts_kept_max),
            "store.accounts_kept_max has to be from 1000 to 100000000",
        );
        faults.extend(self.store.address().err());
        faults.extend(self.outbound.authorities().err());
        for host in &self.outbound.hosts {
            if let Err(error) = host.parse::<stokehold_runtime::Host>() {
                faults.push(format!("outbound.hosts: {error}"));
            }
        }
        faults.extend(self.mail.faults());
        faults
    }
}
