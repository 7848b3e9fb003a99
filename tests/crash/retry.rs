//! Everything is asked for once more: what was answered is answered the same again, and what nobody
//! heard the end of is settled.

use std::fmt::Debug;

use crate::caller::Caller;
use crate::heard::Heard;
use crate::journal::{End, Journal};

/// Repeats each request of `journal` and notes what is heard. Answers what differs from before.
pub(crate) fn retry(caller: &mut Caller, journal: &mut Journal) -> Vec<String> {
    let mut wrong = Vec::new();
    for grant in &mut journal.grants {
        let heard = caller.grant(grant);
        compare(&grant.key, &mut grant.heard, heard, &mut wrong);
    }
    for hold in &mut journal.holds {
        let heard = caller.authorize(hold);
        compare(&hold.key, &mut hold.heard, heard, &mut wrong);
        let Heard::Done(transaction) = &hold.heard else { continue };
        let (end, before) = hold.end.get_or_insert((End::Cancel, Heard::Nothing));
        let heard = caller.end(transaction, *end);
        compare(&format!("the end of {}", hold.key), before, heard, &mut wrong);
        if *before == Heard::Refused {
            wrong
                .push(format!("{end:?} of {} was refused, though nothing else ended it", hold.key));
        }
    }
    for call in &mut journal.calls {
        let heard = caller.call(call);
        compare(&call.key, &mut call.heard, heard, &mut wrong);
    }
    wrong
}

fn compare<T: Clone + Debug + PartialEq>(
    what: &str,
    before: &mut Heard<T>,
    now: Heard<T>,
    wrong: &mut Vec<String>,
) {
    if now.is_unknown() {
        wrong.push(format!("{what} has no answer once the host is well again"));
    } else if before.is_unknown() {
        *before = now;
    } else if *before != now {
        wrong.push(format!("{what} was answered {before:?}, and after the crash {now:?}"));
    }
}
