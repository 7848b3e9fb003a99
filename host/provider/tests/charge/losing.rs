//! Answers that are lost, late, or not what was hoped for.

use std::time::Duration;

use serde_json::json;
use stokehold_provider::{Broker, ChargeError, Error};
use tokio::sync::oneshot;

use crate::fake::{Answer, Fake};
use crate::{credits, five};

#[tokio::test]
async fn a_lost_answer_is_asked_for_again_as_the_same_request() {
    let mut fake = Fake::new([Answer::HangUp, Answer::Result("tx1".into())]).await;
    let token = fake.broker.authorize(&five()).await.expect("a hold");
    assert_eq!(token.as_str(), "tx1");
    let (first, second) = (fake.asked().await, fake.asked().await);
    assert!(first.idempotency_key.is_some());
    assert_eq!(first.idempotency_key, second.idempotency_key);
    assert_eq!(first.text, second.text);
}

#[tokio::test]
async fn each_authorization_has_a_key_of_its_own() {
    let mut fake = Fake::new([Answer::Result("tx1".into()), Answer::Result("tx2".into())]).await;
    for _ in 0..2 {
        fake.broker.authorize(&five()).await.expect("a hold");
    }
    assert_ne!(fake.asked().await.idempotency_key, fake.asked().await.idempotency_key);
}

#[tokio::test]
async fn one_retry_is_all() {
    let mut fake = Fake::new([Answer::HangUp, Answer::HangUp]).await;
    let token = "tx1".to_owned().into();
    let failed = fake.broker.capture(&token, credits("1")).await;
    assert!(matches!(failed, Err(Error::Unreachable(_))), "{failed:?}");
    fake.step("capture").await;
    fake.step("capture").await;
    fake.nothing_more().await;
}

#[tokio::test]
async fn a_late_answer_is_not_waited_for() {
    let (_tell, told) = oneshot::channel();
    let mut fake = Fake::new([Answer::Later(told, true.into())]).await;
    let broker = fake.broker.clone().with_timeout(Duration::from_millis(100));
    let failed = broker.cancel(&"tx1".to_owned().into()).await;
    assert!(matches!(failed, Err(Error::TimedOut(_))), "{failed:?}");
    fake.step("cancel").await;
    fake.nothing_more().await;
}

#[tokio::test]
async fn a_broker_that_is_not_there_is_unreachable() {
    let broker = Broker::new("http://127.0.0.1:1", "key").expect("an endpoint");
    let failed = broker.charge(five(), async |_| Ok::<_, ()>(())).await;
    assert!(matches!(failed, Err(ChargeError::Authorize(Error::Unreachable(_)))), "{failed:?}");
}

#[tokio::test]
async fn too_few_credits_are_told_with_the_credit_template() {
    let shortage = json!({ "credit": 5, "service_name": "coal", "base_url": "http://b/iap/1/credit",
        "title": "Empty", "message": "No coal", "trial": false });
    let name = "odoo.addons.iap.tools.iap_tools.InsufficientCreditError";
    let fake = Fake::new([Answer::Fault(name, shortage.to_string())]).await;
    let charge = five().credit_template("<p>coal</p>");
    let failed = fake.broker.charge(charge, async |_| Ok::<_, ()>(())).await;
    let Err(ChargeError::Authorize(Error::InsufficientCredit(shortage))) = failed else {
        panic!("{failed:?}")
    };
    assert_eq!((shortage.credit, &*shortage.message), (credits("5"), "No coal"));
    assert_eq!(shortage.body.as_deref(), Some("<p>coal</p>"));
}
