//! Holds whose time is over, and that nobody asks about.

use std::sync::Arc;
use std::time::Duration;

use stokehold_ledger::Span;
use stokehold_store::NewHold;
use tokio::task::JoinSet;

use crate::fixture::{assert_clean, give, new_hold, service, token, view};
use crate::home::{Home, in_each_home};

/// More than one go of a sweep expires.
const HOLDS: i64 = 600;

async fn one_sweep_expires_all_that_is_due(home: Home) {
    let store = Arc::new(home.open().await);
    let service = service(&store, "coalroller").await;
    for name in ["anna", "ben"] {
        give(&store, service, &token(name), HOLDS).await;
        let mut asked = JoinSet::new();
        for _ in 0..HOLDS {
            let ttl = Span::from_duration(Duration::from_hours(1));
            let new = NewHold { ttl, ..new_hold(service, &token(name), 1) };
            let store = store.clone();
            asked.spawn(async move { store.authorize(new).await.expect("a hold") });
        }
        asked.join_all().await;
    }
    drop(store);
    home.pass(2 * 3_600);
    let store = home.open().await;
    store.expire_holds().await.expect("a sweep");
    assert_eq!(home.number("SELECT count(*) FROM hold WHERE state = 0"), 0);
    for name in ["anna", "ben"] {
        assert_eq!(view(&store, service, &token(name)).await, Some([HOLDS, 0, HOLDS]));
    }
    assert_clean(&store).await;
}

in_each_home! {
    one_sweep_expires_all_that_is_due,
}
