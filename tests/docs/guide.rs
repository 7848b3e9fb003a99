//! The guide for those who write services: taken from its first line to its last.

use std::env;
use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::symlink;

use stokehold_tests::binary;

use crate::markdown::split;
use crate::read;
use crate::session::Session;

const GUIDE: &str = "docs/plugin-guide.md";

/// Where the guide puts the stand-in for somebody else's API.
const STAND_IN: &str = "8071";

#[test]
fn the_guide_prints_what_it_says() {
    let folder = tempfile::tempdir().expect("a folder");
    let programs = folder.path().join("bin");
    fs::create_dir(&programs).expect("a folder");
    symlink(binary::path(), programs.join("stokehold")).expect("a link");
    let path = env::var("PATH").expect("a path");
    let test = env::current_exe().expect("this program has a path");
    let target = test.ancestors().nth(3).expect("target/release/deps/test");
    let session = Session {
        document: GUIDE,
        replaced: &[(STAND_IN, free_port())],
        environment: &[
            ("PATH", format!("{}:{path}", programs.display())),
            // What services depend on is compiled once, and not at each run of this test.
            ("CARGO_TARGET_DIR", target.join("guide").display().to_string()),
        ],
        folder: folder.path(),
    };
    assert!(session.check() >= 12);
}

/// A port that nobody listens on now.
fn free_port() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").port().to_string()
}

#[test]
fn every_block_of_the_guide_has_its_part() {
    let guide = read(GUIDE);
    let (blocks, _) = split(&guide);
    for block in &blocks {
        let known = ["sh server", "sh tour", "text"].contains(&&*block.info);
        assert!(known || block.file().is_some(), "{GUIDE}:{}: nobody runs this", block.line);
    }
}

#[test]
fn the_guide_has_the_prices_of_this_host() {
    let prices = binary::run(&["price-list", "--json"]).json();
    let version = prices["version"].as_str().expect("a version");
    assert!(read(GUIDE).contains(&format!("`{version}`")), "{version}");
}
