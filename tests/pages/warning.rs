//! Whom to warn of a low balance.

use serde_json::{Value, json};

use crate::fixture::{Page, Site, TOKEN, account_page, digest, form};

fn save(site: &Site, threshold: &str, addresses: &str) -> Page {
    let fields = [("threshold", threshold), ("addresses", addresses)];
    site.submit("/iap/1/my_account/warning", &form(&digest(TOKEN), &fields))
}

/// What clients from Odoo 18 on are told.
fn threshold(site: &Site) -> Value {
    let params = json!({ "iap_accounts": [{ "token": TOKEN, "service": "coalroller" }] });
    let told = site.server.client().rpc("/iap/1/get-accounts-information", &params).result();
    told[TOKEN]["warning_threshold"].clone()
}

#[test]
fn a_warning_is_saved_and_shown() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(5));
    let saved = save(&site, "2.5", "stoker@example.com,boiler@example.com");
    assert_eq!(saved.status, 303, "{saved:?}");
    let page = site.open(saved.header("location"));
    page.says("The warning is saved.");
    assert!(page.html.contains("value=\"2.5\""), "{page:?}");
    assert!(page.html.contains("value=\"boiler@example.com, stoker@example.com\""), "{page:?}");
    assert_eq!(threshold(&site), 2.5);
    // As forms send it that were filled in by hand.
    assert_eq!(save(&site, ".5", " stoker@example.com;\r\nboiler@example.com , ").status, 303);
    assert_eq!(threshold(&site), 0.5);
    assert_eq!(save(&site, "", "").status, 303);
    assert_eq!(threshold(&site), 0);
    let page = site.open(&account_page("coalroller", TOKEN));
    assert!(!page.html.contains("stoker@"), "{page:?}");
}

#[test]
fn what_is_no_number_or_no_address_changes_nothing() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(5));
    assert_eq!(save(&site, "1", "stoker@example.com").status, 303);
    for (threshold, addresses) in [
        ("-1", "stoker@example.com"),
        ("much", "stoker@example.com"),
        ("1e99", "stoker@example.com"),
        ("2", "stoker"),
        ("2", "<stoker@example.com>"),
        ("2", "\"><script>@example.com"),
    ] {
        let refused = save(&site, threshold, addresses);
        assert_eq!(refused.status, 422, "{threshold} {addresses} {refused:?}");
        assert!(refused.link("my_account").is_some(), "there is a way back");
    }
    let page = site.open(&account_page("coalroller", TOKEN));
    assert!(page.html.contains("value=\"stoker@example.com\""), "{page:?}");
    assert!(page.html.contains("value=\"1\" aria-describedby=\"threshold-help\""), "{page:?}");
}

#[test]
fn there_is_nobody_to_warn_before_there_is_an_account() {
    let site = Site::sandbox();
    assert_eq!(save(&site, "1", "stoker@example.com").status, 404);
}
