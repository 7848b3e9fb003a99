//! The one pure decision.

use crate::account::Account;
use crate::command::{Command, Source};
use crate::credits::Credits;
use crate::hold::{Hold, HoldState};
use crate::id::HoldId;
use crate::money::{Cents, Commission};
use crate::posting::{Posting, PostingKind};
use crate::refusal::Refusal;
use crate::time::{Span, Timestamp};

/// What a store has loaded for a command.
#[derive(Clone, Copy, Debug, Default)]
pub struct Rows<'a> {
    /// The account that the command, or its hold, is about.
    pub account: Option<&'a Account>,
    /// The hold that the command is about; the store has checked that it is of the right service.
    pub hold: Option<&'a Hold>,
    /// What was given back of the hold so far; only a refund looks at it.
    pub refunded: Credits,
}

/// What is to happen, or has already happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Write this.
    Change(Change),
    /// The hold has ended in this way before: nothing is left to do, and that is a success.
    Already(Hold),
}

/// Rows to write, all in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The account as it shall be.
    pub account: Account,
    /// The hold as it shall be, where the command is about one.
    pub hold: Option<Hold>,
    /// What is to be posted, where credits or money move.
    pub posting: Option<Posting>,
}

/// Decides `command` on `rows` at the instant `now`.
///
/// Arguments are checked first, then the state of the rows. From the line on that builds the
/// change, the command must succeed.
pub fn decide(rows: Rows<'_>, command: &Command, now: Timestamp) -> Result<Decision, Refusal> {
    match command {
        Command::Grant { amount, source } => {
            let account = rows.account.ok_or(Refusal::UnknownAccount)?;
            grant(account, *amount, *source)
        }
        Command::Authorize { hold, amount, ttl, description } => {
            authorize(rows.account, *hold, *amount, *ttl, description.clone(), now)
        }
        Command::Capture(amount) => {
            let (account, hold) = held(rows)?;
            capture(account, hold, *amount, now)
        }
        Command::Cancel => {
            let (account, hold) = held(rows)?;
            match hold.state {
                HoldState::Open => release(account, hold, HoldState::Cancelled),
                HoldState::Captured(_) => Err(Refusal::AlreadyCaptured),
                HoldState::Cancelled | HoldState::Expired => Ok(Decision::Already(hold.clone())),
            }
        }
        Command::Expire => {
            let (account, hold) = held(rows)?;
            match hold.state {
                HoldState::Open if hold.is_due(now) => release(account, hold, HoldState::Expired),
                HoldState::Open => Err(Refusal::NotDue),
                _ => Ok(Decision::Already(hold.clone())),
            }
        }
        Command::Refund(amount) => {
            let (account, hold) = held(rows)?;
            refund(account, hold, rows.refunded, *amount)
        }
        Command::RefundOrder { credits, price, commission } => {
            let account = rows.account.ok_or(Refusal::UnknownAccount)?;
            let split = Commission::split(*price, *commission).ok_or(Refusal::PriceOutOfRange)?;
            refund_order(account, *credits, *price, split)
        }
    }
}

fn grant(account: &Account, amount: Credits, source: Source) -> Result<Decision, Refusal> {
    operation_amount(amount)?;
    let (kind, paid) = match source {
        Source::Gift => (PostingKind::Gift, None),
        Source::Trial => (PostingKind::Trial, None),
        Source::Order { price, commission } => {
            let split = Commission::split(price, commission).ok_or(Refusal::PriceOutOfRange)?;
            (PostingKind::Order, Some((price, split)))
        }
    };
    let balance = account.balance.checked_add(amount).ok_or(Refusal::AboveAccountMax)?;
    if balance > Credits::ACCOUNT_MAX {
        return Err(Refusal::AboveAccountMax);
    }
    let posting = Posting::grant(kind, amount).ok_or(Refusal::AboveAccountMax)?;
    let posting = match paid {
        Some((price, split)) => posting.paid(price, split).ok_or(Refusal::PriceOutOfRange)?,
        None => posting,
    };

    let account = Account { balance, ..*account };
    Ok(Decision::Change(Change { account, hold: None, posting: Some(posting) }))
}

