//! What the demo tells: each step is a real request, and its answer is checked.

use serde::Serialize;
use serde_json::{Value, json};

use crate::bundled;
use crate::client::{Answer, Client, Credential};
use crate::failure::Failure;
use crate::output;

/// The account that the story is about.
const ACCOUNT: &str = "5f2c9d7ab1e84d0c93a6e2f4700de111";

/// What was done and what came of it.
#[derive(Serialize)]
pub(super) struct Story {
    steps: Vec<Step>,
    statement: Vec<Value>,
    balance: Value,
}

/// One row of the table.
#[derive(Serialize)]
struct Step {
    what: &'static str,
    outcome: String,
    credits_held: String,
    credits_captured: String,
    fuel: String,
    balance: String,
}

/// Tells the story on a server that has nothing on it yet.
pub(super) fn tell(client: &Client) -> Result<Story, Failure> {
    let mut teller = Teller { client, steps: Vec::new() };
    let key = teller.publish()?;
    teller.buy()?;
    teller.roll("paid call", &json!({ "credits": 0.05 }), |answer| answer["result"].is_object())?;
    teller.roll("too few credits", &json!({ "credits": 1000 }), |answer| {
        error_name(answer).ends_with("InsufficientCreditError")
    })?;
    teller.roll("out of fuel", &json!({ "credits": 0.01, "hashes": 1000 }), |answer| {
        answer["error"]["data"]["outcome"] == "out-of-fuel"
    })?;
    teller.broker(&key)?;
    let statement = teller.statement()?;
    Ok(Story {
        steps: teller.steps,
        balance: statement["balance"].clone(),
        statement: statement["entries"].as_array().cloned().unwrap_or_default(),
    })
}

struct Teller<'a> {
    client: &'a Client,
    steps: Vec<Step>,
}

impl Teller<'_> {
    /// A provider registers the coal roller and uploads its component.
    fn publish(&mut self) -> Result<String, Failure> {
        let service = json!({ "name": bundled::NAME, "label": "Coal Roller" });
        let service = self.client.post("/api/v1/services", &service)?;
        let service = service.success("the service was not registered")?;
        let key = service["key"].as_str().unwrap_or_default().to_owned();
        let upload = bundled::coal_roller();
        let client = self.client.asked_by(Credential::Key(key.clone()));
        let version = client.upload(bundled::NAME, &upload, true)?;
        let version = version.success("the version was not uploaded")?;
        self.step(
            "service published",
            format!("version {}, {} bytes", version["version"], version["size"]),
            None,
        )?;
        Ok(key)
    }

    /// A client buys the first pack.
    fn buy(&mut self) -> Result<(), Failure> {
        let packs = self.client.get(&format!("/api/v1/services/{}/packs", bundled::NAME))?;
        let packs = packs.success("the packs cannot be listed")?;
        let order = json!({
            "service": bundled::NAME, "account_token": ACCOUNT, "pack_id": packs["packs"][0]["id"],
        });
        let order = self.client.post("/api/v1/orders", &order)?.success("the order was refused")?;
        let what = format!(
            "{} credits for {} cents, {} of them commission",
            order["credits"], order["price_cents"], order["commission_cents"]
        );
        self.step("pack bought", what, None)
    }

    /// The client calls the service. The answer has to be as `expected`.
    fn roll(
        &mut self,
        what: &'static str,
        params: &Value,
        expected: impl Fn(&Value) -> bool,
    ) -> Result<(), Failure> {
        let mut params = params.clone();
        params["account_token"] = ACCOUNT.into();
        let answer = self.client.call(&format!("/services/{}/roll", bundled::NAME), &params)?;
        check(what, &answer.body, expected)?;
        let outcome = match answer.body.get("result") {
            Some(result) => format!("captured, {} hashes", result["hashes"]),
            None => match answer.body["error"]["data"]["outcome"].as_str() {
                Some("insufficient-credits") => "refused: InsufficientCreditError".to_owned(),
                outcome => format!("cancelled: {}", outcome.unwrap_or_default()),
            },
        };
        self.step(what, outcome, Some(&answer))
    }

    /// A provider with a server of its own uses the broker alone.
    fn broker(&mut self, key: &str) -> Result<(), Failure> {
        let is_token = |answer: &Value| answer["result"].is_string();
        let done = |answer: &Value| answer["result"] == true;
        let hold =
            json!({ "key": key, "account_token": ACCOUNT, "credit": 2, "description": "By hand" });
        let held = self.client.call("/iap/1/authorize", &hold)?.body;
        check("authorize", &held, is_token)?;
        self.step("broker: authorize 2", "held".into(), None)?;
        let part = json!({ "key": key, "token": held["result"], "credit_to_capture": 1.5 });
        check("capture", &self.client.call("/iap/1/capture", &part)?.body, done)?;
        self.step("broker: capture 1.5", "captured, the rest released".into(), None)?;
        let held = self.client.call("/iap/1/authorize", &hold)?.body;
        check("authorize", &held, is_token)?;
        let all = json!({ "key": key, "token": held["result"] });
        check("cancel", &self.client.call("/iap/1/cancel", &all)?.body, done)?;
        self.step("broker: authorize, cancel", "released".into(), None)
    }

    fn statement(&self) -> Result<Value, Failure> {
        let path = format!("/api/v1/services/{}/accounts/{ACCOUNT}/statement", bundled::NAME);
        self.client.get(&path)?.success("there is no statement")
    }

    /// Adds a row, with the balance after the step.
    fn step(
        &mut self,
        what: &'static str,
        outcome: String,
        answer: Option<&Answer>,
    ) -> Result<(), Failure> {
        let params = json!({ "account_token": ACCOUNT, "service_name": bundled::NAME });
        let balance = self.client.call("/iap/1/balance", &params)?.body;
        check("balance", &balance, |answer| answer["result"].is_number())?;
        let header = |name| {
            let value = answer.and_then(|answer| answer.headers.get(name));
            value.and_then(|value| value.to_str().ok()).unwrap_or("-").to_owned()
        };
        self.steps.push(Step {
            what,
            outcome,
            credits_held: header("stokehold-credits-authorized"),
            credits_captured: header("stokehold-credits-captured"),
            fuel: header("stokehold-fuel"),
            balance: balance["result"].to_string(),
        });
        Ok(())
    }
}

impl Story {
    /// The steps and the statement as tables.
    pub(super) fn text(&self) -> String {
        let steps = self.steps.iter().map(|step| {
            vec![
                step.what.to_owned(),
                step.outcome.clone(),
                step.credits_held.clone(),
                step.credits_captured.clone(),
                step.fuel.clone(),
                step.balance.clone(),
            ]
        });
        let header = ["step", "outcome", "held", "captured", "fuel", "available"];
        let steps = output::table(&header, 2, steps.collect());
        let lines = self.statement.iter().map(|line| {
            let text = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
            let number = |key: &str| line[key].to_string();
            vec![text("kind"), text("description"), number("credits"), number("balance")]
        });
        let header = ["statement", "for", "credits", "balance"];
        let statement = output::table(&header, 2, lines.collect());
        format!("{steps}\n{statement}")
    }
}

fn check(what: &str, answer: &Value, expected: impl Fn(&Value) -> bool) -> Result<(), Failure> {
    if expected(answer) {
        return Ok(());
    }
    Err(Failure::new(format!("the step \"{what}\" went wrong"), answer))
}

fn error_name(answer: &Value) -> &str {
    answer["error"]["data"]["name"].as_str().unwrap_or_default()
}
