//! How the work ends, and what becomes of the hold.

use std::future::pending;
use std::time::Duration;

use serde_json::json;
use stokehold_provider::{ChargeError, Error};
use tokio::sync::oneshot;

use crate::fake::{Answer, Fake};
use crate::{credits, five};

#[tokio::test]
async fn the_lowered_amount_is_captured() {
    let mut fake = Fake::new([Answer::Result("tx1".into())]).await;
    let charge = five().description("Why").dbuuid("db").ttl(Duration::from_mins(90));
    let done = fake.broker.charge(charge, async |tx| {
        assert_eq!((tx.token().as_str(), tx.credit()), ("tx1", credits("5")));
        tx.capture_at_most(credits("0.1"));
        tx.capture_at_most(credits("4"));
        Ok::<_, ()>("done")
    });
    assert_eq!(done.await.expect("it goes well"), "done");
    let authorized = json!({
        "key": "key", "account_token": "account", "credit": 5, "description": "Why",
        "dbuuid": "db", "ttl": 1.5
    });
    assert_eq!(fake.step("authorize").await, authorized);
    let captured = json!({ "key": "key", "token": "tx1", "credit_to_capture": 0.1 });
    assert_eq!(fake.step("capture").await, captured);
    fake.nothing_more().await;
}

#[tokio::test]
async fn work_that_fails_is_not_charged() {
    for cancelled in [Answer::Result(true.into()), Answer::Fault("x.AccessError", "no".into())] {
        let mut fake = Fake::new([Answer::Result("tx1".into()), cancelled]).await;
        let failed = fake.broker.charge(five(), async |_| Err::<(), _>("the coal is wet")).await;
        assert!(matches!(failed, Err(ChargeError::Body("the coal is wet"))), "{failed:?}");
        fake.step("authorize").await;
        assert_eq!(fake.step("cancel").await, json!({ "key": "key", "token": "tx1" }));
        fake.nothing_more().await;
    }
}

#[tokio::test]
async fn a_panic_cancels() {
    let mut fake = Fake::new([Answer::Result("tx1".into())]).await;
    let broker = fake.broker.clone();
    let work = tokio::spawn(async move {
        broker.charge(five(), async |_| -> Result<(), ()> { panic!("coal dust") }).await
    });
    assert!(work.await.expect_err("it panics").is_panic());
    fake.step("authorize").await;
    fake.step("cancel").await;
    fake.nothing_more().await;
}

#[tokio::test]
async fn a_charge_that_nobody_waits_for_is_cancelled() {
    let mut fake = Fake::new([Answer::Result("tx1".into())]).await;
    let broker = fake.broker.clone();
    let (begun, begins) = oneshot::channel();
    let work = tokio::spawn(async move {
        let work = broker.charge(five(), async |_| {
            begun.send(()).expect("the test waits for it");
            pending::<Result<(), ()>>().await
        });
        work.await
    });
    begins.await.expect("the work begins");
    work.abort();
    fake.step("authorize").await;
    fake.step("cancel").await;
    fake.nothing_more().await;
}

#[tokio::test]
async fn a_hold_that_comes_when_nobody_waits_any_more_is_cancelled() {
    let (tell, told) = oneshot::channel();
    let mut fake = Fake::new([Answer::Later(told, "tx1".into())]).await;
    let broker = fake.broker.clone();
    let work = tokio::spawn(async move { broker.charge(five(), async |_| Ok::<_, ()>(())).await });
    fake.step("authorize").await;
    work.abort();
    assert!(work.await.expect_err("it is gone").is_cancelled());
    tell.send(()).expect("the request goes on");
    fake.step("cancel").await;
    fake.nothing_more().await;
}

#[tokio::test]
async fn work_that_was_done_is_captured_though_nobody_waits_any_more() {
    let (tell, told) = oneshot::channel();
    let fake = [Answer::Result("tx1".into()), Answer::HangUp, Answer::Later(told, true.into())];
    let mut fake = Fake::new(fake).await;
    let broker = fake.broker.clone();
    let work = tokio::spawn(async move { broker.charge(five(), async |_| Ok::<_, ()>(())).await });
    fake.step("authorize").await;
    fake.step("capture").await;
    work.abort();
    assert!(work.await.expect_err("it is gone").is_cancelled());
    fake.step("capture").await;
    tell.send(()).expect("the request goes on");
    fake.nothing_more().await;
}

#[tokio::test]
async fn a_capture_that_fails_cancels_nothing() {
    let refused = Answer::Fault("odoo.exceptions.UserError", "expired".into());
    let mut fake = Fake::new([Answer::Result("tx1".into()), refused]).await;
    let failed = fake.broker.charge(five(), async |_| Ok::<_, ()>(())).await;
    assert!(
        matches!(&failed, Err(ChargeError::Capture(Error::Refused(why))) if why == "expired"),
        "{failed:?}"
    );
    fake.step("authorize").await;
    fake.step("capture").await;
    fake.nothing_more().await;
}
