//! What the broker answers, as tables: a request in, an answer out, and what it did to the account.

mod answer;
mod case;
mod odoo;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use stokehold_tests::http::{Client, Reply};
use stokehold_tests::poll;
use stokehold_tests::server::{Server, assert_clean};

use crate::case::{Case, Table};

/// The service that the cases are about.
const SERVICE: &str = "printer";
/// Another provider's service.
const OTHER: &str = "scanner";

fn folder() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/conformance"))
}

#[test]
fn every_case_is_answered_as_the_tables_say() {
    let data = tempfile::tempdir().expect("a directory");
    let server = Server::sandbox(data.path());
    let world =
        World { key: server.register(SERVICE), other_key: server.register(OTHER), server: &server };
    let mut paths: Vec<_> = fs::read_dir(folder().join("cases"))
        .expect("the folder of the tables")
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    let (mut count, mut wrong) = (0, Vec::new());
    for path in &paths {
        for case in Table::read(path).cases {
            count += 1;
            if let Err(why) = world.check(&case, count) {
                wrong.push(format!("{}: {}: {why}", name(path), case.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 120, "the tables have {count} cases only");
    assert_clean(data.path());
}

fn name(path: &Path) -> String {
    path.file_name().expect("a file").to_string_lossy().into_owned()
}

/// The server, and what a case may speak of.
struct World<'a> {
    server: &'a Server,
    key: String,
    other_key: String,
}

impl World<'_> {
    /// Runs one case on an account of its own.
    fn check(&self, case: &Case, number: usize) -> Result<(), String> {
        let account = format!("account-{number}");
        let credits: f64 = case.credits.parse().expect("a number");
        if credits > 0.0 {
            let credits = serde_json::from_str(&case.credits).expect("a number");
            self.server.grant(SERVICE, &account, &credits);
        }
        let hold =
            case.setup.iter().fold(String::new(), |hold, step| self.step(step, &account, &hold));
        let before = self.account(&account);
        let names = [
            ("key", self.key.as_str()),
            ("other_key", &self.other_key),
            ("account", &account),
            ("hold", &hold),
        ];
        let body = names.iter().fold(case.body.clone(), |body, (name, value)| {
            body.replace(&format!("${{{name}}}"), value)
        });
        let client = self.server.client().with("Content-Type", "application/json");
        let client = match case.header.split_once(": ") {
            Some((name, value)) => client.with(name, value),
            None => client,
        };
        if case.repeated {
            send(&client, case, body.clone());
        }
        let reply = send(&client, case, body);
        let mut case = case.clone();
        case.result = case.result.map(|result| result.replace("${account}", &account));
        answer::check(&case, &reply)?;
        let after = self.account(&account);
        let expected = before.map(|before| {
            let number = |text: &String| text.parse().expect("a number");
            [
                case.balance.as_ref().map_or(before[0], number),
                case.held.as_ref().map_or(before[1], number),
            ]
        });
        if after == expected {
            return Ok(());
        }
        Err(format!("balance and held are {after:?}, not {expected:?}; the answer was {reply:?}"))
    }

    /// One step on the way to where the case begins. Answers the hold that the case is about.
    fn step(&self, step: &str, account: &str, hold: &str) -> String {
        let words: Vec<_> = step.split(' ').collect();
        let rpc = |method: &str, params: &Value| {
            let path = format!("/iap/1/{method}");
            self.server.client().rpc(&path, params).result()
        };
        let number = |text: &str| serde_json::from_str::<Value>(text).expect("a number");
        match words[..] {
            ["hold", credits] => self.hold(account, &json!({ "credit": number(credits) })),
            // An hour's millionths: gone when the next sweep comes.
            ["expired", credits] => {
                let params = json!({ "credit": number(credits), "ttl": 0.000_001 });
                let hold = self.hold(account, &params);
                let is_over = || self.account(account).filter(|[_, held]| *held == 0.0);
                poll::until("the expiry", is_over);
                hold
            }
            ["capture"] => {
                rpc("capture", &json!({ "key": self.key, "token": hold }));
                hold.to_owned()
            }
            ["capture", credits] => {
                let amount = number(credits);
                let params = json!({ "key": self.key, "token": hold, "credit_to_capture": amount });
                rpc("capture", &params);
                hold.to_owned()
            }
            ["cancel"] => {
                rpc("cancel", &json!({ "key": self.key, "token": hold }));
                hold.to_owned()
            }
            _ => panic!("no such step: {step}"),
        }
    }

    fn hold(&self, account: &str, params: &Value) -> String {
        let mut params = params.clone();
        params["key"] = self.key.as_str().into();
        params["account_token"] = account.into();
        let hold = self.server.client().rpc("/iap/1/authorize", &params).result();
        hold.as_str().expect("a transaction token").to_owned()
    }

    /// An account's balance and what is held of it, where there is such an account.
    fn account(&self, token: &str) -> Option<[f64; 2]> {
        let path = format!("/api/v1/services/{SERVICE}/accounts/{token}");
        let reply = self.server.operator().get(&path);
        if reply.status == 404 {
            return None;
        }
        let account = reply.expect(200);
        Some(["balance", "held"].map(|member| account[member].as_f64().expect("a number")))
    }
}

fn send(client: &Client, case: &Case, body: String) -> Reply {
    let body = (case.method != "GET").then(|| body.into_bytes());
    client.send(&case.method, &case.path, body)
}