fn authorize(
    account: Option<&Account>,
    id: HoldId,
    amount: Credits,
    ttl: Span,
    description: Option<String>,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    operation_amount(amount)?;
    let account = account.ok_or(Refusal::UnknownAccount)?;
    let available = account.available();
    let insufficient = Refusal::InsufficientCredits { needed: amount, available };
    if amount > available {
        return Err(insufficient);
    }
    let held = account.held.checked_add(amount).ok_or(insufficient)?;

    let hold = Hold {
        id,
        account: account.id,
        service: account.service,
        amount,
        state: HoldState::Open,
        created_at: now,
        expires_at: now.after(ttl),
        description,
    };
    let account = Account { held, ..*account };
    Ok(Decision::Change(Change { account, hold: Some(hold), posting: None }))
}

fn capture(
    account: &Account,
    hold: &Hold,
    amount: Option<Credits>,
    now: Timestamp,
) -> Result<Decision, Refusal> {
    match hold.state {
        HoldState::Open if hold.is_due(now) => return Err(Refusal::Expired),
        HoldState::Open => {}
        HoldState::Captured(_) => return Ok(Decision::Already(hold.clone())),
        HoldState::Cancelled => return Err(Refusal::AlreadyCancelled),
        HoldState::Expired => return Err(Refusal::Expired),
    }
    let amount = amount.unwrap_or(hold.amount);
    let above = Refusal::AboveHold { asked: amount, held: hold.amount };
    if amount > hold.amount || amount < Credits::ZERO {
        return Err(above);
    }
    let mut account = released(account, hold)?;
    account.balance = account.balance.checked_sub(amount).ok_or(above)?;
    let posting = match amount {
        Credits::ZERO => None,
        amount => Some(Posting::capture(amount).ok_or(above)?),
    };

    let hold = Hold { state: HoldState::Captured(amount), ..hold.clone() };
    Ok(Decision::Change(Change { account, hold: Some(hold), posting }))
}

fn refund(
    account: &Account,
    hold: &Hold,
    refunded: Credits,
    amount: Credits,
) -> Result<Decision, Refusal> {
    operation_amount(amount)?;
    let HoldState::Captured(captured) = hold.state else { return Err(Refusal::NothingToRefund) };
    let left = captured.checked_sub(refunded).unwrap_or(Credits::ZERO);
    if amount > left {
        return Err(Refusal::AboveCaptured { asked: amount, left });
    }
    let balance = account.balance.checked_add(amount).ok_or(Refusal::AboveAccountMax)?;
    if balance > Credits::ACCOUNT_MAX {
        return Err(Refusal::AboveAccountMax);
    }
    let posting = Posting::refund(amount).ok_or(Refusal::AboveAccountMax)?;

    let account = Account { balance, ..*account };
    Ok(Decision::Change(Change { account, hold: None, posting: Some(posting) }))
}

fn refund_order(
    account: &Account,
    credits: Credits,
    price: Cents,
    split: Commission,
) -> Result<Decision, Refusal> {
    operation_amount(credits)?;
    let available = account.available();
    let insufficient = Refusal::InsufficientCredits { needed: credits, available };
    if credits > available {
        return Err(insufficient);
    }
    let balance = account.balance.checked_sub(credits).ok_or(insufficient)?;
    let posting = Posting::order_refund(credits, price, split).ok_or(Refusal::PriceOutOfRange)?;

    let account = Account { balance, ..*account };
    Ok(Decision::Change(Change { account, hold: None, posting: Some(posting) }))
}

fn release(account: &Account, hold: &Hold, state: HoldState) -> Result<Decision, Refusal> {
    let account = released(account, hold)?;
    let hold = Hold { state, ..hold.clone() };
    Ok(Decision::Change(Change { account, hold: Some(hold), posting: None }))
}

/// The account without what `hold` has set aside. An account that holds less than its hold was
/// altered from outside: nothing more is built on it.
fn released(account: &Account, hold: &Hold) -> Result<Account, Refusal> {
    let held = account.held.checked_sub(hold.amount).filter(|held| *held >= Credits::ZERO);
    Ok(Account { held: held.ok_or(Refusal::UnknownHold)?, ..*account })
}

fn held(rows: Rows<'_>) -> Result<(&Account, &Hold), Refusal> {
    rows.account.zip(rows.hold).ok_or(Refusal::UnknownHold)
}

