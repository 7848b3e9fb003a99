//! Who is next: the order in which calls that wait get their places.

use std::collections::{HashMap, VecDeque};

use stokehold_ledger::ServiceId;
use tokio::sync::oneshot;

/// After so many calls whose clients wait, one of the durable queue has its turn.
const WAITED_IN_A_ROW: u32 = 3;

/// Where a call of a service waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lane {
    /// Its client waits with it.
    Waited,
    /// It is of the durable queue.
    Queued,
}

/// The places of the host, and who waits for them.
pub(super) struct Lanes {
    free: u32,
    services: HashMap<ServiceId, Service>,
    /// The services of which calls wait, in the order of their turns.
    turns: VecDeque<ServiceId>,
    /// Calls that wait with their clients.
    waiting: usize,
}

#[derive(Default)]
struct Service {
    running: u32,
    concurrency: u32,
    waited: VecDeque<oneshot::Sender<()>>,
    queued: VecDeque<oneshot::Sender<()>>,
    waited_in_a_row: u32,
}

impl Service {
    fn is_waited_for(&self) -> bool {
        !(self.waited.is_empty() && self.queued.is_empty())
    }

    fn may_run(&self) -> bool {
        self.running < self.concurrency
    }

    /// The next call, and whether its client waits.
    fn next(&mut self) -> Option<(oneshot::Sender<()>, Lane)> {
        let is_queues_turn = self.waited.is_empty() || self.waited_in_a_row >= WAITED_IN_A_ROW;
        if is_queues_turn && let Some(call) = self.queued.pop_front() {
            self.waited_in_a_row = 0;
            return Some((call, Lane::Queued));
        }
        self.waited_in_a_row += 1;
        self.waited.pop_front().map(|call| (call, Lane::Waited))
    }
}

impl Lanes {
    pub(super) fn new(places: u32) -> Self {
        Self { free: places, services: HashMap::new(), turns: VecDeque::new(), waiting: 0 }
    }

    /// How many calls wait with their clients.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    /// How many of them are of one service.
    pub(super) fn waiting_of(&self, service: ServiceId) -> usize {
        self.services.get(&service).map_or(0, |service| service.waited.len())
    }

    /// Whether a call of the service would run at once.
    pub(super) fn has_place(&self, service: ServiceId) -> bool {
        self.free > 0 && self.services.get(&service).is_some_and(Service::may_run)
    }

    /// Says how many calls of a service run at once. Those that run stay.
    pub(super) fn set_concurrency(&mut self, service: ServiceId, concurrency: u32) {
        self.services.entry(service).or_default().concurrency = concurrency;
        self.grant();
    }

    /// Adds a call, which is told when it has its place.
    pub(super) fn join(&mut self, service: ServiceId, lane: Lane) -> oneshot::Receiver<()> {
        let (grant, granted) = oneshot::channel();
        let row = self.services.entry(service).or_default();
        if !row.is_waited_for() {
            self.turns.push_back(service);
        }
        match lane {
            Lane::Waited => {
                row.waited.push_back(grant);
                self.waiting += 1;
            }
            Lane::Queued => row.queued.push_back(grant),
        }
        self.grant();
        granted
    }

    /// Forgets a call of this lane that has given up.
    pub(super) fn forget(&mut self, service: ServiceId, lane: Lane) {
        let Some(row) = self.services.get_mut(&service) else { return };
        match lane {
            Lane::Waited => {
                let before = row.waited.len();
                row.waited.retain(|call| !call.is_closed());
                self.waiting -= before - row.waited.len();
            }
            Lane::Queued => row.queued.retain(|call| !call.is_closed()),
        }
        self.tidy(service);
    }

    /// Takes a place back.
    pub(super) fn release(&mut self, service: ServiceId) {
        self.free += 1;
        if let Some(row) = self.services.get_mut(&service) {
            row.running -= 1;
        }
        self.tidy(service);
        self.grant();
    }

