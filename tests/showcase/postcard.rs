//! `postcard`: many cards in a call, each with its own state, and a printing house with bad days.

use serde_json::{Value, json};
use stokehold_tests::http::Reply;
use stokehold_tests::server::{Server, assert_clean};
use tempfile::TempDir;

use crate::house::{House, KEY};
use crate::{
    assert_receipt, call, changed, directory, held_and_captured, money, publish, statement,
};

/// A server that sells postcards of a printing house, and ten stamps on Anna's account.
struct Shop {
    server: Server,
    house: House,
    data: TempDir,
}

impl Shop {
    /// A shop whose operator allows what the manifest names.
    fn open() -> Self {
        Self::with("[\"*\"]", KEY)
    }

    fn with(allowed: &str, key: &str) -> Self {
        let (house, data) = (House::open(), directory());
        let settings = [
            ("STOKEHOLD_OUTBOUND_HOSTS", allowed),
            ("STOKEHOLD_OUTBOUND_PRIVATE_ADDRESSES", "true"),
        ];
        let server = Server::sandbox_with(data.path(), &settings);
        let service_key = server.register("postcard");
        let secret = "/api/v1/services/postcard/secrets/gateway_key";
        server.operator().send("PUT", secret, Some(key.into())).expect(204);
        let project = changed("postcard", |manifest| {
            manifest
                .replace("\"api.postcards.example\"", &format!("{:?}", house.address))
                .replace("https://api.postcards.example", &house.address)
        });
        publish(&server, &service_key, project.path());
        server.grant("postcard", crate::ANNA, &json!(10));
        Self { server, house, data }
    }

    /// Sends cards.
    fn send(&self, cards: &[Value]) -> Reply {
        call(&self.server.client(), "postcard/send", json!({ "postcards": cards }))
    }

    /// The call's log.
    fn log(&self, reply: &Reply) -> String {
        let id = reply.header("stokehold-call");
        self.server.operator().get(&format!("/api/v1/calls/{id}/log")).text
    }
}

/// A card whose text tells the printing house how to behave.
fn card(id: &str, country: &str, text: &str) -> Value {
    json!({ "id": id, "name": "Ada", "street": "1 High St", "city": "Ghent",
            "country": country, "text": text })
}

/// The states of the cards in an answer.
fn states(result: &Value) -> Vec<&str> {
    let cards = result["postcards"].as_array().expect("cards");
    cards.iter().map(|card| card["state"].as_str().expect("a state")).collect()
}

#[test]
fn each_card_has_its_own_state_and_only_those_that_were_sent_are_charged() {
    let shop = Shop::open();
    let reply = shop.send(&[
        card("a", "BE", "hello"),
        card("b", "Belgium", "hello"),
        card("c", "BE", "no such street"),
        card("d", "BE", "a fault"),
        card("e", "NZ", "kia ora"),
    ]);
    let lines = json!([
        { "id": "a", "state": "sent", "credits": 1, "tracking": "T1" },
        { "id": "b", "state": "invalid", "credits": 0,
          "reason": "country has to be two capital letters" },
        { "id": "c", "state": "invalid", "credits": 0, "reason": "there is no such street" },
        { "id": "d", "state": "failed", "credits": 0, "reason": "the printing house failed" },
        { "id": "e", "state": "sent", "credits": 1.5, "tracking": "T2" },
    ]);
    assert_eq!(reply.result(), json!({ "credits": 2.5, "postcards": lines }));
    assert_eq!(held_and_captured(&reply), (4.5, 2.5));
    assert_eq!(shop.house.asked(), ["hello", "no such street", "a fault", "kia ora"]);
    assert_eq!(money(&shop.server, "postcard"), json!([7.5, 0]));
    let charge = (json!("capture"), json!(-2.5), json!("4 postcards"));
    assert_eq!(statement(&shop.server, "postcard")[1..], [charge]);
    assert_receipt(&shop.server, &reply, "ok", &json!(2.5));
    let log = shop.log(&reply);
    assert_eq!(log, "warn: postcard c: 422\nwarn: postcard d: 500");
    assert!(!format!("{}{log}", reply.text).contains(KEY));
    assert_clean(shop.data.path());
}

#[test]
fn nothing_is_charged_where_nothing_was_sent() {
    let shop = Shop::open();
    for text in ["a fault", "hang up", "half an answer", "a page", "no credit"] {
        let reply = shop.send(&[card("a", "BE", text)]);
        let result = reply.result();
        assert_eq!((states(&result), &result["credits"]), (vec!["failed"], &json!(0)), "{text}");
        assert_eq!(held_and_captured(&reply), (1.0, 0.0), "{text}");
        assert_receipt(&shop.server, &reply, "ok", &json!(0));
    }
    assert_eq!(money(&shop.server, "postcard"), json!([10, 0]));
    assert_clean(shop.data.path());
}

