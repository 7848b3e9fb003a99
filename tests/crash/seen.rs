//! What the host shows of an account.

use serde_json::Value;
use stokehold_ledger::Credits;
use stokehold_tests::http::Client;

use crate::caller::credits;
use crate::subject::SERVICE;

/// What the host shows of an account.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) balance: Credits,
    pub(crate) held: Credits,
    /// Grants by the reason that was given, with their credits.
    pub(crate) grants: Vec<(String, Credits)>,
    /// Captures by transaction, with the credits that were taken.
    pub(crate) captures: Vec<(String, Credits)>,
    pub(crate) open: Vec<Open>,
}

/// An open hold.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) id: String,
    pub(crate) description: String,
    pub(crate) credits: Credits,
    pub(crate) is_call: bool,
}

impl Seen {
    /// Reads an account, of which `open` are the open holds. One that nobody has made has
    /// nothing.
    pub(crate) fn read(operator: &Client, account: &str, open: Vec<Open>) -> Self {
        let path = format!("/api/v1/services/{SERVICE}/accounts/{account}");
        let reply = operator.get(&path);
        if reply.status == 404 {
            return Self { open, ..Self::default() };
        }
        let shown = reply.expect(200);
        let mut seen = Self {
            balance: credits(&shown["balance"]),
            held: credits(&shown["held"]),
            open,
            ..Self::default()
        };
        let mut after = Value::from(0);
        while !after.is_null() {
            let page =
                operator.get(&format!("{path}/statement?limit=1000&after={after}")).expect(200);
            page["entries"].as_array().into_iter().flatten().for_each(|line| seen.add(line));
            after = page["next"].clone();
        }
        seen
    }

    fn add(&mut self, line: &Value) {
        if line["kind"] == "capture" {
            self.captures.push((text(&line["transaction"]), credits(&line["credits"])));
        } else {
            self.grants.push((text(&line["description"]), credits(&line["credits"])));
        }
    }
}

/// All open holds of the service, with what their accounts are known by.
pub(crate) fn open_holds(operator: &Client) -> Vec<(String, Open)> {
    let (mut holds, mut query) = (Vec::new(), String::new());
    loop {
        let page = operator.get(&format!("/api/v1/services/{SERVICE}/holds{query}")).expect(200);
        holds.extend(page["holds"].as_array().into_iter().flatten().map(|hold| {
            let open = Open {
                id: text(&hold["id"]),
                description: text(&hold["description"]),
                credits: credits(&hold["credits"]),
                is_call: hold["is_call"] == true,
            };
            (text(&hold["account"]), open)
        }));
        let Some(next) = page["next"].as_str() else { return holds };
        query = format!("?after={next}");
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
