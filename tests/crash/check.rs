//! Acknowledged ⊆ stored ⊆ attempted: what clients heard of one account beside what is there.

use std::collections::HashMap;

use stokehold_ledger::Credits;

use crate::journal::{End, Hold, Journal};
use crate::seen::{Open, Seen};
use crate::subject::CALL_PRICE;

/// What is wrong with an account, a line each.
pub(crate) fn check(account: &str, journal: &Journal, seen: &Seen) -> Vec<String> {
    let mut wrong = Vec::new();
    grants(journal, seen, &mut wrong);
    open(journal, seen, &mut wrong);
    captures(journal, seen, &mut wrong);
    sums(seen, &mut wrong);
    wrong.into_iter().map(|what| format!("account {account}: {what}")).collect()
}

fn grants(journal: &Journal, seen: &Seen, wrong: &mut Vec<String>) {
    let mut stored = HashMap::new();
    for (key, credits) in &seen.grants {
        if stored.insert(key, *credits).is_some() {
            wrong.push(format!("grant {key} is there twice"));
        }
        if !journal.grants.iter().any(|grant| grant.key == *key && grant.credits == *credits) {
            wrong.push(format!("grant {key} of {credits} was never attempted"));
        }
    }
    for grant in &journal.grants {
        if grant.heard.done().is_some() && !stored.contains_key(&grant.key) {
            wrong.push(format!("grant {} was acknowledged and is gone", grant.key));
        }
    }
}

/// Open holds are those that were attempted and not heard to have ended.
fn open(journal: &Journal, seen: &Seen, wrong: &mut Vec<String>) {
    let attempted: HashMap<_, _> = journal.holds.iter().map(|hold| (&hold.key, hold)).collect();
    for open in seen.open.iter().filter(|open| !open.is_call) {
        match attempted.get(&open.description) {
            Some(hold) if is_as_attempted(hold, open) => {}
            Some(hold) => wrong.push(format!("{open:?} does not fit what was heard: {hold:?}")),
            None => wrong.push(format!("{open:?} was never attempted")),
        }
    }
    for hold in &journal.holds {
        let is_open = seen.open.iter().any(|open| Some(&open.id) == hold.heard.done());
        if hold.heard.done().is_some() && hold.end.is_none() && !is_open {
            wrong.push(format!("{hold:?} was acknowledged, never ended, and is not open"));
        }
    }
}

fn is_as_attempted(hold: &Hold, open: &Open) -> bool {
    let has_ended = hold.end.as_ref().is_some_and(|(_, heard)| heard.done().is_some());
    let is_other = !hold.heard.is_unknown() && hold.heard.done() != Some(&open.id);
    hold.credits == open.credits && !has_ended && !is_other
}

/// Captures are of holds whose clients asked for them, and of calls.
fn captures(journal: &Journal, seen: &Seen, wrong: &mut Vec<String>) {
    let by_token = |hold| Some((Hold::heard_token(hold)?, hold));
    let holds: HashMap<&str, &Hold> = journal.holds.iter().filter_map(by_token).collect();
    let calls = journal.calls.iter().filter_map(|call| call.heard.done());
    let calls: HashMap<&str, Credits> = calls.map(|(id, taken)| (id.as_str(), *taken)).collect();
    let unknown = journal.calls.iter().filter(|call| call.heard.is_unknown()).count();
    let (mut stored, mut strangers) = (HashMap::new(), 0);
    for (id, taken) in &seen.captures {
        if stored.insert(id.as_str(), *taken).is_some() {
            wrong.push(format!("{id} is captured twice"));
        }
        let is_asked = match (holds.get(id.as_str()), calls.get(id.as_str())) {
            (Some(hold), _) => {
                matches!(hold.end, Some((End::Capture(asked), _)) if asked == *taken)
            }
            (None, Some(heard)) => heard == taken,
            (None, None) => {
                strangers += 1;
                *taken == CALL_PRICE
            }
        };
        if !is_asked {
            wrong.push(format!("{taken} were captured of {id}, which nobody asked for"));
        }
    }
    if strangers > unknown {
        wrong.push(format!("{strangers} captures of calls, and {unknown} whose end was not heard"));
    }
    let ended = holds.iter().filter_map(|(id, hold)| match &hold.end {
        Some((End::Capture(asked), heard)) if heard.done().is_some() => Some((*id, *asked)),
        _ => None,
    });
    for (id, asked) in ended.chain(calls.iter().map(|(id, taken)| (*id, *taken))) {
        // Nothing captured leaves no line.
        if asked != Credits::ZERO && !stored.contains_key(id) {
            wrong.push(format!("the capture of {id} was acknowledged and is gone"));
        }
    }
}

