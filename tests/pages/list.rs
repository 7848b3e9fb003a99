//! The accounts of a database.

use serde_json::json;

use crate::fixture::{Site, TOKEN, account_page, digest};

const OTHER: &str = "another-account";

fn site() -> Site {
    let site = Site::sandbox();
    site.server.register("shredder");
    site.server.grant("coalroller", TOKEN, &json!(3));
    site.server.grant("shredder", OTHER, &json!(4.5));
    site
}

#[test]
fn accounts_are_listed_by_their_tokens() {
    let site = site();
    let page = site.open(&format!("/iap/services?tokens={TOKEN}&tokens={OTHER}&tokens=fresh"));
    assert_eq!(page.status, 200);
    page.says("3 Credits");
    page.says("The shredder");
    page.says("4.5 Credits");
    assert!(!page.html.contains(TOKEN) && !page.html.contains(OTHER), "tokens stand on the page");
    assert_eq!(page.link(&digest(TOKEN)), Some(account_page("coalroller", TOKEN)));
    page.says_not("All services");

    site.open("/iap/services?tokens=fresh").says("There is nothing on the accounts");
    // The name of a database is no secret, and shows nothing.
    let page = site.open("/iap/services?dbuuid=9d1ab1f4-7e5c-11ee-b962-0242ac120002");
    assert_eq!(page.status, 200);
    page.says("An account is found by its token");
    page.says_not("Your accounts");
}

#[test]
fn the_catalogue_comes_with_the_accounts_of_the_digests() {
    let site = site();
    let digests = format!("{},{}", digest(TOKEN), digest(OTHER));
    let path = "/iap/1/all-in-app-services?db_uuid=9d1ab1f4";
    let page = site.open(&format!("{path}&account_tokens={digests}&hashed=1"));
    page.says("Your accounts");
    page.says("4.5 Credits");
    page.says("All services of this host");
    page.says("Burns CPU, for a price");
    let page = site.open(&format!("{path}&account_tokens=&hashed=1"));
    page.says("This link names no accounts.");
    page.says("Burns CPU, for a price");
    site.open(&format!("{path}&account_tokens={TOKEN}")).says("Your accounts");
}

#[test]
fn a_list_has_its_bounds() {
    let site = site();
    for query in [
        "services?tokens=a%20b",
        "services?tokens=",
        "1/all-in-app-services?hashed=1&account_tokens=abc",
    ] {
        assert_eq!(site.open(&format!("/iap/{query}")).status, 400, "{query}");
    }
    let many = "&tokens=x".repeat(201);
    assert_eq!(site.open(&format!("/iap/services?dbuuid=1{many}")).status, 400);
}
