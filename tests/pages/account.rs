//! The account's page: figures, statement, holds.

use std::thread;

use serde_json::json;
use stokehold_tests::server::Server;

use crate::fixture::{Page, Site, TOKEN, account_page, digest, form};

const OTHER: &str = "another-account";

fn open(site: &Site) -> Page {
    site.open(&account_page("coalroller", TOKEN))
}

#[test]
fn an_account_before_its_first_credits_is_an_empty_one() {
    let site = Site::sandbox();
    let page =
        site.open(&format!("/iap/1/my_account?service_name=coalroller&account_token={TOKEN}"));
    assert_eq!(page.status, 200);
    page.says("Available 0 Credits Set aside 0 Credits Balance 0 Credits");
    page.says("Nothing was bought or charged yet.");
    page.says("Nothing is set aside.");
    assert!(!page.html.contains("/warning"), "there is nothing to warn of");
    assert!(page.link("/iap/1/credit").is_some_and(|link| !link.contains(TOKEN)));
}

#[test]
fn the_statement_is_paged_from_the_newest_line_back() {
    let site = Site::sandbox();
    for _ in 0..30 {
        site.server.grant("coalroller", TOKEN, &json!(0.5));
    }
    let transaction = site.authorize(1.25, "rolled & smoked");
    let key = site.server.key.as_deref();
    let capture = json!({ "key": key, "token": transaction, "credit_to_capture": 1 });
    site.server.client().rpc("/iap/1/capture", &capture).result();

    let first = open(&site);
    first.says("Available 14 Credits Set aside 0 Credits Balance 14 Credits");
    first.says("Charge rolled &#38; smoked -1 Credits 14 Credits");
    first.says("Gift a test 0.5 Credits 15 Credits");
    assert_eq!(first.html.matches("Gift").count(), 24);
    let older = first.link("before=").expect("there are older lines");
    let second = site.open(&older);
    assert_eq!(second.html.matches("Gift").count(), 6);
    second.says("Gift a test 0.5 Credits 3 Credits");
    second.says("Gift a test 0.5 Credits 0.5 Credits");
    second.says("Balance 14 Credits");
    assert_eq!(second.link("before="), None);
    for junk in ["x", "-1", "99999999999999999999"] {
        assert_eq!(
            site.open(&format!("{}&before={junk}", account_page("coalroller", TOKEN))).status,
            200
        );
    }
}

#[test]
fn a_young_hold_cannot_be_released_and_the_page_says_from_when_on() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(5));
    let hold = site.authorize(2.0, "a letter");
    let page = open(&site);
    page.says("Available 3 Credits Set aside 2 Credits Balance 5 Credits");
    page.says("a letter");
    page.says("can be released from");
    assert!(!page.html.contains("<button class=\"plain\""));
    let digest = digest(TOKEN);
    let refused = site.submit("/iap/1/my_account/release", &form(&digest, &[("hold", &hold)]));
    assert_eq!(refused.status, 409);
    refused.says("too young");
    assert_eq!(site.server.account("coalroller", TOKEN)["held"], 2);
}

#[test]
fn a_hold_is_released_by_its_own_account_and_no_other() {
    let site = Site::start(&["--sandbox"], &[("STOKEHOLD_BROKER_RELEASE_AFTER_MINUTES", "0")]);
    site.server.grant("coalroller", TOKEN, &json!(5));
    site.server.grant("coalroller", OTHER, &json!(5));
    let hold = site.authorize(2.0, "a letter");
    let page = open(&site);
    assert!(page.html.contains(&format!("name=\"hold\" value=\"{hold}\"")), "{page:?}");
    site.open(&account_page("coalroller", OTHER)).says("Nothing is set aside.");

    let (own, other) = (digest(TOKEN), digest(OTHER));
    let release = "/iap/1/my_account/release";
    for (account, hold) in [(&other, hold.as_str()), (&own, "junk"), (&own, "")] {
        let refused = site.submit(release, &form(account, &[("hold", hold)]));
        assert_eq!(refused.status, 404, "{refused:?}");
        refused.says("No such transaction.");
    }
    let page = site.submit_and_follow(release, &form(&own, &[("hold", &hold)]));
    page.says("available again");
    page.says("Available 5 Credits Set aside 0 Credits Balance 5 Credits");
    let capture = json!({ "key": site.server.key, "token": hold });
    site.server.client().rpc("/iap/1/capture", &capture).fault("UserError");
}

#[test]
fn the_hold_of_a_call_ends_with_its_call() {
    let site = Site::start(&["--sandbox"], &[("STOKEHOLD_BROKER_RELEASE_AFTER_MINUTES", "0")]);
    site.server.grant("coalroller", TOKEN, &json!(500));
    let client = site.server.client();
    let call = thread::spawn(move || {
        // Longer than the test: the answer never comes, as the server is killed.
        let params = json!({ "account_token": TOKEN, "credits": 30 });
        client.try_rpc("/services/coalroller/roll", &params)
    });
    Server::await_hold(&site.server, "coalroller", TOKEN);
    open(&site).says("ends with its call");
    let holds = site.server.operator().get("/api/v1/services/coalroller/holds").expect(200);
    let hold = holds["holds"][0]["id"].as_str().expect("an id");
    let refused =
        site.submit("/iap/1/my_account/release", &form(&digest(TOKEN), &[("hold", hold)]));
    assert_eq!(refused.status, 404);
    drop(site);
    assert!(call.join().expect("it does not panic").is_err());
}

#[test]
fn many_holds_are_paged() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(30));
    for number in 0..27 {
        site.authorize(1.0, &format!("letter {number:02}"));
    }
    let first = open(&site);
    first.says("letter 24");
    first.says_not("letter 25");
    let second = site.open(&first.link("holds_after=").expect("there are more"));
    second.says("letter 25");
    second.says("letter 26");
    second.says_not("letter 24");
    assert_eq!(second.link("holds_after="), None);
}