fn sums(seen: &Seen, wrong: &mut Vec<String>) {
    let sum =
        |amounts: &mut dyn Iterator<Item = Credits>| amounts.map(Credits::micros).sum::<i64>();
    let granted = sum(&mut seen.grants.iter().map(|(_, credits)| *credits));
    let captured = sum(&mut seen.captures.iter().map(|(_, credits)| *credits));
    let held = sum(&mut seen.open.iter().map(|open| open.credits));
    if seen.balance.micros() != granted - captured {
        wrong.push(format!("the balance is {}, the lines say otherwise: {seen:?}", seen.balance));
    }
    if seen.held.micros() != held || held > seen.balance.micros() {
        wrong.push(format!("{} are held, open holds say otherwise: {seen:?}", seen.held));
    }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::heard::Heard;
    use crate::journal::{Call, End, Grant, Hold, Journal};
    use crate::seen::{Open, Seen};
    use crate::subject::CALL_PRICE;
    use stokehold_ledger::Credits;

    fn micros(micros: i64) -> Credits {
        Credits::from_micros(micros)
    }

    fn grant(heard: Heard<Credits>) -> Grant {
        Grant { account: "a".into(), key: "g".into(), credits: micros(100_000), heard }
    }

    fn hold(heard: Heard<String>, end: Option<(End, Heard<()>)>) -> Hold {
        Hold { account: "a".into(), key: "h".into(), credits: micros(500), heard, end }
    }

    fn call(heard: Heard<(String, Credits)>) -> Call {
        Call { account: "a".into(), key: "c".into(), heard }
    }

    fn open() -> Open {
        let (id, description) = ("t".into(), "h".into());
        Open { id, description, credits: micros(500), is_call: false }
    }

    /// A grant that was heard of, and what else was attempted.
    fn journal(holds: Vec<Hold>, calls: Vec<Call>) -> Journal {
        let grants = vec![grant(Heard::Done(micros(100_000)))];
        Journal { grants, holds, calls, ..Journal::default() }
    }

    /// An account with that grant, with sums that are right.
    fn seen(captures: &[(&str, i64)], open: Vec<Open>) -> Seen {
        let captured: i64 = captures.iter().map(|(_, taken)| taken).sum();
        Seen {
            balance: micros(100_000 - captured),
            held: micros(open.iter().map(|open| open.credits.micros()).sum()),
            grants: vec![("g".into(), micros(100_000))],
            captures: captures.iter().map(|(id, taken)| ((*id).into(), micros(*taken))).collect(),
            open,
        }
    }

    #[track_caller]
    fn finds(journal: &Journal, seen: &Seen, what: &str) {
        let found = check("a", journal, seen);
        assert!(found.iter().any(|found| found.contains(what)), "{what}: {found:?}");
    }

    #[track_caller]
    fn fits(journal: &Journal, seen: &Seen) {
        assert_eq!(check("a", journal, seen), [""; 0]);
    }

    fn done() -> Heard<String> {
        Heard::Done("t".into())
    }

    #[test]
    fn what_was_acknowledged_has_to_be_there() {
        let nothing = Seen::default();
        finds(&journal(vec![], vec![]), &nothing, "grant g was acknowledged and is gone");
        let lost = journal(vec![hold(done(), None)], vec![]);
        finds(&lost, &seen(&[], vec![]), "never ended, and is not open");
        let captured = Some((End::Capture(micros(7)), Heard::Done(())));
        let lost = journal(vec![hold(done(), captured)], vec![]);
        finds(&lost, &seen(&[], vec![]), "the capture of t was acknowledged and is gone");
        let lost = journal(vec![], vec![call(Heard::Done(("i".into(), CALL_PRICE)))]);
        finds(&lost, &seen(&[], vec![]), "the capture of i was acknowledged and is gone");
    }

    #[test]
    fn what_is_there_has_to_have_been_attempted() {
        let none = journal(vec![], vec![]);
        finds(&none, &seen(&[], vec![open()]), "was never attempted");
        finds(&none, &seen(&[("i", CALL_PRICE.micros())], vec![]), "1 captures of calls, and 0");
        let other = Journal { grants: vec![], ..none };
        finds(&other, &seen(&[], vec![]), "grant g of 0.1 was never attempted");
        let kept = journal(vec![hold(done(), None)], vec![]);
        finds(&kept, &seen(&[("t", 500)], vec![]), "captured of t, which nobody asked for");
        let less = Some((End::Capture(micros(7)), Heard::Done(())));
        let less = journal(vec![hold(done(), less)], vec![]);
        finds(&less, &seen(&[("t", 8)], vec![]), "captured of t, which nobody asked for");
        finds(&less, &seen(&[("t", 7), ("t", 7)], vec![]), "t is captured twice");
        finds(&less, &seen(&[("t", 7)], vec![open()]), "does not fit what was heard");
    }

    #[test]
    fn what_was_not_heard_of_may_have_happened_or_not() {
        let unknown = journal(vec![hold(Heard::Nothing, None)], vec![]);
        fits(&unknown, &seen(&[], vec![]));
        fits(&unknown, &seen(&[], vec![open()]));
        let ending = Some((End::Capture(micros(7)), Heard::Nothing));
        let unknown = journal(vec![hold(done(), ending)], vec![call(Heard::Nothing)]);
        fits(&unknown, &seen(&[], vec![open()]));
        fits(&unknown, &seen(&[("t", 7)], vec![]));
        fits(&unknown, &seen(&[("t", 7), ("i", CALL_PRICE.micros())], vec![]));
    }

    #[test]
    fn a_balance_is_what_its_lines_add_up_to() {
        let one = journal(vec![], vec![]);
        let mut altered = seen(&[], vec![]);
        altered.balance = micros(100_001);
        finds(&one, &altered, "the lines say otherwise");
        let mut altered = seen(&[], vec![]);
        altered.held = micros(1);
        finds(&one, &altered, "open holds say otherwise");
    }
}
