//! Buying a pack.

use serde_json::json;

use crate::fixture::{Site, TOKEN, account_page, digest, form};

#[test]
fn a_pack_is_bought_from_the_links_of_every_generation() {
    let site = Site::sandbox();
    let pack = site.packs("coalroller")[0].clone();
    let (id, digest) = (pack["id"].to_string(), digest(TOKEN));
    assert_eq!(pack["credits"], 10);

    let old = format!("dbuuid=0a&service_name=coalroller&account_token={TOKEN}&credit=4.0&trial=1");
    let new = format!("dbuuid=0a&service_name=coalroller&account_token={digest}&hashed=1");
    for query in [&old, &new] {
        let page = site.open(&format!("/iap/1/credit?{query}"));
        assert_eq!(page.status, 200);
        page.says("10 credits");
        page.says("€2.50");
        page.says("Available 0 Credits");
        assert!(!page.html.contains(TOKEN), "the token stands on the page");
    }

    let old = [("service_name", "coalroller"), ("account_token", TOKEN), ("pack", id.as_str())];
    let bought = site.submit("/iap/1/credit", &old);
    assert_eq!(bought.status, 303);
    let expected = format!("{}&notice=bought", account_page("coalroller", TOKEN));
    assert_eq!(bought.header("location"), expected);

    let account = site.submit_and_follow("/iap/1/credit", &form(&digest, &[("pack", &id)]));
    account.says("The pack is bought");
    account.says("Available 20 Credits");
    let params = json!({ "service_name": "coalroller", "account_token": TOKEN });
    assert_eq!(site.server.client().rpc("/iap/1/balance", &params).result(), 20);
}

#[test]
fn a_button_that_is_clicked_twice_buys_once() {
    let site = Site::sandbox();
    let (id, digest) = (site.packs("coalroller")[0]["id"].to_string(), digest(TOKEN));
    let page = site
        .open(&format!("/iap/1/credit?service_name=coalroller&account_token={digest}&hashed=1"));
    let (_, rest) = page.html.split_once("name=\"once\" value=\"").expect("a form");
    let (once, _) = rest.split_once('"').expect("its value");
    for _ in 0..2 {
        let bought = site.submit("/iap/1/credit", &form(&digest, &[("pack", &id), ("once", once)]));
        assert_eq!(bought.status, 303);
    }
    let params = json!({ "service_name": "coalroller", "account_token": TOKEN });
    assert_eq!(site.server.client().rpc("/iap/1/balance", &params).result(), 10);
}

#[test]
fn packs_that_cover_what_is_needed_stand_out() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(3));
    let open = |credit| {
        let query = format!("service_name=coalroller&account_token={TOKEN}&credit={credit}");
        site.open(&format!("/iap/1/credit?{query}"))
    };
    for (credit, says, enough) in [
        ("13", "needs 13 Credits : 10 more than is available", 2),
        ("13.000001", "needs 13.000001 Credits : 10.000001 more", 1),
        ("9e2", "needs 900 Credits : 897 more", 0),
        ("3", "needs 3 Credits : that much is available", 0),
        ("0", "Available 3 Credits", 0),
        ("undefined", "Available 3 Credits", 0),
        ("-5", "Available 3 Credits", 0),
    ] {
        let page = open(credit);
        page.says(says);
        assert_eq!(page.html.matches("class=\"fits\"").count(), enough, "{credit}");
        assert_eq!(page.words().matches("enough").count(), enough, "{credit}");
    }
}

#[test]
fn in_production_an_order_waits_until_it_is_paid() {
    let site = Site::start(&[], &[]);
    let operator = site.server.operator();
    site.server.register("shredder");
    let new = json!({ "name": "Ten", "credits": 10, "price_cents": 1999 });
    let pack = operator.post("/api/v1/services/shredder/packs", &new).expect(201);
    let id = pack["id"].to_string();
    let query = format!("service_name=shredder&account_token={TOKEN}");
    let form = [("service_name", "shredder"), ("account_token", TOKEN), ("pack", id.as_str())];

    let page = site.open(&format!("/iap/1/credit?{query}"));
    page.says("This service is pending");
    assert!(!page.html.contains("<button"));
    let refused = site.submit("/iap/1/credit", &form);
    assert_eq!(refused.status, 409);
    refused.says("Shredder is pending.");

    operator.post("/api/v1/services/shredder/approve", &json!({})).expect(200);
    let page = site.open(&format!("/iap/1/credit?{query}"));
    page.says("when the operator of this host has confirmed the payment");
    page.says_not("andbox");
    let account = site.submit_and_follow("/iap/1/credit", &form);
    account.says("The pack is ordered.");
    account.says("Ten 10 Credits €19.99");
    account.says("Available 0 Credits");

    let (_, order) = account.html.split_once("<code>").expect("the order's number");
    let (order, _) = order.split_once("</code>").expect("its end");
    operator.post(&format!("/api/v1/orders/{order}/confirm"), &json!({})).expect(200);
    let account = site.open(&account_page("shredder", TOKEN));
    account.says("Available 10 Credits");
    account.says_not("Orders that wait");
}

#[test]
fn what_is_not_for_sale_is_not_sold() {
    let site = Site::sandbox();
    site.server.register("shredder");
    let digest = digest(TOKEN);
    let buy = |pack| site.submit("/iap/1/credit", &form(&digest, &[("pack", pack)]));
    for (pack, status) in [("999", 404), ("-1", 404), ("", 422), ("1.5", 422), ("x", 422)] {
        let page = buy(pack);
        assert_eq!(page.status, status, "{pack:?}");
        assert_eq!(page.link("my_account"), Some(account_page("coalroller", TOKEN)));
    }
    let page = site.open(&format!("/iap/1/credit?service_name=shredder&account_token={TOKEN}"));
    page.says("There are no packs for sale yet.");
    let reserved = [("service_name", "coalroller"), ("account_token", "000111"), ("pack", "1")];
    assert_eq!(site.submit("/iap/1/credit", &reserved).status, 422);
}
