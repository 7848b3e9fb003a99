//! Links that name no account, and what links keep to themselves.

use serde_json::json;

use crate::fixture::{Site, TOKEN, digest, escape};

#[test]
fn a_link_that_names_no_account_is_answered_with_a_page() {
    let site = Site::sandbox();
    let hash = digest(TOKEN);
    let upper = format!("service_name=coalroller&account_token={}&hashed=1", hash.to_uppercase());
    let cases = [
        (String::new(), 400, "names no service"),
        (format!("service_name=&account_token={TOKEN}"), 400, "names no service"),
        ("service_name=coalroller".into(), 400, "names no account"),
        ("service_name=coalroller&account_token=".into(), 400, "names no account"),
        (format!("service_name=unknown&account_token={TOKEN}"), 404, "No such service."),
        (format!("service_name=%3Cscript%3E&account_token={TOKEN}"), 404, "No such service."),
        (format!("service_name=..%2F..&account_token={TOKEN}"), 404, "No such service."),
        ("service_name=coalroller&account_token=abc&hashed=1".into(), 400, "40 hexadecimal"),
        (upper, 400, "40 hexadecimal"),
        ("service_name=coalroller&account_token=a%00b".into(), 400, "visible ASCII"),
        ("service_name=coalroller&account_token=%FF".into(), 400, "visible ASCII"),
        ("service_name=coalroller&account_token=%2Bdisabled".into(), 400, "cannot be empty"),
        ("service_name=coalroller&account_token=dummy_value%2Bdisabled".into(), 400, "a copy"),
        (
            format!("service_name=coalroller&account_token={}&hashed=1", digest("dummy_value")),
            400,
            "a copy",
        ),
    ];
    for (query, status, says) in cases {
        for path in ["/iap/1/credit", "/iap/1/my_account"] {
            let page = site.open(&format!("{path}?{query}"));
            assert_eq!(page.status, status, "{query}");
            page.says(says);
        }
    }
}

#[test]
fn a_token_of_odd_characters_is_an_account_like_any_other() {
    let site = Site::sandbox();
    let token = "\"'<script>&#%/=?;{{7*7}}";
    let page = format!("/iap/1/credit?service_name=coalroller&account_token={}", escape(token));
    let page = site.open(&page);
    assert_eq!(page.status, 200);
    assert!(page.html.contains(&format!("value=\"{}\"", digest(token))), "{page:?}");
}

#[test]
fn a_disabled_token_leads_to_its_account() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(3));
    for path in ["credit", "my_account"] {
        let query = format!("service_name=coalroller&account_token={TOKEN}%2Bdisabled");
        let page = site.open(&format!("/iap/1/{path}?{query}"));
        page.says("Available 3 Credits");
        page.says("nothing is charged here");
    }
}

#[test]
fn doubled_slashes_and_head_work_and_a_post_says_what_the_path_takes() {
    let site = Site::sandbox();
    let query = format!("service_name=coalroller&account_token={TOKEN}");
    assert_eq!(site.open(&format!("//iap/1/credit/?{query}")).status, 200);
    let head = site.send("HEAD", &format!("/iap/1/credit?{query}"), &[], None);
    assert_eq!((head.status, head.html.as_str()), (200, ""));
    for (method, path, allow) in [
        ("POST", "/iap/1/my_account", "GET,HEAD"),
        ("GET", "/iap/1/my_account/release", "POST"),
        ("DELETE", "/iap/1/credit", "GET,HEAD,POST"),
    ] {
        let refused = site.send(method, path, &[], None);
        assert_eq!((refused.status, refused.header("allow")), (405, allow), "{method} {path}");
    }
}

#[test]
fn tokens_are_in_no_log() {
    let site = Site::start(&["--sandbox"], &[("STOKEHOLD_LOG", "debug")]);
    let pack = site.packs("coalroller")[0]["id"].to_string();
    for path in ["/iap/1/credit", "/iap/1/my_account", "/iap/1/credit?service_name=coalroller"] {
        let join = if path.contains('?') { '&' } else { '?' };
        site.open(&format!("{path}{join}account_token={TOKEN}"));
        site.open(&format!("{path}{join}account_token={}&hashed=1", digest(TOKEN)));
    }
    site.open(&format!("/iap/services?tokens={TOKEN}"));
    let form = [("service_name", "coalroller"), ("account_token", TOKEN), ("pack", pack.as_str())];
    assert_eq!(site.submit("/iap/1/credit", &form).status, 303);
    let Site { server, .. } = site;
    let printed = server.stop();
    assert!(printed.contains("order made"), "{printed}");
    assert!(!printed.contains(TOKEN) && !printed.contains(&digest(TOKEN)), "{printed}");
}
