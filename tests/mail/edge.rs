//! A warning is sent when an account falls to its threshold, and not again before it has risen.

use serde_json::json;
use stokehold_tests::poll;

use crate::house::House;
use crate::mailbox::Mailbox;

#[test]
fn one_fall_is_one_mail_to_each_address() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["anna@example.com", "bert@example.com"]);
    house.authorize("anna", 4.999_999);
    house.fence(&mailbox);
    let hold = house.authorize("anna", 0.000_001);
    mailbox.mail("anna@example.com");
    mailbox.mail("bert@example.com");

    house.authorize("anna", 1.0);
    house.end("capture", &hold);
    house.fence(&mailbox);

    house.grant("anna", 1);
    house.authorize("anna", 1.0);
    house.fence(&mailbox);

    house.grant("anna", 2);
    house.authorize("anna", 1.0);
    mailbox.mail("anna@example.com");
    mailbox.mail("bert@example.com");
    house.fence(&mailbox);
    poll::until("each is noted after one attempt", || {
        house.outbox().iter().all(|entry| entry.is_sent && entry.attempts == 1).then_some(())
    });
    house.close();
}

#[test]
fn a_hold_that_is_cancelled_lets_the_account_rise() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["anna@example.com"]);
    for _ in 0..3 {
        let hold = house.authorize("anna", 6.0);
        mailbox.mail("anna@example.com");
        house.end("cancel", &hold);
        house.end("cancel", &hold);
    }
    house.fence(&mailbox);
    house.close();
}

#[test]
fn what_is_refused_warns_nobody() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["anna@example.com"]);
    house.try_authorize("anna", 10.5).fault("InsufficientCreditError");
    house.try_authorize("anna+disabled", 6.0).fault("InsufficientCreditError");
    house.try_authorize("anna", -6.0).fault("TypeError");
    let wrong = json!({ "key": "wrong", "account_token": "anna", "credit": 6 });
    house.rpc("/iap/1/authorize", &wrong).fault("AccessError");
    let call = json!({ "account_token": "anna", "credits": "six" });
    house.rpc("/services/coalroller/roll", &call).fault("UserError");
    house.fence(&mailbox);
    assert_eq!(house.outbox().len(), 1, "the fence's");
    house.close();
}

#[test]
fn a_call_of_a_hosted_service_warns_as_a_hold_does() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.grant("anna", 1);
    let settings = json!({
        "account_token": "anna", "warning_threshold": 0.99,
        "warning_emails": [{ "email": "anna@example.com" }],
    });
    house.rpc("/iap/1/update-warning-email-alerts", &settings).result();
    let call = json!({ "account_token": "anna", "credits": 0.02, "hashes": 1 });
    house.rpc("/services/coalroller/roll", &call).result();
    mailbox.mail("anna@example.com");
    house.rpc("/services/coalroller/roll", &call).result();
    house.fence(&mailbox);
    house.close();
}

#[test]
fn a_repeated_request_is_one_fall() {
    let mailbox = Mailbox::open();
    let house = House::with(&mailbox, &[]);
    house.warned("anna", &["anna@example.com"]);
    let hold = house.hold("anna", 3.0);
    let authorize = || house.server.client().rpc("/iap/1/authorize", &hold).result();
    assert_eq!(authorize(), authorize(), "the same id and body are the same request");
    house.fence(&mailbox);
    house.authorize("anna", 2.0);
    mailbox.mail("anna@example.com");
    house.fence(&mailbox);
    house.close();
}
