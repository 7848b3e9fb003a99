//! What metering costs.

use std::hint::black_box;
use std::time::{Duration, Instant};

use anyhow::Result;
use pbkdf2::pbkdf2_hmac_array;
use sha2::Sha512;

use crate::bare::{Bare, Meter};
use crate::figure::{in_turns, median};
use crate::report::Section;

/// Hashes of one sample.
const HASHES: u64 = 8;
/// Rounds of one hash, as the coal roller has them.
const ROUNDS: u32 = 25_000;
/// How often one sample mills its JSON.
const MILLINGS: u32 = 10;

/// One way to do the work.
struct Subject {
    name: &'static str,
    bare: Option<Bare>,
}

/// What one sample has taken, in milliseconds.
struct Sample {
    rolling_ms: f64,
    /// 0 where it cannot be compared.
    milling_ms: f64,
}

/// What is told of a sample.
type Figure = fn(&Sample) -> f64;

/// Measures hashing, and milling a mebibyte of JSON, with each kind of meter; hashing natively too.
pub(crate) fn measure(rounds: u32) -> Result<Section> {
    let columns = &["hashing_ms", "hashing_speed", "json_ms", "json_speed"];
    let mut section = Section::new(columns);
    let bare = |meter| Bare::new(meter).map(Some).map_err(|error| told(&error));
    let subjects = [
        Subject { name: "native", bare: None },
        Subject { name: "unmetered", bare: bare(Meter::None)? },
        Subject { name: "fuel", bare: bare(Meter::Fuel)? },
        Subject { name: "fuel and epochs", bare: bare(Meter::FuelAndEpochs)? },
    ];
    let json = json();
    let threads = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let samples = in_turns(&subjects, rounds, |subject| threads.block_on(sample(subject, &json)))?;
    let unmetered = &samples[1];
    for (subject, samples) in subjects.iter().zip(&samples) {
        let of = |figure: Figure| median(samples.iter().map(figure).collect());
        // The median of each round's ratio: what disturbs a round disturbs both.
        let speed = |figure: Figure| {
            let ratios = samples.iter().zip(unmetered);
            median(ratios.map(|(one, other)| figure(other) / figure(one)).collect())
        };
        let rolling: Figure = |sample| sample.rolling_ms;
        let milling: Figure = |sample| sample.milling_ms;
        let mut figures = vec![of(rolling), speed(rolling)];
        if subject.bare.is_some() {
            figures.extend([of(milling), speed(milling)]);
        }
        section.add(subject.name, figures);
    }
    Ok(section)
}

async fn sample(subject: &Subject, json: &str) -> Result<Sample> {
    let Some(bare) = &subject.bare else {
        return Ok(Sample { rolling_ms: millis(natively()), milling_ms: 0.0 });
    };
    let rolling_ms = millis(bare.roll(HASHES).await.map_err(|error| told(&error))?);
    let mut milling = Duration::ZERO;
    for _ in 0..MILLINGS {
        milling += bare.mill(json).await.map_err(|error| told(&error))?;
    }
    Ok(Sample { rolling_ms, milling_ms: millis(milling) / f64::from(MILLINGS) })
}

/// The same hashes without WebAssembly.
fn natively() -> Duration {
    let start = Instant::now();
    for number in 0..HASHES {
        let salt = number.to_le_bytes();
        let hash = pbkdf2_hmac_array::<Sha512, 64>(b"coal-fire-heat-soot", &salt, ROUNDS);
        black_box(hash);
    }
    start.elapsed()
}

/// About a mebibyte of what documents have: names, numbers, texts, lists.
fn json() -> String {
    let document = r#"{"id":48213,"name":"Anthracite, washed","price":129.95,"tags":["coal","fuel","bulk"],"note":"delivered in 25 kg bags \u2013 \"handle with care\"","stock":{"north":12,"south":-3.5e2,"open":true,"until":null}}"#;
    let documents = vec![document; (1 << 20) / document.len()].join(",");
    format!(r#"{{"documents":[{documents}]}}"#)
}

fn told(error: &wasmtime::Error) -> anyhow::Error {
    anyhow::anyhow!("{error:#}")
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
