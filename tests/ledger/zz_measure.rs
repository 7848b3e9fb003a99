//! Throw-away measurement.
use std::sync::Arc;
use std::time::Instant;
use stokehold_store::{Mode, NewHold, Once};
use tokio::task::JoinSet;
use crate::fixture::*;

fn cpu() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let rest: Vec<&str> = stat[stat.rfind(')').unwrap() + 2..].split(' ').collect();
    (rest[11].parse::<f64>().unwrap() + rest[12].parse::<f64>().unwrap()) / 100.0
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn zz_measure() {
    let Some(dir) = std::env::var_os("MEASURE_DIR") else { return };
    let accounts: usize = std::env::var("ACCOUNTS").map_or(1000, |v| v.parse().unwrap());
    let keyed = std::env::var("KEYED").is_ok();
    let dir = std::path::PathBuf::from(dir);
    let _ = std::fs::remove_dir_all(&dir);
    let store = Arc::new(try_open(&dir, Mode::Sandbox, SEED).unwrap());
    let service = service(&store, "coal").await;
    let mut set = JoinSet::new();
    for n in 0..accounts {
        let store = store.clone();
        set.spawn(async move {
            let t = token(&format!("account{n}"));
            store.grant(service, &t, credits(1_000_000_000_000_000), "x".into(), None).await.unwrap();
        });
        if n % 4096 == 4095 { while set.join_next().await.is_some() {} }
    }
    while set.join_next().await.is_some() {}
    let tokens: Arc<Vec<_>> = Arc::new((0..accounts).map(|n| token(&format!("account{n}"))).collect());
    for (hot, flight) in std::env::var("FLIGHTS").map_or(vec![(false, 16), (false, 64), (false, 1024), (true, 16), (true, 64), (true, 1024), (false, 1), (false, 256)], |v| v.split(",").map(|f| (f.starts_with("h"), f.trim_start_matches("h").parse::<usize>().unwrap())).collect()) {
        let seconds = 4.0;
        stokehold_store::counts(); let (c0, t0) = (cpu(), Instant::now());
        let mut set = JoinSet::new();
        for task in 0..flight {
            let (store, tokens) = (store.clone(), tokens.clone());
            set.spawn(async move {
                let mut ops = 0_u64;
                let mut at: usize = task * 7919;
                while t0.elapsed().as_secs_f64() < seconds {
                    at = at.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                    let account = if hot { &tokens[0] } else { &tokens[(at >> 33) % tokens.len()] };
                    let repeat = keyed.then(|| { let mut key=[0_u8;32]; key[..16].copy_from_slice(uuid::Uuid::now_v7().as_bytes()); key.rotate_left(9); Once{key, fingerprint:key}});
                    let h = store.authorize(NewHold { repeat, ..new_hold(service, account, 5) }).await.unwrap();
                    store.capture(service, h, None).await.unwrap();
                    ops += 2;
                }
                ops
            });
        }
        let ops: u64 = set.join_all().await.iter().sum();
        let (c, t) = (cpu() - c0, t0.elapsed().as_secs_f64());
        let (g, j) = stokehold_store::counts(); println!("group {:.1} hot={hot} flight={flight}: {:.0} ops/s, {:.2} us CPU/op", j as f64 / g as f64, ops as f64 / t, c * 1e6 / ops as f64);
    }
    let t0 = Instant::now();
    assert_clean(&store).await;
    println!("verify {:?}", t0.elapsed());
}
