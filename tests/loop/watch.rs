//! `run --watch`: a save builds and runs the project again.

use std::fs::{self, Permissions};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use stokehold_tests::binary;
use stokehold_tests::guest::Guest;

use crate::project::Project;

/// Stands in for a compiler of JavaScript: what it makes is the component beside the source, if the
/// source is what it has to be.
const COMPILER: &str = "#!/bin/sh
grep -q good index.js || { echo 'index.js is not good' >&2; exit 1; }
while [ \"$1\" != -o ]; do shift; done
cp next \"$2\"
";

/// A component that answers with this digit.
fn saying(digit: char) -> Vec<u8> {
    let fields = format!("(data (i32.const 128) \"{digit}\")");
    let handle = "(call $answer (i32.const 128) (i32.const 1))";
    Guest { fields: &fields, handle, ..Guest::default() }.component()
}

/// The program, killed when this is dropped.
struct Watching(Child);

impl Drop for Watching {
    fn drop(&mut self) {
        // One that has ended already cannot be killed, and need not be.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_save_builds_and_runs_again() {
    let project = Project::new(&saying('0'), "");
    let compiler = "node_modules/.bin/componentize-qjs";
    project.write(compiler, COMPILER);
    fs::set_permissions(project.file(compiler), Permissions::from_mode(0o755)).expect("it is one");
    project.write("package.json", "{}");
    project.write("index.js", "good");
    project.write("next", saying('1'));

    let mut command = binary::command(&["run", project.path(), "any", "--watch"]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut watching = Watching(command.spawn().expect("the program starts"));
    let mut results = BufReader::new(watching.0.stdout.take().expect("a pipe")).lines();
    let mut result = || results.next().expect("a line").expect("text");
    let mut said = BufReader::new(watching.0.stderr.take().expect("a pipe")).lines();
    let mut said_until_it_waits = || {
        let mut heard = String::new();
        while !heard.contains("waiting for a file to be saved") {
            heard += &said.next().expect("it goes on").expect("text");
        }
        heard
    };

    assert_eq!(result(), "1");
    said_until_it_waits();
    project.write("next", saying('2'));
    assert_eq!(result(), "2");
    said_until_it_waits();
    project.write("index.js", "bad");
    let heard = said_until_it_waits();
    assert!(heard.contains("index.js is not good") && heard.contains("cannot be built"), "{heard}");
    project.write("index.js", "good again");
    assert_eq!(result(), "2", "what failed is no end");
    said_until_it_waits();

    kill_process(Pid::from_child(&watching.0), Signal::INT).expect("it is asked to stop");
    assert_eq!(watching.0.wait().expect("it has ended").code(), Some(0));
}
