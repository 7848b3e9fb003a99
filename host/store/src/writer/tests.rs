//! The writer on a database that fails where it is told to.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};

use stokehold_ledger::Refusal;

use super::*;
use crate::db::Db;
use crate::job::Reply;

/// What a database does with the next group, or the next time it is opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    Commits,
    /// It rolls back, and says so.
    Undoes,
    /// It commits, and the answer is lost.
    CommitsUnseen,
    /// It is gone before it commits.
    Vanishes,
    /// It is gone before anybody has spoken of a commit.
    Ends,
    /// It cannot be opened.
    StaysAway,
}

/// A database that is a list of what was committed, and follows a script; after its end it commits.
struct Scripted {
    script: VecDeque<Does>,
    fence: Timestamp,
    attempted: Timestamp,
    committed: Arc<Mutex<Vec<usize>>>,
    gate: Receiver<()>,
}

impl Backend for Scripted {
    const COLD_TOGETHER: bool = true;

    fn attempt(&mut self, group: &mut Group, now: Timestamp) -> Result<(), Failure> {
        // Until somebody opens the gate everything gathers.
        let _ = self.gate.recv();
        let db = rusqlite::Connection::open_in_memory().expect("a connection");
        for job in group.cold() {
            job.run(Db::Sqlite(&db), now);
        }
        self.attempted = now;
        let does = self.script.pop_front().unwrap_or(Does::Commits);
        if matches!(does, Does::Commits | Does::CommitsUnseen) {
            self.fence = now;
            self.committed.lock().expect("no panic").push(group.len());
        }
        match does {
            Does::Commits => Ok(()),
            Does::Undoes => Err(Failure::Undone(Error::Corrupt("undone".into()))),
            Does::Ends => Err(Failure::Lost(Error::Corrupt("gone".into()))),
            _ => Err(Failure::Unknown(Error::Corrupt("lost".into()))),
        }
    }

    fn reopen(&mut self) -> Result<bool, Error> {
        if self.script.front() == Some(&Does::StaysAway) {
            self.script.pop_front();
            return Err(Error::Corrupt("not there".into()));
        }
        Ok(self.fence >= self.attempted)
    }

    fn tidy(&mut self, _: bool) {}
}

struct Bench {
    writer: Writer,
    committed: Arc<Mutex<Vec<usize>>>,
    /// Lets so many groups pass as are sent; all of them once it is dropped.
    gate: Option<Sender<()>>,
}

impl Bench {
    fn new(script: &[Does]) -> Self {
        let committed = Arc::new(Mutex::new(Vec::new()));
        let (open, gate) = channel();
        let backend = Scripted {
            script: script.iter().copied().collect(),
            fence: Timestamp(0),
            attempted: Timestamp(0),
            committed: committed.clone(),
            gate,
        };
        let clock = Arc::new(Clock::start(Timestamp(0), None));
        let writer = Writer::start(backend, clock).expect("a writer");
        Self { writer, committed, gate: Some(open) }
    }

    fn write(&self, answer: Result<u8, Refusal>) -> Reply<u8> {
        let (job, reply) = Job::cold(move |_, _| Ok(answer?));
        self.writer.push(job).expect("there is room");
        reply
    }

    /// What becomes of a write of three that share a group, after one that keeps the writer busy.
    fn three(mut self) -> ([Result<u8, Error>; 3], Vec<usize>) {
        let first = self.write(Ok(0));
        let gate = self.gate.take().expect("it is closed");
        // Whether it is of the first group or of the next, the three are together.
        let three = [self.write(Ok(1)), self.write(Err(Refusal::NotDue)), self.write(Ok(3))];
        drop(gate);
        first.blocking_recv().expect("an answer").expect("it is written");
        let answers = three.map(|reply| reply.blocking_recv().expect("an answer"));
        let committed = self.committed.lock().expect("no panic").clone();
        (answers, committed)
    }
}