#[test]
fn a_silent_house_is_waited_for_once() {
    let shop = Shop::open();
    let cards =
        [card("a", "BE", "hello"), card("b", "BE", "silence"), card("c", "BE", "hello again")];
    let result = shop.send(&cards).result();
    assert_eq!(states(&result), ["sent", "failed", "failed"]);
    let reasons = [&result["postcards"][1]["reason"], &result["postcards"][2]["reason"]];
    assert_eq!(
        reasons,
        [
            "no answer in time: it may have been sent",
            "not tried, after what became of another card"
        ]
    );
    assert_eq!(shop.house.asked(), ["hello", "silence"]);
    assert_eq!(money(&shop.server, "postcard"), json!([9, 0]));
}

#[test]
fn a_batch_that_comes_again_costs_what_is_new_in_it() {
    let shop = Shop::open();
    let (old, new) = (card("a", "BE", "hello"), card("b", "NZ", "kia ora"));
    shop.send(std::slice::from_ref(&old)).result();
    let reply = shop.send(&[old, new]);
    let result = reply.result();
    assert_eq!(states(&result), ["duplicate", "sent"]);
    assert_eq!(result["postcards"][0]["tracking"], "T1");
    assert_eq!(held_and_captured(&reply), (2.5, 1.5));
    // Another client's cards are other cards, whatever it calls them.
    shop.server.grant("postcard", "ben", &json!(1));
    let params = json!({ "account_token": "ben", "postcards": [card("a", "BE", "hello")] });
    let ben = shop.server.client().rpc("/services/postcard/send", &params).result();
    assert_eq!(states(&ben), ["sent"]);
}

#[test]
fn a_client_can_send_as_many_as_its_credits_pay_for() {
    let shop = Shop::open();
    let cards: Vec<_> = (0..11).map(|id| card(&format!("c{id}"), "BE", "hello")).collect();
    let fault = shop.send(&cards).fault("InsufficientCreditError");
    let needed: Value = serde_json::from_str(fault["message"].as_str().expect("a text")).unwrap();
    assert_eq!(needed["credit"], 11, "{needed}");
    assert!(shop.house.asked().is_empty());

    let budget = json!({ "postcards": cards, "credits_max": 10 });
    let result = call(&shop.server.client(), "postcard/send", budget).result();
    assert_eq!(result["credits"], 10);
    let states = states(&result);
    assert_eq!((&states[..10], states[10]), (&["sent"; 10][..], "insufficient_credits"));
    assert_eq!(money(&shop.server, "postcard"), json!([0, 0]));
    assert_clean(shop.data.path());
}

#[test]
fn a_call_takes_as_many_cards_as_it_has_requests() {
    let shop = Shop::open();
    shop.server.grant("postcard", crate::ANNA, &json!(10));
    let cards =
        |count| -> Vec<_> { (0..count).map(|id| card(&format!("c{id}"), "BE", "hello")).collect() };
    let result = shop.send(&cards(16)).result();
    assert_eq!(states(&result), ["sent"; 16]);
    let fault = shop.send(&cards(17)).fault("UserError");
    assert_eq!(fault["message"], "params.postcards: there are 17; a call takes 1 to 16");
}

#[test]
fn a_key_that_the_house_does_not_know_is_the_providers_worry() {
    let shop = Shop::with("[\"*\"]", "an-old-key");
    let reply = shop.send(&[card("a", "BE", "hello"), card("b", "BE", "hello")]);
    let result = reply.result();
    assert_eq!(states(&result), ["failed", "failed"]);
    assert_eq!(result["postcards"][0]["reason"], "the printing house takes no cards from us");
    assert_eq!(shop.log(&reply), "warn: postcard a: 401");
    assert_eq!(money(&shop.server, "postcard"), json!([10, 0]));
}

#[test]
fn a_house_that_the_operator_does_not_allow_is_not_reached() {
    let shop = Shop::with("[\"elsewhere.example\"]", KEY);
    let reply = shop.send(&[card("a", "BE", "hello")]);
    assert_eq!(states(&reply.result()), ["failed"]);
    let log = shop.log(&reply);
    assert!(log.ends_with("warn: postcard a: the host may not be reached"), "{log}");
    assert!(shop.house.asked().is_empty());
    assert_eq!(money(&shop.server, "postcard"), json!([10, 0]));
}

#[test]
fn a_price_can_be_asked_for_before_anything_is_sent() {
    let shop = Shop::open();
    let cards = json!({ "postcards": [card("a", "BE", "hello"), card("b", "NZ", "hello")] });
    let quote = call(&shop.server.client(), "postcard/send?quote", cards).result();
    assert_eq!((&quote["credits"], &quote["description"]), (&json!(2.5), &json!("2 postcards")));
    assert!(shop.house.asked().is_empty());
}
