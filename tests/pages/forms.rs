//! Forms that come from elsewhere.

use crate::fixture::{Site, TOKEN, digest, form};

#[test]
fn a_form_of_another_site_is_refused() {
    let site = Site::sandbox();
    let (pack, digest) = (site.packs("coalroller")[0]["id"].to_string(), digest(TOKEN));
    let own = site.server.address.clone();
    let port = own.rsplit(':').next().expect("a port");
    let localhost = format!("http://localhost:{port}");
    let cases: [(&[(&str, &str)], u16); 10] = [
        (&[("Sec-Fetch-Site", "same-origin")], 303),
        (&[("Sec-Fetch-Site", "same-origin"), ("Origin", "null")], 303),
        (&[("Sec-Fetch-Site", "cross-site"), ("Origin", "null")], 403),
        (&[("Sec-Fetch-Site", "cross-site"), ("Origin", &own)], 403),
        (&[("Sec-Fetch-Site", "same-site")], 403),
        (&[("Sec-Fetch-Site", "none")], 403),
        (&[("Origin", "https://evil.example")], 403),
        (&[("Origin", &own)], 303),
        (&[("Origin", &localhost), ("Host", &format!("localhost:{port}"))], 303),
        (&[], 303),
    ];
    let mut bought = 0;
    for (headers, status) in cases {
        let form = form(&digest, &[("pack", &pack)]);
        let page = site.submit_with("/iap/1/credit", &form, headers);
        assert_eq!(page.status, status, "{headers:?}");
        bought += u64::from(status == 303);
    }
    assert_eq!(site.server.account("coalroller", TOKEN)["balance"], bought * 10);
    for path in ["/iap/1/my_account/release", "/iap/1/my_account/warning"] {
        let page = site.submit_with(path, &form(&digest, &[]), &[("Sec-Fetch-Site", "cross-site")]);
        assert_eq!(page.status, 403, "{path}");
    }
}

#[test]
fn what_is_no_form_is_refused_with_a_page() {
    let site = Site::start(&["--sandbox"], &[("STOKEHOLD_SERVER_BODY_BYTES_MAX", "1000")]);
    let json = [("Content-Type", "application/json")];
    let page = site.send("POST", "/iap/1/credit", &json, Some("{\"params\":{}}".into()));
    assert_eq!(page.status, 415, "{page:?}");
    page.says("That did not work");
    // Short enough to be sent whole before the server says that it is too long.
    let long = "x".repeat(2_000);
    let digest = digest(TOKEN);
    let page = site.submit("/iap/1/my_account/warning", &form(&digest, &[("addresses", &long)]));
    assert_eq!(page.status, 413, "{page:?}");
    assert_eq!(site.submit("/iap/1/credit", &[]).status, 400);
}
