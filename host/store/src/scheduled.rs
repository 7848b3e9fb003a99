//! The queue under a scheduler: the file that the store runs, with another's locks, in many orders.

use std::time::Duration;

use shuttle::{check_dfs, check_pct, sync::Arc, thread};

#[expect(clippy::duplicate_mod, reason = "the same file, with other locks")]
#[path = "queue.rs"]
mod queue;

use queue::{Queue, Rejected};

/// What the queue locks and waits with, all of it the scheduler's.
mod sync {
    pub(super) use std::sync::PoisonError;

    pub(super) use shuttle::sync::{Condvar, Mutex, MutexGuard};
}

/// Takes until the queue is closed and empty.
fn take_all<T>(queue: &Queue<T>) -> Vec<T> {
    let (mut all, mut taken) = (Vec::new(), Vec::new());
    while queue.take(&mut taken) {
        all.append(&mut taken);
    }
    assert!(queue.is_empty() && queue.closes_within(Duration::ZERO));
    all
}

#[test]
fn nobody_waits_for_ever_in_any_order() {
    let two_and_an_end = || {
        let queue = Arc::new(Queue::new(2));
        let push = |item| {
            let queue = queue.clone();
            thread::spawn(move || queue.push(item).expect("there is room"))
        };
        let pushing = [push(1), push(2)];
        let taking = {
            let queue = queue.clone();
            thread::spawn(move || take_all(&queue))
        };
        for pushed in pushing {
            pushed.join().expect("no panic");
        }
        queue.close();
        let mut all = taking.join().expect("no panic");
        all.sort_unstable();
        assert_eq!(all, [1, 2]);
    };
    check_dfs(two_and_an_end, Some(100_000));
}

#[test]
fn all_that_is_let_in_is_taken_once_and_in_order() {
    let many = || {
        let queue = Arc::new(Queue::new(3));
        let pushing: Vec<_> = (0..3)
            .map(|of| {
                let queue = queue.clone();
                thread::spawn(move || {
                    let mut let_in = Vec::new();
                    for number in 0..4 {
                        match queue.push((of, number)) {
                            Ok(()) => let_in.push((of, number)),
                            Err(Rejected::Full) => thread::yield_now(),
                            Err(Rejected::Closed) => break,
                        }
                    }
                    let_in
                })
            })
            .collect();
        let closing = {
            let queue = queue.clone();
            thread::spawn(move || queue.close())
        };
        let all = take_all(&queue);
        for (of, pushed) in pushing.into_iter().enumerate() {
            let of_one = all.iter().copied().filter(|(from, _)| *from == of);
            assert_eq!(of_one.collect::<Vec<_>>(), pushed.join().expect("no panic"));
        }
        closing.join().expect("no panic");
        assert_eq!(queue.push((9, 9)), Err(Rejected::Closed));
    };
    check_pct(many, 3_000, 4);
}
