//! What a run says while it runs, up to a limit.

/// Lines up to a number of bytes; then one more that says that the rest is missing.
#[derive(Debug)]
pub(crate) struct Log {
    lines: Vec<String>,
    bytes_left: usize,
    bytes_max: usize,
    cut: bool,
}

impl Log {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Log { lines: Vec::new(), bytes_left: bytes_max, bytes_max, cut: false }
    }

    /// Keeps one line. What would break or forge lines, control characters, becomes spaces.
    pub(crate) fn push(&mut self, line: &str) {
        if self.cut {
            return;
        }
        // A line end each, so that empty lines use the limit up as well.
        if let Some(left) = self.bytes_left.checked_sub(line.len() + 1) {
            self.bytes_left = left;
            self.lines.push(line.replace(char::is_control, " "));
        } else {
            self.cut = true;
            let bytes_max = self.bytes_max;
            self.lines.push(format!("[log cut: it is limited to {bytes_max} bytes]"));
        }
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
        let mut log = Log::new(8);
        for line in ["abc", "d\ne", "f", ""] {
            log.push(line);
        }
        assert_eq!(log.into_lines(), ["abc", "d e", "[log cut: it is limited to 8 bytes]"]);
    }
}
