//! What a run says while it runs, up to a limit.

use std::collections::BTreeMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc::UnboundedSender;

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
    listener: Option<UnboundedSender<String>>,
    /// What is not shown, by name.
    secrets: Arc<BTreeMap<String, String>>,
}

/// A stream that writes to the log.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Out,
    Err,
}

impl Log {
    pub(crate) fn new(
        bytes_max: usize,
        listener: Option<UnboundedSender<String>>,
        secrets: Arc<BTreeMap<String, String>>,
    ) -> Self {
        Log(Arc::new(Mutex::new(Lines {
            kept: Vec::new(),
            bytes_left: bytes_max,
            bytes_max,
            cut: false,
            unfinished: [Vec::new(), Vec::new()],
            listener,
            secrets,
        })))
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
        let line = &self.without_secrets(line);
        // A line end each, so that empty lines use the limit up as well.
        if let Some(left) = self.bytes_left.checked_sub(line.len() + 1) {
            self.bytes_left = left;
            self.keep(line.replace(char::is_control, " "));
        } else {
            self.cut = true;
            let bytes_max = self.bytes_max;
            self.keep(format!("[log cut: it is limited to {bytes_max} bytes]"));
        }
    }

    /// The line with names in the place of secrets. That mends a slip; a guest that means to tell
    /// writes them another way.
    fn without_secrets(&self, line: &str) -> String {
        self.secrets.iter().fold(line.to_owned(), |line, (name, secret)| {
            if line.contains(secret) {
                line.replace(secret, &format!("[secret {name}]"))
            } else {
                line
            }
        })
    }

    fn keep(&mut self, line: String) {
        if let Some(listener) = &self.listener {
            // Who no longer listens misses nothing: the line is kept.
            let _ = listener.send(line.clone());
        }
        self.kept.push(line);
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
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::{Log, Stream};

    #[test]
    fn keeps_lines_up_to_its_limit_and_says_when_it_cuts() {
        let (listener, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let log = Log::new(8, Some(listener), Arc::default());
        for line in ["abc", "d\ne", "f", ""] {
            log.push(line);
        }
        let lines = log.into_lines();
        assert_eq!(lines, ["abc", "d e", "[log cut: it is limited to 8 bytes]"]);
        assert_eq!(std::iter::from_fn(|| heard.try_recv().ok()).collect::<Vec<_>>(), lines);
    }

    #[test]
    fn streams_are_kept_line_by_line() {
        let log = Log::new(100, None, Arc::default());
        log.write(Stream::Out, b"one\ntw");
        log.write(Stream::Err, b"oh\n\n");
        log.write(Stream::Out, b"o\nthree");
        assert_eq!(log.into_lines(), ["one", "oh", "", "two", "three"]);
    }

    #[test]
    fn a_secret_is_not_shown() {
        let secrets = BTreeMap::from([("key".to_owned(), "hunter2".to_owned())]);
        let log = Log::new(100, None, Arc::new(secrets));
        log.push("with hunter2 and hunter2");
        log.write(Stream::Out, b"hun");
        log.write(Stream::Out, b"ter2\n");
        assert_eq!(log.into_lines(), ["with [secret key] and [secret key]", "[secret key]"]);
    }

    #[test]
    fn a_line_without_an_end_is_cut() {
        let log = Log::new(8, None, Arc::default());
        for _ in 0..5 {
            log.write(Stream::Out, b"12345");
        }
        assert_eq!(log.into_lines(), ["[log cut: it is limited to 8 bytes]"]);
    }
}
