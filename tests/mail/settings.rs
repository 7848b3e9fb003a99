//! Who is warned, and when: as each generation of clients says it.

use serde_json::json;
use stokehold_tests::binary::{Ran, command, run};

use crate::house::{House, smtp};
use crate::mailbox::{Mailbox, header};

#[test]
fn odoo_17_names_addresses_in_one_text() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.grant("anna", 10);
    let settings = json!({
        "account_token": "anna", "dbuuid": "d", "warn_me": true, "warning_threshold": 5.0,
        "warning_email": "anna@example.com, bert@example.com",
    });
    house.rpc("/iap/update-warning-odoo", &settings).result();
    house.authorize("anna", 4.5);
    house.authorize("anna", 0.5);
    mailbox.mail("anna@example.com");
    mailbox.mail("bert@example.com");
    let settings = json!({ "account_token": "anna", "dbuuid": "d", "warn_me": false });
    house.rpc("/iap/update-warning-odoo", &settings).result();
    house.grant("anna", 10);
    house.authorize("anna", 12.0);
    house.fence(&mailbox);
    house.close();
}

#[test]
fn odoo_18_names_each_address_with_its_language() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.grant("anna", 10);
    let settings = json!({
        "account_token": "anna", "warning_threshold": 5,
        "warning_emails": [
            { "email": "anna@example.com", "lang_code": "de_DE" },
            { "email": "bert@example.com", "lang_code": false },
        ],
    });
    house.rpc("/iap/1/update-warning-email-alerts", &settings).result();
    house.authorize("anna", 5.25);
    mailbox.mail("anna@example.com");
    mailbox.mail("bert@example.com");
    let none = json!({ "account_token": "anna", "warning_threshold": 5, "warning_emails": [] });
    house.rpc("/iap/1/update-warning-email-alerts", &none).result();
    house.grant("anna", 10);
    house.authorize("anna", 12.0);
    house.fence(&mailbox);
    house.close();
}

#[test]
fn the_mail_says_what_is_left_and_leads_to_the_account() {
    let house = House::start(&[]);
    house.warned("anna", &["anna@example.com"]);
    house.authorize("anna", 5.25);
    let mailbox = Mailbox::open();
    let public = [("STOKEHOLD_SERVER_PUBLIC_URL", "https://credits.example.com/")];
    let house = house.restart(&[&smtp(&mailbox.port) as &[_], &public].concat());
    let mail = mailbox.mail("anna@example.com");
    assert_eq!(mail["sender"], "credits@example.com");
    assert_eq!(mail["hello"], "example.com");
    for (name, value) in [
        ("From", "Stokehold <credits@example.com>"),
        ("To", "anna@example.com"),
        ("Subject", "Coal Roller: 4.75 Credits left"),
        ("Auto-Submitted", "auto-generated"),
    ] {
        assert_eq!(header(&mail, name), value, "{mail:#}");
    }
    let id = header(&mail, "Message-ID");
    assert!(id.starts_with("<1.") && id.ends_with("@example.com>"), "{mail:#}");
    let text = mail["text"].as_str().expect("a text");
    // The SHA-1 of `anna`.
    let account = "2bc1ecb410e142bce83bce6f212b41e1781536dc";
    let link = format!(
        "https://credits.example.com/iap/1/my_account?service_name=coalroller&account_token={account}&hashed=1\n"
    );
    for part in ["4.75 Credits available", "warned at 5 Credits or less", &link] {
        assert!(text.contains(part), "no {part:?} in {text}");
    }
    house.close();
}

#[test]
fn the_link_of_the_mail_opens_the_account() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["anna@example.com"]);
    house.authorize("anna", 5.25);
    let mail = mailbox.mail("anna@example.com");
    let text = mail["text"].as_str().expect("a text");
    let link = text.lines().find(|line| line.starts_with(&house.server.address)).expect("a link");
    let path = link.find("/iap/").map(|start| &link[start..]).expect("a path");
    let page = house.server.client().get(path);
    assert!(page.status == 200 && page.text.contains("4.75"), "{page:?}");
    house.close();
}

#[test]
fn settings_that_are_not_valid_change_nothing() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["anna@example.com"]);
    let eve = "eve@example.com\r\nBcc: all@example.com";
    for (path, settings) in [
        ("/iap/update-warning-odoo", json!({ "warning_email": "nobody" })),
        ("/iap/update-warning-odoo", json!({ "warning_email": eve.replace(' ', "") })),
        ("/iap/1/update-warning-email-alerts", json!({ "warning_emails": [{ "email": eve }] })),
        (
            "/iap/1/update-warning-email-alerts",
            json!({ "warning_threshold": 0, "warning_emails": [{ "email": "a b@example.com" }] }),
        ),
    ] {
        let mut settings = settings;
        settings["account_token"] = json!("anna");
        house.rpc(path, &settings).fault("UserError");
    }
    house.authorize("anna", 5.0);
    mailbox.mail("anna@example.com");
    house.fence(&mailbox);
    house.close();
}

#[test]
fn what_is_missing_or_contradicts_is_named() {
    for (settings, why) in [
        (&[("TRANSPORT", "smtp")] as &[_], "mail.host is missing"),
        (&[("TRANSPORT", "smtp")], "mail.from is missing"),
        (&[("TRANSPORT", "file"), ("FROM", "a@example.com")], "mail.directory is missing"),
        (
            &[
                ("TRANSPORT", "smtp"),
                ("FROM", "a@example.com"),
                ("HOST", "mail.example.com"),
                ("USERNAME", "a"),
                ("PASSWORD", "1"),
                ("TLS", "none"),
            ],
            "mail.tls",
        ),
        (&[("ATTEMPTS_MAX", "0")], "mail.attempts_max"),
    ] {
        let mut check = command(&["config", "check"]);
        for (key, value) in settings {
            check.env(format!("STOKEHOLD_MAIL_{key}"), value);
        }
        let refused = Ran::new(check.output().expect("the program starts"));
        refused.failed(1, "the configuration is not valid", why, "config print");
    }
    run(&["config", "check"]).success();
}

#[test]
fn a_password_is_not_shown() {
    let mut print = command(&["config", "print"]);
    print.env("STOKEHOLD_MAIL_PASSWORD", "1234567");
    let shown = Ran::new(print.output().expect("the program starts")).success();
    assert!(shown.contains("password = \"(redacted)\"") && !shown.contains("1234567"), "{shown}");
}
