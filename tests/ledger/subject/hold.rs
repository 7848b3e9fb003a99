//! The store's holds and calls, asked the same steps as the model's.

use stokehold_ledger::{AccountKey, CallId, HoldId, ServiceId, Span, Timestamp};
use stokehold_store::{Error, NewCall, NewHold, Settlement};
use uuid::Uuid;

use super::{HOUR_MICROS, Subject, digest, keyed};
use crate::fixture::{credits, new_call, new_hold, spent, token};
use crate::model::Answer;
use crate::step::{DATABASES, NAMES, Part, Pick, Place, SERVICES, Step, Target, Want};

impl Subject {
    /// The open holds of an account, and whether they are a call's, in the words of the model.
    pub(crate) async fn open_holds(&self, place: Place) -> Vec<(usize, bool)> {
        let (service, token) = self.account(place);
        let open = self.store().open_holds(service, Some(token.key()), None, 1_000).await;
        let known = open.expect("they are read").into_iter().map(|open| {
            let position = self.holds.iter().position(|(hold, ..)| *hold == open.hold.id);
            (position.expect("a known hold"), open.is_call)
        });
        known.collect()
    }

    pub(super) async fn authorize(
        &mut self,
        want: Want,
        once: Option<u8>,
        repeat: Option<u8>,
        step: Step,
    ) -> Result<Answer, Error> {
        let Want { from, micros, hours, database } = want;
        let (service, token) = self.account(from);
        let request = step.request(None);
        let new = NewHold {
            ttl: span(hours),
            dbuuid: database.map(|database| DATABASES[database].into()),
            once: once.map(|key| keyed("once", key, &request)),
            request: repeat.map(|key| digest(key, &request)),
            ..new_hold(service, &token, micros)
        };
        let hold = self.store().authorize(new).await?;
        let known = self.holds.iter().position(|(known, ..)| *known == hold);
        Ok(Answer::Held(known.unwrap_or_else(|| {
            self.holds.push((hold, from.service, micros));
            self.holds.len() - 1
        })))
    }

    pub(super) async fn capture(&self, target: Target, part: Part) -> Result<Answer, Error> {
        let (service, hold, micros) = self.hold(target);
        let captured = self.store().capture(service, hold, part.of(micros).map(credits)).await?;
        Ok(Answer::Captured(captured.micros()))
    }

    pub(super) async fn release(
        &self,
        target: Target,
        owner: Option<usize>,
        hours: Option<i64>,
    ) -> Result<Answer, Error> {
        let (service, hold, _) = self.hold(target);
        let owner: Option<AccountKey> = owner.map(|owner| token(NAMES[owner]).key());
        let now = self.store().now();
        let older_than = hours.map(|hours| Timestamp(now.0 - hours * HOUR_MICROS));
        self.store().release(service, hold, owner, older_than).await.map(|()| Answer::Done)
    }

    pub(super) async fn refund(
        &self,
        target: Target,
        part: Part,
        key: Option<u8>,
        step: Step,
    ) -> Result<Answer, Error> {
        let (service, hold, micros) = self.hold(target);
        let request = step.request(target.hold.among(self.holds.len()));
        let once = key.map(|key| keyed("refund", key, &request));
        let amount = credits(part.of(micros).unwrap_or(micros));
        let balance = self.store().refund(service, hold, amount, "why".into(), once).await?;
        Ok(Answer::Balance(balance.micros()))
    }

    pub(super) async fn begin(
        &mut self,
        want: Want,
        key: Option<u8>,
        step: Step,
    ) -> Result<Answer, Error> {
        let Want { from, micros, hours, database } = want;
        let (service, token) = self.account(from);
        let new = NewCall {
            ttl: span(hours),
            dbuuid: database.map(|database| DATABASES[database].into()),
            ..new_call(service, self.services[from.service].1, &token, micros)
        };
        let id = new.id;
        let known = match key {
            None => self.store().begin_call(new).await.map(|()| None)?,
            Some(key) => {
                let once = keyed("call", key, &step.request(None));
                self.store().begin_call_once(new, once).await?
            }
        };
        if let Some(known) = known {
            let position = self.calls.iter().position(|(call, _)| *call == known);
            return Ok(Answer::Begun(position.expect("a known call")));
        }
        self.calls.push((id, micros));
        if micros != 0 {
            self.holds.push((HoldId(id.0), from.service, micros));
        }
        Ok(Answer::Begun(self.calls.len() - 1))
    }

    pub(super) async fn settle(&self, call: Pick, part: Option<Part>) -> Result<Answer, Error> {
        let call = call.among(self.calls.len());
        let (id, micros) = call.map_or((CallId(Uuid::now_v7()), 0), |call| self.calls[call]);
        let settlement = part.map_or(Settlement::Cancel, |part| {
            Settlement::Capture(credits(part.of(micros).unwrap_or(micros)))
        });
        let (captured, refusal) = self.store().settle_call(id, settlement, spent("ok")).await?;
        Ok(Answer::Settled(captured.micros(), refusal))
    }

    /// The hold, its amount, and the service that asks for it: its own, or a stranger.
    pub(super) fn hold(&self, target: Target) -> (ServiceId, HoldId, i64) {
        let unknown = || (HoldId(Uuid::now_v7()), 0, 1);
        let position = target.hold.among(self.holds.len());
        let (hold, own, micros) = position.map_or_else(unknown, |position| self.holds[position]);
        let asking = (own + usize::from(target.stranger)) % SERVICES;
        (self.services[asking].0, hold, micros)
    }
}

fn span(hours: i64) -> Span {
    Span::from_micros(hours * HOUR_MICROS).expect("a span")
}