fn operation_amount(amount: Credits) -> Result<(), Refusal> {
    if amount <= Credits::ZERO {
        Err(Refusal::ZeroAmount)
    } else if amount > Credits::OPERATION_MAX {
        Err(Refusal::AboveOperationMax(amount))
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{AccountId, ServiceId};
    use crate::money::BasisPoints;
    use crate::posting::Unit;
    use uuid::Uuid;

    const NOW: Timestamp = Timestamp(1_000);

    fn credits(whole: i64) -> Credits {
        Credits::from_micros(whole * 1_000_000)
    }

    fn account(balance: i64, held: i64) -> Account {
        let empty = Account::empty(AccountId(1), ServiceId(1));
        Account { balance: credits(balance), held: credits(held), ..empty }
    }

    fn hold(amount: i64, state: HoldState) -> Hold {
        Hold {
            id: HoldId(Uuid::nil()),
            account: AccountId(1),
            service: ServiceId(1),
            amount: credits(amount),
            state,
            created_at: Timestamp(0),
            expires_at: Timestamp(2_000),
            description: None,
        }
    }

    fn on(account: &Account, hold: &Hold, command: &Command) -> Result<Decision, Refusal> {
        decide(
            Rows { account: Some(account), hold: Some(hold), refunded: Credits::ZERO },
            command,
            NOW,
        )
    }

    fn change(decision: Result<Decision, Refusal>) -> Change {
        match decision {
            Ok(Decision::Change(change)) => change,
            other => panic!("expected a change, got {other:?}"),
        }
    }

    fn authorize(amount: Credits) -> Command {
        let ttl = Span::from_micros(10).expect("a span");
        Command::Authorize { hold: HoldId(Uuid::nil()), amount, ttl, description: None }
    }

    #[test]
    fn a_hold_takes_what_is_available_and_no_more() {
        let account = account(10, 4);
        let rows = Rows { account: Some(&account), ..Rows::default() };
        let change = change(decide(rows, &authorize(credits(6)), NOW));
        assert_eq!((change.account.held, change.account.available()), (credits(10), Credits::ZERO));
        assert_eq!(change.hold.expect("a hold").expires_at, Timestamp(1_010));
        let above = credits(6).checked_add(Credits::from_micros(1)).expect("fits");
        assert_eq!(
            decide(rows, &authorize(above), NOW),
            Err(Refusal::InsufficientCredits { needed: above, available: credits(6) })
        );
        assert_eq!(decide(rows, &authorize(Credits::ZERO), NOW), Err(Refusal::ZeroAmount));
        assert_eq!(
            decide(Rows::default(), &authorize(credits(1)), NOW),
            Err(Refusal::UnknownAccount)
        );
    }

    #[test]
    fn a_capture_takes_its_part_and_releases_the_rest() {
        let (account, open) = (account(10, 5), hold(5, HoldState::Open));
        for (asked, taken) in [(None, 5), (Some(credits(2)), 2), (Some(Credits::ZERO), 0)] {
            let change = change(on(&account, &open, &Command::Capture(asked)));
            assert_eq!(change.account.balance, credits(10 - taken));
            assert_eq!(change.account.held, Credits::ZERO);
            assert_eq!(change.hold.expect("a hold").state, HoldState::Captured(credits(taken)));
            assert_eq!(change.posting.is_some(), taken > 0);
        }
        assert_eq!(
            on(&account, &open, &Command::Capture(Some(credits(6)))),
            Err(Refusal::AboveHold { asked: credits(6), held: credits(5) })
        );
    }

    #[test]
    fn an_ended_hold_stays_as_it_ended() {
        let account = account(10, 0);
        let (captured, cancelled, expired) = (
            hold(5, HoldState::Captured(credits(3))),
            hold(5, HoldState::Cancelled),
            hold(5, HoldState::Expired),
        );
        let already = |hold: &Hold| Ok(Decision::Already(hold.clone()));
        let capture = Command::Capture(Some(credits(1)));
        assert_eq!(on(&account, &captured, &capture), already(&captured));
        assert_eq!(on(&account, &cancelled, &capture), Err(Refusal::AlreadyCancelled));
        assert_eq!(on(&account, &expired, &capture), Err(Refusal::Expired));
        assert_eq!(on(&account, &captured, &Command::Cancel), Err(Refusal::AlreadyCaptured));
        assert_eq!(on(&account, &cancelled, &Command::Cancel), already(&cancelled));
        assert_eq!(on(&account, &expired, &Command::Cancel), already(&expired));
        assert_eq!(on(&account, &captured, &Command::Expire), already(&captured));
    }

    #[test]
    fn a_hold_that_its_account_does_not_know_of_is_refused() {
        let (account, open) = (account(10, 4), hold(5, HoldState::Open));
        for command in [Command::Capture(None), Command::Cancel] {
            assert_eq!(on(&account, &open, &command), Err(Refusal::UnknownHold));
        }
        let rows = Rows { account: Some(&account), hold: Some(&open), ..Rows::default() };
        assert_eq!(decide(rows, &Command::Expire, open.expires_at), Err(Refusal::UnknownHold));
    }

    #[test]
    fn a_hold_expires_at_its_instant() {
        let (account, open) = (account(10, 5), hold(5, HoldState::Open));
        let rows = Rows { account: Some(&account), hold: Some(&open), ..Rows::default() };
        let at = |now, command: &Command| decide(rows, command, Timestamp(now));
        assert_eq!(at(1_999, &Command::Expire), Err(Refusal::NotDue));
        assert_eq!(at(2_000, &Command::Capture(None)), Err(Refusal::Expired));
        assert!(at(1_999, &Command::Capture(None)).is_ok());
        let change = change(at(2_000, &Command::Expire));
        assert_eq!(change.account.available(), credits(10));
        assert_eq!(change.hold.expect("a hold").state, HoldState::Expired);
    }

    #[test]
    fn postings_sum_to_zero_in_each_unit() {
        let account = account(10, 5);
        let commission = BasisPoints::new(2_500).expect("a share");
        let source = Source::Order { price: Cents(10_001), commission };
        let order = Command::Grant { amount: credits(500), source };
        let gift = Command::Grant { amount: credits(1), source: Source::Gift };
        let (price, credits_bought) = (Cents(10_001), credits(3));
        let back = Command::RefundOrder { credits: credits_bought, price, commission };
        for command in [order, gift, Command::Capture(None), back] {
            let change = change(on(&account, &hold(5, HoldState::Open), &command));
            let posting = change.posting.expect("a posting");
            for unit in [Unit::Credits, Unit::Money] {
                let of_unit = posting.entries.iter().filter(|entry| entry.book.unit() == unit);
                assert_eq!(of_unit.map(|entry| entry.amount).sum::<i64>(), 0);
            }
        }
    }

    #[test]
    fn no_more_is_given_back_than_was_captured() {
        let (account, captured) = (account(10, 0), hold(5, HoldState::Captured(credits(3))));
        let refund = |refunded, amount| {
            let rows = Rows {
                account: Some(&account),
                hold: Some(&captured),
                refunded: credits(refunded),
            };
            decide(rows, &Command::Refund(credits(amount)), NOW)
        };
        assert_eq!(change(refund(1, 2)).account.balance, credits(12));
        let above = Refusal::AboveCaptured { asked: credits(3), left: credits(2) };
        assert_eq!(refund(1, 3), Err(above));
        let cancelled = hold(5, HoldState::Cancelled);
        let refund = Command::Refund(credits(1));
        assert_eq!(on(&account, &cancelled, &refund), Err(Refusal::NothingToRefund));
    }

    #[test]
    fn a_warning_is_given_once_on_the_way_down() {
        let at = |balance, held| Account { warn_at: Some(credits(5)), ..account(balance, held) };
        assert!(at(6, 1).warns_after(&at(6, 0)));
        assert!(at(10, 9).warns_after(&at(10, 0)));
        assert!(!at(5, 1).warns_after(&at(5, 0)), "it was at the threshold before");
        assert!(!at(6, 0).warns_after(&at(4, 0)), "on the way up");
        assert!(!account(1, 0).warns_after(&account(9, 0)), "nobody asked for it");
    }

    #[test]
    fn a_grant_is_bounded() {
        let grant = |amount, source| Command::Grant { amount, source };
        let full = account(4_000_000_000, 0);
        let on = |command: &Command| on(&full, &hold(1, HoldState::Open), command);
        assert_eq!(on(&grant(credits(1), Source::Gift)), Err(Refusal::AboveAccountMax));
        assert_eq!(on(&grant(Credits::ZERO, Source::Gift)), Err(Refusal::ZeroAmount));
        let huge = credits(1_000_000_001);
        assert_eq!(on(&grant(huge, Source::Trial)), Err(Refusal::AboveOperationMax(huge)));
    }
}
