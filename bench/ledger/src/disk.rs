//! How long the disk takes to make a write durable.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::Result;

use crate::figure::percentile_us;

/// One page of a database.
const PAGE_BYTES: usize = 4096;
/// Pages of the file that is overwritten, as a log that is reused is.
const PAGES: u64 = 256;
/// How many writes one measurement takes.
const WRITES: u64 = 500;

/// How long it took to write 4 KiB and have it on the disk: `write`, then `fdatasync`.
#[derive(Default)]
pub(crate) struct Disk {
    took: Vec<Duration>,
}

impl Disk {
    /// Measures once more, on the file system of `directory`.
    pub(crate) fn measure(&mut self, directory: &Path) -> Result<()> {
        let file = File::create(directory.join("disk"))?;
        let page = [0x5a; PAGE_BYTES];
        let offset = |write: u64| (write % PAGES) * 4096;
        for write in 0..PAGES {
            file.write_all_at(&page, offset(write))?;
        }
        file.sync_all()?;
        for write in 0..WRITES {
            let start = Instant::now();
            file.write_all_at(&page, offset(write))?;
            file.sync_data()?;
            self.took.push(start.elapsed());
        }
        Ok(())
    }

    /// The `percent`-th percentile, in microseconds.
    pub(crate) fn percentile_us(&self, percent: usize) -> f64 {
        percentile_us(&mut self.took.clone(), percent)
    }
}
