//! Texts that not every database can keep as they are.

use stokehold_ledger::Timestamp;
use stokehold_store::NewHold;

use crate::fixture::{
    assert_clean, buy, credits, give, new_hold, pack, service, statement, token, view,
};
use crate::home::{Home, in_each_home};

async fn a_zero_character_is_stored_as_the_sign_for_what_has_no_sign(home: Home) {
    let store = home.open().await;
    let service = service(&store, "coal\0roller").await;
    let anna = token("anna");
    let pack = pack(&store, service, 5, 100).await;
    buy(&store, &anna, &pack).await;
    let reason = "a\0gift".to_owned();
    store.grant(service, &anna, credits(5), reason, None).await.expect("a grant");
    let description = Some("some\0coal".to_owned());
    // Trial credits are looked for by what the client calls its database.
    let dbuuid = Some("data\0base".to_owned());
    let new = NewHold { description, dbuuid, ..new_hold(service, &anna, 7) };
    let hold = store.authorize(new).await.expect("a hold");
    let reason = "bad\0coal".to_owned();
    store.capture(service, hold, None).await.expect("a capture");
    store.refund(service, hold, credits(1), reason, None).await.expect("a refund");
    give(&store, service, &anna, 1).await;
    let pages = statement(&store, service, &anna, Timestamp(i64::MAX)).await;
    let said =
        pages.iter().flat_map(|page| &page.lines).filter_map(|line| line.description.as_ref());
    let said: Vec<_> = said.filter(|text| text.contains('\u{FFFD}')).collect();
    assert_eq!(said, ["a\u{FFFD}gift", "some\u{FFFD}coal", "some\u{FFFD}coal"]);
    let found = store.service("coal\0roller".into()).await.expect("it is read");
    assert_eq!(found.expect("it is found").name, "coal\u{FFFD}roller");
    assert_eq!(view(&store, service, &anna).await, Some([5, 0, 5]));
    assert_clean(&store).await;
}

in_each_home! {
    a_zero_character_is_stored_as_the_sign_for_what_has_no_sign,
}