fn answered(answers: &[Result<u8, Error>; 3]) -> bool {
    matches!(answers, [Ok(1), Err(Error::Refused(Refusal::NotDue)), Ok(3)])
}

#[test]
fn a_commit_whose_answer_was_lost_is_found_and_answered_once() {
    for script in [
        &[Does::CommitsUnseen, Does::CommitsUnseen][..],
        &[Does::CommitsUnseen, Does::StaysAway, Does::StaysAway, Does::CommitsUnseen],
    ] {
        let (answers, committed) = Bench::new(script).three();
        assert!(answered(&answers), "{answers:?}");
        assert_eq!(committed.iter().sum::<usize>(), 4, "nothing twice: {committed:?}");
    }
}

#[test]
fn a_commit_that_did_not_take_place_is_done_again() {
    let script =
        [Does::Vanishes, Does::StaysAway, Does::Commits, Does::Vanishes, Does::CommitsUnseen];
    let (answers, committed) = Bench::new(&script).three();
    assert!(answered(&answers), "{answers:?}");
    assert_eq!(committed.iter().sum::<usize>(), 4, "nothing twice: {committed:?}");
}

#[test]
fn what_fails_twice_is_answered_as_not_written_and_the_next_is_written() {
    let mut bench = Bench::new(&[Does::Vanishes, Does::Vanishes]);
    bench.gate = None;
    let lost = bench.write(Err(Refusal::NotDue)).blocking_recv().expect("an answer");
    // The refusal may rest on what is not there any more.
    assert!(matches!(lost, Err(Error::NotWritten)), "{lost:?}");
    let next = bench.write(Ok(7)).blocking_recv().expect("an answer");
    assert_eq!(next.ok(), Some(7));
    assert!(bench.writer.is_well());
}

#[test]
fn what_is_not_known_is_told_apart_from_what_was_not_written() {
    for (does, is_known) in [(Does::Ends, true), (Does::Vanishes, false)] {
        let script = [&[does][..], &[Does::StaysAway; 100]].concat();
        let mut bench = Bench::new(&script);
        let first = bench.write(Ok(0));
        let rest: Vec<_> = (1..10).map(|number| bench.write(Ok(number))).collect();
        bench.gate = None;
        // It does not come back while the writer is there.
        drop(bench);
        let first = first.blocking_recv().expect("an answer");
        match first {
            Err(Error::NotWritten) => assert!(is_known),
            Err(Error::OutcomeUnknown) => assert!(!is_known),
            other => panic!("{other:?}"),
        }
        for reply in rest {
            let answer = reply.blocking_recv().expect("an answer");
            let is_told = matches!(answer, Err(Error::NotWritten | Error::OutcomeUnknown));
            assert!(is_told, "{answer:?}");
        }
    }
}

#[test]
fn each_of_a_group_that_was_undone_is_done_alone() {
    let script = [Does::Undoes; 2];
    let mut bench = Bench::new(&script);
    let gate = bench.gate.take().expect("it is closed");
    let replies: Vec<_> = (0..5).map(|number| bench.write(Ok(number))).collect();
    drop(gate);
    let answers: Vec<_> = replies.into_iter().map(|reply| reply.blocking_recv()).collect();
    let written = answers.iter().filter(|answer| matches!(answer, Ok(Ok(_)))).count();
    let undone =
        answers.iter().filter(|answer| matches!(answer, Ok(Err(Error::Corrupt(_))))).count();
    // Of a group of its own the first is undone at once; the others once together, and then alone.
    assert_eq!((written + undone, undone <= 1), (5, true), "{answers:?}");
    assert!(bench.committed.lock().expect("no panic").contains(&1));
}

#[test]
fn who_waits_when_the_writer_ends_is_told() {
    let mut bench = Bench::new(&[]);
    let waiting: Vec<_> = (0..10).map(|number| bench.write(Ok(number))).collect();
    bench.gate = None;
    drop(bench);
    for reply in waiting {
        let answer = reply.blocking_recv().expect("an answer");
        assert!(answer.is_ok(), "{answer:?}");
    }
}
