//! Mail servers that are down, say no, or say nothing.

use crate::house::{House, files, smtp};
use crate::mailbox::{Mailbox, header};

#[test]
fn a_server_that_is_down_gets_the_mail_when_it_is_up() {
    let port = Mailbox::open().port.clone();
    let house = House::start(&smtp(&port));
    house.warned("anna", &["anna@example.com"]);
    house.authorize("anna", 6.0);
    let tried = house.await_first("an attempt", |entry| entry.attempts > 0);
    assert!(tried.is_due && !tried.is_sent, "{tried:?}");
    assert!(tried.error.is_some_and(|error| error.contains("refused")));

    let mailbox = Mailbox::start(&["--port", &port]);
    mailbox.mail("anna@example.com");
    house.fence(&mailbox);
    let sent = house.await_first("the mail is noted", |entry| entry.is_sent);
    assert!(!sent.is_due && sent.attempts > 1 && sent.error.is_none(), "{sent:?}");
    assert!(house.close().contains("mail is delayed"));
}

#[test]
fn a_mail_is_kept_over_a_restart() {
    let port = Mailbox::open().port.clone();
    let house = House::start(&smtp(&port));
    house.warned("anna", &["anna@example.com"]);
    house.authorize("anna", 6.0);
    house.await_first("an attempt", |entry| entry.attempts > 0);
    let mailbox = Mailbox::open();
    let house = house.restart(&smtp(&mailbox.port));
    mailbox.mail("anna@example.com");
    house.fence(&mailbox);
    house.close();
}

#[test]
fn an_address_that_is_refused_for_good_is_tried_once() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["550-anna@example.com", "zoe@example.com"]);
    house.authorize("anna", 6.0);
    mailbox.next("refused");
    mailbox.mail("zoe@example.com");
    let refused = house.await_first("it is given up", |entry| !entry.is_due);
    assert!(!refused.is_sent && refused.attempts == 1, "{refused:?}");
    assert!(refused.error.is_some_and(|error| error.contains("550")));
    house.fence(&mailbox);
    let printed = house.close();
    assert!(printed.contains("mail is given up") && !printed.contains("mail is delayed"));
}

#[test]
fn an_address_that_is_refused_for_now_is_tried_again() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["451-anna@example.com", "zoe@example.com"]);
    house.authorize("anna", 6.0);
    mailbox.next("refused");
    let zoe = mailbox.mail("zoe@example.com");
    let anna = mailbox.mail("451-anna@example.com");
    let ids = [header(&anna, "Message-ID"), header(&zoe, "Message-ID")];
    assert!(ids[0] != ids[1] && !ids.contains(&""), "{ids:?}");
    house.fence(&mailbox);
    house.close();
}

#[test]
fn attempts_have_an_end() {
    let port = Mailbox::open().port.clone();
    let settings = [&smtp(&port) as &[_], &[("STOKEHOLD_MAIL_ATTEMPTS_MAX", "2")]].concat();
    let house = House::start(&settings);
    house.warned("anna", &["anna@example.com"]);
    house.authorize("anna", 6.0);
    let last = house.await_first("it is given up", |entry| !entry.is_due);
    assert!(!last.is_sent && last.attempts == 2, "{last:?}");
    assert!(last.error.is_some_and(|error| error.starts_with("given up after 2 attempts: ")));
    let mailbox = Mailbox::start(&["--port", &port]);
    house.fence(&mailbox);
    assert!(house.close().contains("mail is given up"));
}

#[test]
fn a_server_that_says_nothing_keeps_a_mail_for_so_long_and_no_longer() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[("STOKEHOLD_MAIL_TIMEOUT_S", "1")]);
    house.warned("anna", &["silent@example.com"]);
    house.authorize("anna", 6.0);
    mailbox.next("silent");
    mailbox.mail("silent@example.com");
    assert!(house.close().contains("127.0.0.1 took longer than 1 s"));
}

#[test]
fn a_stop_waits_for_no_server_that_says_nothing() {
    let mailbox = Mailbox::open();
    let settings = [("STOKEHOLD_MAIL_TIMEOUT_S", "600"), ("STOKEHOLD_SERVER_GRACE_S", "1")];
    let house = House::with(&mailbox, &settings);
    house.warned("anna", &["silent@example.com"]);
    house.authorize("anna", 6.0);
    mailbox.next("silent");
    let mails = tempfile::tempdir().expect("a directory");
    let house = house.restart(&files(mails.path()));
    let kept = house.await_first("the mail", |entry| entry.is_sent);
    assert_eq!(kept.attempts, 1, "what was broken off is not counted");
    house.close();
}

/// Before the first mail a server has heard of nothing that it could refuse for good.
#[test]
fn a_password_that_is_wrong_delays_mails_and_loses_none() {
    let mailbox = Mailbox::start(&["--login", "house:right"]);
    let login = [("STOKEHOLD_MAIL_USERNAME", "house"), ("STOKEHOLD_MAIL_PASSWORD", "not-this-one")];
    let house = House::with(&mailbox, &login);
    house.warned("anna", &["anna@example.com"]);
    house.authorize("anna", 6.0);
    assert_eq!(mailbox.next("login")["success"], false);
    let tried = house.await_first("an attempt", |entry| entry.attempts > 0);
    assert!(tried.is_due && tried.error.is_some_and(|error| error.contains("535")));
    let printed = house.close();
    assert!(!printed.contains("not-this-one"), "{printed}");
}
