//! A client of the hosted coal roller: rolls coal for so many credits, and says what was paid.
//!
//! `SERVER=http://127.0.0.1:8070 ACCOUNT_TOKEN=… cargo run --release --package stokehold-provider
//! --example client-rust -- 0.05`

#![expect(clippy::print_stdout, reason = "a program that talks to a person")]

use std::env::{args, var};

use serde_json::{Value, json};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let credits: Value = serde_json::from_str(&args().nth(1).unwrap_or("0.05".into()))?;
    let url = format!("{}/services/coalroller/roll", var("SERVER")?);
    let params = json!({ "account_token": var("ACCOUNT_TOKEN")?, "credits": credits });
    let request = json!({ "jsonrpc": "2.0", "method": "call", "id": 1, "params": params });
    let mut response = ureq::post(url).send_json(request)?;
    let answer: Value = response.body_mut().read_json()?;
    if let Some(error) = answer.get("error") {
        let class = error["data"]["name"].as_str().unwrap_or_default();
        if class.ends_with("InsufficientCreditError") {
            // The message is itself JSON: it says where credits are sold.
            let text = error["data"]["message"].as_str().unwrap_or_default();
            let shortage: Value = serde_json::from_str(text)?;
            return Err(format!("buy credits at {}", shortage["base_url"]).into());
        }
        return Err(format!("{class}: {}", error["data"]["message"]).into());
    }
    let header = |name| response.headers().get(name).and_then(|value| value.to_str().ok());
    let captured = header("Stokehold-Credits-Captured").unwrap_or("0");
    println!("{} hashes for {captured} credits", answer["result"]["hashes"]);
    println!("one of them: {}", answer["result"]["sample"]);
    Ok(())
}
