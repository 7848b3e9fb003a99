//! What the clerk has found so far, kept so that a job can be gone on with.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use stokehold_sdk::keyvalue::Bucket;
use stokehold_sdk::{Failure, Request, log};

use crate::job::Found;

/// The page of one client. It holds the client's last job only, so that jobs that nobody came back
/// for do not pile up.
pub(crate) struct Notebook<'a> {
    bucket: Bucket,
    client_id: &'a str,
    job: [u8; 32],
}

/// What stands on a page.
#[derive(Deserialize, Serialize)]
struct Page {
    /// A digest of the job's parameters.
    job: [u8; 32],
    found: Found,
}

impl<'a> Notebook<'a> {
    pub(crate) fn open(request: &'a Request) -> Result<Self, Failure> {
        let job = Sha256::digest(&request.params).into();
        Ok(Self { bucket: Bucket::open()?, client_id: &request.client_id, job })
    }

    /// What was found of this job in earlier calls.
    pub(crate) fn read(&self) -> Result<Found, Failure> {
        let page = self.bucket.get(self.client_id)?;
        let page = page.and_then(|page| serde_json::from_slice::<Page>(&page).ok());
        Ok(page.filter(|page| page.job == self.job).map(|page| page.found).unwrap_or_default())
    }

    /// Keeps what was found. A bucket that is full stops nobody: the job only starts anew then,
    /// should it be interrupted.
    pub(crate) fn write(&self, found: &Found) {
        let page = Page { job: self.job, found: found.clone() };
        let kept = serde_json::to_vec(&page).map_err(|error| error.to_string()).and_then(|page| {
            self.bucket.set(self.client_id, &page).map_err(|error| error.to_string())
        });
        if let Err(error) = kept {
            log::warn(&format!("nothing was noted: {error}"));
        }
    }

    /// Forgets the job, once it is done.
    pub(crate) fn clear(&self) -> Result<(), Failure> {
        Ok(self.bucket.delete(self.client_id)?)
    }
}
