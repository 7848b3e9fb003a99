//! What the clerk is given, and what it gives back.

use serde::Deserialize;
use stokehold_sdk::{Credits, Failure, Json, Request, json};

use crate::matching::{INVOICES_MAX, Open};

/// Payments of one job.
const PAYMENTS_MAX: usize = 500;
/// The price of one payment, in micro-credits: a hundredth of a credit.
const PRICE_MICRO: u64 = 10_000;

/// The parameters of the route `match`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Job {
    pub(crate) payments: Vec<Item>,
    invoices: Vec<Item>,
}

/// A payment or an invoice.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Item {
    /// The client's own name for it.
    id: String,
    pub(crate) cents: u64,
}

/// For each payment so far the places of the invoices that it is for: none where none fit.
pub(crate) type Found = Vec<Vec<usize>>;

impl Job {
    pub(crate) fn of(request: &Request) -> Result<Self, Failure> {
        let job: Self = match request.route.as_str() {
            "match" => request.params()?,
            _ => return Err(request.unknown_route(&["match"])),
        };
        check("payments", &job.payments, PAYMENTS_MAX)?;
        check("invoices", &job.invoices, INVOICES_MAX)?;
        Ok(job)
    }

    pub(crate) fn price(&self) -> Credits {
        Credits::from_micro(PRICE_MICRO * self.payments.len() as u64)
    }

    /// The invoices that no payment has been found for yet.
    pub(crate) fn open_invoices(&self, found: &Found) -> Vec<Open> {
        let is_open = |place: &usize| !found.iter().flatten().any(|paid| paid == place);
        let open = |place: usize| Open { place, cents: self.invoices[place].cents };
        (0..self.invoices.len()).filter(is_open).map(open).collect()
    }

    /// The matches as the client reads them.
    pub(crate) fn matches(&self, found: &Found) -> Json {
        let ids = |places: &Vec<usize>| self.ids(places.iter().copied());
        let line = |(payment, places): (&Item, _)| json!({ "payment": payment.id, "invoices": ids(places) });
        self.payments.iter().zip(found).map(line).collect()
    }

    /// The invoices that are still open, as the client reads them.
    pub(crate) fn open_ids(&self, found: &Found) -> Json {
        self.ids(self.open_invoices(found).iter().map(|open| open.place)).into()
    }

    fn ids(&self, places: impl Iterator<Item = usize>) -> Vec<&str> {
        places.map(|place| &*self.invoices[place].id).collect()
    }
}

fn check(name: &str, items: &[Item], max: usize) -> Result<(), Failure> {
    if (1..=max).contains(&items.len()) {
        return Ok(());
    }
    let count = items.len();
    Err(Failure::UserError(format!("params.{name}: there are {count}; a job has 1 to {max}")))
}

#[cfg(test)]
mod tests {
    use stokehold_sdk::{Failure, Request, json};

    use super::Job;

    fn job(payments: usize, invoices: usize) -> Result<Job, Failure> {
        let items = |count| vec![json!({ "id": "x", "cents": 100 }); count];
        Job::of(&Request {
            call_id: "call".into(),
            route: "match".into(),
            params: json!({ "payments": items(payments), "invoices": items(invoices) }).to_string(),
            client_id: "client".into(),
        })
    }

    #[test]
    fn a_payment_is_a_hundredth() {
        assert_eq!(job(37, 100).expect("a job").price().to_string(), "0.37");
    }

    #[test]
    fn a_job_has_its_bounds() {
        for (payments, invoices) in [(0, 1), (1, 0), (501, 1), (1, 101)] {
            assert!(matches!(job(payments, invoices), Err(Failure::UserError(_))));
        }
    }

    #[test]
    fn an_invoice_is_paid_once() {
        let job = job(2, 3).expect("a job");
        let open: Vec<_> =
            job.open_invoices(&vec![vec![1], vec![]]).iter().map(|open| open.place).collect();
        assert_eq!(open, [0, 2]);
    }
}
