//! Names that providers give, with HTML in them.

use serde_json::json;

use crate::chromium::Browser;
use crate::fixture::{Site, TOKEN, account_page, digest};

const HOSTILE: &str = "</td><script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{7*7}}";

/// A service, a pack, a line and a hold of such names.
fn site() -> (Site, String) {
    let site = Site::sandbox();
    let operator = site.server.operator();
    let new = json!({
        "name": "mallory", "label": HOSTILE, "description": HOSTILE, "unit": "<b>c</b>\"",
        "privacy_policy": "https://example.com/\"><script>alert(3)</script>",
    });
    let key = operator.post("/api/v1/services", &new).expect(201)["key"].clone();
    let pack = json!({ "name": HOSTILE, "description": HOSTILE, "credits": 10, "price_cents": 1 });
    operator.post("/api/v1/services/mallory/packs", &pack).expect(201);
    let grant = json!({ "credits": 10, "reason": HOSTILE });
    let path = format!("/api/v1/services/mallory/accounts/{TOKEN}/grants");
    operator.post(&path, &grant).expect(201);
    let hold = json!({ "key": key, "account_token": TOKEN, "credit": 1, "description": HOSTILE });
    site.server.client().rpc("/iap/1/authorize", &hold).result();
    let script =
        json!({ "name": "trickster", "label": "T", "privacy_policy": "javascript:alert(4)" });
    operator.post("/api/v1/services", &script).problem(422);
    let credit = format!("/iap/1/credit?service_name=mallory&account_token={TOKEN}&credit=99");
    (site, credit)
}

#[test]
fn names_with_html_in_them_are_shown_as_they_are() {
    let (site, credit) = site();
    let list = format!("/iap/1/all-in-app-services?hashed=1&account_tokens={}", digest(TOKEN));
    let mut browser = Browser::start();
    for path in [credit, account_page("mallory", TOKEN), list] {
        let page = site.open(&path);
        assert!(!page.html.contains("<img src=x") && !page.html.contains("</b>"), "{page:?}");
        browser.open(&format!("{}{path}", site.server.address));
        let text = browser.text("body");
        assert!(text.contains(HOSTILE), "{text}");
        assert_eq!(browser.evaluate("document.scripts.length"), 0);
        assert_eq!(browser.evaluate("document.querySelectorAll('main img, main b').length"), 0);
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}
