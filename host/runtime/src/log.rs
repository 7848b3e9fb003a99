//! What a run says while it runs, up to a limit.

use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Lines up to a number of bytes; then one more that says that the rest is missing. Shared with
/// the guest's standard streams.
#[derive(Clone, Debug)]
pub(crate) struct Log(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    kept: Vec<String>,
    bytes_left: usize,
    bytes_max: usize,
    cut: bool,
    /// Lines of the standard streams that have not ended yet.
    unfinished: [Vec<u8>; 2],
}

/// A stream that writes to the log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Log {
    pub(crate) fn new(bytes_max: usize) -> Self {
        let unfinished = [Vec::new(), Vec::new()];
        let lines =
            Lines { kept: Vec::new(), bytes_left: bytes_max, bytes_max, cut: false, unfinished };
        Log(Arc::new(Mutex::new(lines)))
    }

    /// Keeps one line. What would break or forge lines, control characters, becomes spaces.
    pub(crate) fn push(&self, line: &str) {
        self.lines().push(line);
    }

    /// Keeps what a stream says, line by line.
    pub(crate) fn write(&self, stream: Stream, bytes: &[u8]) {
        let lines = &mut *self.lines();
        for part in bytes.split_inclusive(|byte| *byte == b'\n') {
            let unfinished = &mut lines.unfinished[stream as usize];
            unfinished.extend_from_slice(part);
            let is_whole = part.ends_with(b"\n");
            // A line that never ends is cut like a log that is too long.
            if is_whole || unfinished.len() > lines.bytes_left {
                lines.finish(stream);
            }
        }
    }

    /// The lines, those that have not ended as well. Nothing is kept after that.
    pub(crate) fn into_lines(self) -> Vec<String> {
        let mut lines = self.lines();
        lines.finish(Stream::Out);
        lines.finish(Stream::Err);
        mem::take(&mut lines.kept)
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lines {
    fn push(&mut self, line: &str) {
        if self.cut {
            return;
        }
        // A line end each, so that empty lines use the limit up as well.
        if let Some(left) = self.bytes_left.checked_sub(line.len() + 1) {
            self.bytes_left = left;
            self.kept.push(line.replace(char::is_control, " "));
        } else {
            self.cut = true;
            let bytes_max = self.bytes_max;
            self.kept.push(format!("[log cut: it is limited to {bytes_max} bytes]"));
        }
    }

    fn finish(&mut self, stream: Stream) {
        let line = mem::take(&mut self.unfinished[stream as usize]);
        if !line.is_empty() {
            let line = String::from_utf8_lossy(&line);
            self.push(line.strip_suffix('\n').unwrap_or(&line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Log, Stream};

    #[test]
    fn keeps_lines_up_to_its_limit_and_says_when_it_cuts() {
        let log = Log::new(8);
        for line in ["abc", "d\ne", "f", ""] {
            log.push(line);
        }
        assert_eq!(log.into_lines(), ["abc", "d e", "[log cut: it is limited to 8 bytes]"]);
    }

    #[test]
    fn streams_are_kept_line_by_line() {
        let log = Log::new(100);
        log.write(Stream::Out, b"one\ntw");
        log.write(Stream::Err, b"oh\n\n");
        log.write(Stream::Out, b"o\nthree");
        assert_eq!(log.into_lines(), ["one", "oh", "", "two", "three"]);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let log = Log::new(8);
        for _ in 0..5 {
            log.write(Stream::Out, b"12345");
        }
        assert_eq!(log.into_lines(), ["[log cut: it is limited to 8 bytes]"]);
    }
}
