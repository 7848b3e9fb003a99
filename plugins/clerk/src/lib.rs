//! The clerk gets a heap of payments and a heap of invoices, and finds out which belong together.
//!
//! That can take minutes. Clients queue the job with `Prefer: respond-async`, follow its progress,
//! and may cancel it. What the clerk has found is kept for a client who cancelled, or whose job the
//! host's stop has ended: the same job goes on from there. Only a finished job is charged.

mod job;
mod matching;
mod notebook;

use stokehold_sdk::{Failure, Json, Quote, Request, Service, charge, json, log};

use crate::job::Job;
use crate::notebook::Notebook;

/// After so many payments the notebook is written: a stop costs little work, and writing costs
/// little beside it.
const PAYMENTS_BETWEEN_NOTES: usize = 20;

struct Clerk;

impl Service for Clerk {
    fn quote(request: &Request) -> Result<Quote, Failure> {
        let job = Job::of(request)?;
        Ok(Quote::of(job.price(), format!("{} payments to match", job.payments.len())))
    }

    fn handle(request: &Request) -> Result<Json, Failure> {
        let job = Job::of(request)?;
        let notebook = Notebook::open(request)?;
        let mut found = notebook.read()?;
        let resumed_at = found.len();
        for (number, payment) in job.payments.iter().enumerate().skip(resumed_at) {
            report(number, job.payments.len());
            let open = job.open_invoices(&found);
            found.push(matching::find(payment.cents, &open).unwrap_or_default());
            if found.len() % PAYMENTS_BETWEEN_NOTES == 0 {
                notebook.write(&found);
            }
        }
        notebook.clear()?;
        if resumed_at > 0 {
            log::info(&format!("went on after {resumed_at} payments of an earlier call"));
        }
        Ok(json!({ "matches": job.matches(&found), "open_invoices": job.open_ids(&found) }))
    }
}

/// Tells those who listen how far the work is.
#[expect(clippy::cast_precision_loss, reason = "a few hundred payments")]
fn report(done: usize, count: usize) {
    charge::progress(done as f32 / count as f32, &format!("{done} of {count} payments"));
}

stokehold_sdk::export!(Clerk);
