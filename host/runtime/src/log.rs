//! What a run says while it runs, up to a limit.

use tokio::sync::mpsc::UnboundedSender;

/// Lines up to a number of bytes; then one more that says that the rest is missing.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Vec<String>,
    bytes_left: usize,
    bytes_max: usize,
    cut: bool,
    listener: Option<UnboundedSender<String>>,
}

impl Log {
    pub(crate) fn new(bytes_max: usize, listener: Option<UnboundedSender<String>>) -> Self {
        Log { lines: Vec::new(), bytes_left: bytes_max, bytes_max, cut: false, listener }
    }

    /// Keeps one line. What would break or forge lines, control characters, becomes spaces.
    pub(crate) fn push(&mut self, line: &str) {
        if self.cut {
            return;
        }
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

    fn keep(&mut self, line: String) {
        if let Some(listener) = &self.listener {
            // Who no longer listens misses nothing: the line is kept.
            let _ = listener.send(line.clone());
        }
        self.lines.push(line);
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines
    }
}

#[cfg(test)]
mod tests {
    use super::Log;

    #[test]
    fn keeps_lines_up_to_its_limit_and_says_when_it_cuts() {
        let (listener, mut heard) = tokio::sync::mpsc::unbounded_channel();
        let mut log = Log::new(8, Some(listener));
        for line in ["abc", "d\ne", "f", ""] {
            log.push(line);
        }
        let lines = log.into_lines();
        assert_eq!(lines, ["abc", "d e", "[log cut: it is limited to 8 bytes]"]);
        assert_eq!(std::iter::from_fn(|| heard.try_recv().ok()).collect::<Vec<_>>(), lines);
    }
}
