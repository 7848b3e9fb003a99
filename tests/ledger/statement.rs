//! Statements: pages, running balances, an instant in the past.

use stokehold_ledger::{AccountToken, PostingKind, ServiceId, Timestamp};
use stokehold_store::{Line, NewHold, Store};

use crate::fixture::{buy, credits, give, new_hold, pack, service, statement, token};
use crate::home::{Home, in_each_home};

in_each_home! {
    pages_carry_the_balance_on,
    a_statement_of_the_past_knows_nothing_of_later,
    any_part_of_a_long_statement_is_found,
    an_account_that_nothing_made_has_none,
}

const END: Timestamp = Timestamp(i64::MAX);

async fn pages_carry_the_balance_on(home: Home) {
    let store = home.open().await;
    let (anna, ben) = (token("anna"), token("ben"));
    let service = service(&store, "coalroller").await;
    let pack = pack(&store, service, 5_000_000, 999).await;
    give(&store, service, &anna, 1_000_000).await;
    let order = buy(&store, &anna, &pack).await;
    let mut holds = Vec::new();
    for number in 1..=5_i64 {
        // Another account's lines lie between them.
        give(&store, service, &ben, number).await;
        let description = Some(format!("call {number}"));
        let new = NewHold { description, ..new_hold(service, &anna, number * 100) };
        let hold = store.authorize(new).await.expect("a hold");
        store.capture(service, hold, None).await.expect("a capture");
        holds.push(hold);
    }
    let pages = statement(&store, service, &anna, END).await;
    assert_eq!(pages.iter().map(|page| page.lines.len()).collect::<Vec<_>>(), [3, 3, 1]);
    assert!(pages.iter().all(|page| page.balance == credits(5_998_500)));
    let lines: Vec<Line> = pages.into_iter().flat_map(|page| page.lines).collect();
    let shown = lines.iter().map(|line| {
        let text = line.description.as_deref().unwrap_or_default();
        (line.kind, line.amount.micros(), line.balance.micros(), text)
    });
    let capture = PostingKind::Capture;
    let right = [
        (PostingKind::Gift, 1_000_000, 1_000_000, "a gift"),
        (PostingKind::Order, 5_000_000, 6_000_000, "5000000 for 999"),
        (capture, -100, 5_999_900, "call 1"),
        (capture, -200, 5_999_700, "call 2"),
        (capture, -300, 5_999_400, "call 3"),
        (capture, -400, 5_999_000, "call 4"),
        (capture, -500, 5_998_500, "call 5"),
    ];
    assert_eq!(shown.collect::<Vec<_>>(), right);
    assert_eq!(
        lines,
        newest_first(&store, service, &anna).await.into_iter().rev().collect::<Vec<_>>()
    );
    assert_eq!(lines[1].order, Some(order.id));
    assert_eq!(lines[2..].iter().filter_map(|line| line.hold).collect::<Vec<_>>(), holds);
}

/// All lines of a statement from its end, fetched in pages of three.
async fn newest_first(store: &Store, service: ServiceId, account: &AccountToken) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut before = Some(i64::MAX);
    while let Some(end) = before {
        let page = store.latest(service, account.key(), end, 3).await;
        let page = page.expect("it is read").expect("there is an account");
        assert_eq!(page.balance, credits(5_998_500));
        lines.extend(page.lines);
        before = page.next;
    }
    lines
}

async fn a_statement_of_the_past_knows_nothing_of_later(home: Home) {
    let store = home.open().await;
    let (anna, service) = (token("anna"), service(&store, "coalroller").await);
    for _ in 0..5 {
        give(&store, service, &anna, 10).await;
    }
    let instants: Vec<Timestamp> = statement(&store, service, &anna, END)
        .await
        .iter()
        .flat_map(|page| &page.lines)
        .map(|line| line.at)
        .collect();
    assert!(instants.is_sorted_by(|earlier, later| earlier < later), "{instants:?}");
    for (number, instant) in (1_i64..).zip(&instants) {
        let pages = statement(&store, service, &anna, *instant).await;
        assert!(pages.iter().all(|page| page.balance == credits(number * 10)));
        let last = pages.iter().flat_map(|page| &page.lines).next_back().expect("a line");
        assert_eq!((last.at, last.balance), (*instant, credits(number * 10)));
    }
    let before = Timestamp(instants[0].0 - 1);
    let pages = statement(&store, service, &anna, before).await;
    assert!(pages[0].lines.is_empty() && pages[0].balance.is_zero() && pages[0].next.is_none());
}

/// Long enough for several of the lines that are indexed.
async fn any_part_of_a_long_statement_is_found(home: Home) {
    let store = home.open().await;
    let (anna, service) = (token("anna"), service(&store, "coalroller").await);
    for number in 1..=200 {
        give(&store, service, &anna, number).await;
        give(&store, service, &token("ben"), 1).await;
    }
    let sum = |number: i64| number * (number + 1) / 2;
    let whole = statement(&store, service, &anna, END).await;
    let whole: Vec<Line> = whole.into_iter().flat_map(|page| page.lines).collect();
    assert_eq!(
        whole.iter().map(|line| line.number).collect::<Vec<_>>(),
        (1..=200).collect::<Vec<_>>()
    );
    for number in 1..=200 {
        let line = &whole[usize::try_from(number).expect("it is small") - 1];
        assert_eq!((line.amount, line.balance), (credits(number), credits(sum(number))));
        let page = store.statement(service, anna.key(), number - 1, line.at, 1).await;
        let page = page.expect("it is read").expect("there is an account");
        assert_eq!((&page.lines[..], page.next), (std::slice::from_ref(line), None));
        assert_eq!(page.balance, credits(sum(number)), "at the instant of line {number}");
        let before = store.latest(service, anna.key(), number + 1, 1).await;
        let before = before.expect("it is read").expect("there is an account");
        assert_eq!(before.lines[..], std::slice::from_ref(line)[..]);
        assert_eq!(before.next, (number > 1).then_some(number));
    }
    for after in [200, 201, i64::MAX] {
        let page = store.statement(service, anna.key(), after, END, 9).await;
        let page = page.expect("it is read").expect("there is an account");
        assert!(page.lines.is_empty() && page.next.is_none());
    }
}

async fn an_account_that_nothing_made_has_none(home: Home) {
    let store = home.open().await;
    let (here, there) = (service(&store, "coalroller").await, service(&store, "other").await);
    give(&store, here, &token("anna"), 10).await;
    for (service, name) in [(here, "ben"), (there, "anna")] {
        let page = store.statement(service, token(name).key(), 0, END, 10).await;
        assert_eq!(page.expect("it is read"), None);
    }
}
