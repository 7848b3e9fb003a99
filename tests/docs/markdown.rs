//! What the tests need to know of Markdown.

/// A fenced block.
#[derive(Debug)]
pub(crate) struct Block {
    /// What stands after the fence: the language, and what it is for.
    pub(crate) info: String,
    /// Its lines.
    pub(crate) text: String,
    /// The line of its fence, from 1.
    pub(crate) line: usize,
}

impl Block {
    /// The file that its fence names, as `hello/src/lib.rs` in ```` ```rust hello/src/lib.rs ````.
    pub(crate) fn file(&self) -> Option<&str> {
        self.info.split_once(' ').map(|(_, file)| file).filter(|file| file.contains('.'))
    }
}

/// Every fenced block, and the lines that are in none, each with its number.
pub(crate) fn split(text: &str) -> (Vec<Block>, Vec<(usize, &str)>) {
    let (mut blocks, mut prose) = (Vec::new(), Vec::new());
    let mut open: Option<Block> = None;
    for (line, text) in (1..).zip(text.lines()) {
        match (&mut open, text.strip_prefix("```")) {
            (None, Some(info)) => {
                open = Some(Block { info: info.to_owned(), text: String::new(), line });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (Some(block), None) => block.text.extend([text, "\n"]),
            (None, None) => prose.push((line, text)),
        }
    }
    (blocks, prose)
}

/// The anchor that a heading gets on the web.
pub(crate) fn anchor(heading: &str) -> String {
    let kept = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    heading.trim().to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")
}

#[test]
fn blocks_and_prose_are_told_apart() {
    let (blocks, prose) = split("# A\n```sh tour\nb\n```\nc\n");
    assert_eq!((blocks[0].info.as_str(), blocks[0].text.as_str()), ("sh tour", "b\n"));
    assert_eq!(prose, [(1, "# A"), (5, "c")]);
    assert_eq!(anchor(" What is `not` there, yet"), "what-is-not-there-yet");
}