    /// Gives no more places to calls of the durable queue. They are told by their senders' end.
    pub(super) fn close_queue(&mut self) {
        for service in self.services.values_mut() {
            service.queued.clear();
        }
        let services = &self.services;
        self.turns.retain(|id| services.get(id).is_some_and(Service::is_waited_for));
        self.services.retain(|_, service| service.is_waited_for() || service.running > 0);
    }

    /// Gives places for as long as there are any, to one service after the other.
    fn grant(&mut self) {
        while self.free > 0 {
            let may_run = |id| self.services.get(id).is_some_and(Service::may_run);
            let Some(turn) = self.turns.iter().position(may_run) else { return };
            let Some(id) = self.turns.remove(turn) else { return };
            let Some(service) = self.services.get_mut(&id) else { continue };
            if let Some((call, lane)) = service.next() {
                if lane == Lane::Waited {
                    self.waiting -= 1;
                }
                if call.send(()).is_ok() {
                    service.running += 1;
                    self.free -= 1;
                }
            }
            if service.is_waited_for() {
                self.turns.push_back(id);
            }
        }
    }

    /// Drops what is known of a service that has nothing to do.
    fn tidy(&mut self, id: ServiceId) {
        let Some(service) = self.services.get(&id) else { return };
        if !service.is_waited_for() {
            self.turns.retain(|turn| *turn != id);
            if service.running == 0 {
                self.services.remove(&id);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Lane::{Queued, Waited};
    use super::*;

    /// Lanes with one place that is taken, and calls that wait for it.
    fn town(calls: &[(i64, Lane)]) -> (Lanes, Vec<(i64, Lane, oneshot::Receiver<()>)>) {
        let mut lanes = Lanes::new(1);
        for service in [0, 1, 2, 3] {
            lanes.set_concurrency(ServiceId(service), 8);
        }
        drop(lanes.join(ServiceId(0), Waited));
        let join = |(service, lane): &(i64, Lane)| {
            (*service, *lane, lanes.join(ServiceId(*service), *lane))
        };
        let waiting = calls.iter().map(join).collect();
        (lanes, waiting)
    }

    /// The order in which the calls get the place, when each gives it back at once.
    fn order(calls: &[(i64, Lane)]) -> Vec<(i64, Lane)> {
        let (mut lanes, mut waiting) = town(calls);
        let (mut order, mut last) = (Vec::new(), 0);
        while !waiting.is_empty() {
            lanes.release(ServiceId(last));
            let next = waiting.iter_mut().position(|(.., granted)| granted.try_recv().is_ok());
            let (service, lane, _) = waiting.remove(next.expect("somebody is next"));
            last = service;
            order.push((service, lane));
        }
        lanes.release(ServiceId(last));
        assert!((lanes.free, lanes.waiting) == (1, 0) && lanes.turns.is_empty());
        order
    }

    #[test]
    fn services_take_turns_however_many_calls_they_have() {
        let calls = [(1, Waited), (1, Waited), (1, Waited), (2, Waited), (3, Waited), (2, Waited)];
        let services: Vec<_> = order(&calls).into_iter().map(|(service, _)| service).collect();
        assert_eq!(services, [1, 2, 3, 1, 2, 1]);
    }

    #[test]
    fn who_waits_goes_before_the_queue_but_not_for_ever() {
        let mut calls = vec![(1, Queued), (1, Queued)];
        calls.extend([(1, Waited); 7]);
        let lanes: Vec<_> = order(&calls).into_iter().map(|(_, lane)| lane).collect();
        let (w, q) = (Waited, Queued);
        assert_eq!(lanes, [w, w, w, q, w, w, w, q, w]);
    }

    #[test]
    fn who_has_given_up_is_in_nobodys_way() {
        let (mut lanes, mut waiting) = town(&[(1, Waited), (1, Waited), (2, Queued)]);
        let (service, lane, granted) = waiting.remove(0);
        drop(granted);
        lanes.forget(ServiceId(service), lane);
        assert_eq!((lanes.waiting(), lanes.waiting_of(ServiceId(1))), (1, 1));
        lanes.release(ServiceId(0));
        assert!(waiting[0].2.try_recv().is_ok());
    }
}
