//! `census`: a quote that grows with the table, and a charge for the fuel that it took.

use std::fmt::Write as _;

use serde_json::json;
use stokehold_tests::http::Reply;
use stokehold_tests::server::{Server, assert_clean};

use crate::{
    ANNA, assert_receipt, call, directory, held_and_captured, money, plugin, publish, statement,
};

fn sell(server: &Server) {
    let key = server.register("census");
    publish(server, &key, &plugin("census"));
    server.grant("census", ANNA, &json!(10));
}

fn describe(server: &Server, csv: &str) -> Reply {
    call(&server.client(), "census/columns", json!({ "csv": csv }))
}

/// A table of one column and about `bytes` bytes, whose cells are made of their row's number.
fn table(bytes: usize, cell: impl Fn(usize) -> String) -> String {
    let mut csv = "a\n".to_owned();
    for row in 0.. {
        let before = csv.len();
        writeln!(csv, "{}", cell(row)).expect("a string takes all");
        if csv.len() > bytes {
            csv.truncate(before);
            break;
        }
    }
    csv
}

#[test]
fn what_is_captured_is_the_fuel_that_was_used() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    let csv = "name,born\nAda,1815\nGrace,1906\nAda,\n";
    let reply = describe(&server, csv);
    let columns = json!([
        { "name": "name", "empty": 0, "distinct": 2 },
        { "name": "born", "empty": 1, "distinct": 2,
          "numbers": { "min": 1815.0, "max": 1906.0, "sum": 3721.0 } },
    ]);
    assert_eq!(reply.result(), json!({ "rows": 3, "columns": columns }));
    let (held, captured) = held_and_captured(&reply);
    let fuel: f64 = reply.header("stokehold-fuel").parse().expect("fuel");
    assert_eq!(format!("{captured:.6}"), format!("{:.6}", (fuel / 1_000.0).ceil() / 1e6));
    assert!(captured < held, "{captured} of {held}");
    let charge =
        (json!("capture"), json!(-captured), json!(format!("A table of {} bytes", csv.len())));
    assert_eq!(statement(&server, "census")[1..], [charge]);
    assert_receipt(&server, &reply, "ok", &json!(captured));

    let again = describe(&server, csv);
    assert_eq!(again.header("stokehold-fuel"), reply.header("stokehold-fuel"));
    assert_eq!(server.record(&again)["repeatable"], true);
    assert_clean(data.path());
}

#[test]
fn the_quote_grows_with_the_table_and_suffices_for_the_worst() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    let (mut held_before, bytes_max) = (0.0, 256 << 10);
    for bytes in [100, 10_000, bytes_max] {
        let reply = describe(&server, &table(bytes, |row| row.to_string()));
        reply.result();
        let (held, captured) = held_and_captured(&reply);
        assert!(held_before < held && captured < held, "{bytes}: {held_before} {held} {captured}");
        held_before = held;
    }
    let scattered = |row: usize| (row * 7_919 % 46_656).to_string();
    describe(&server, &table(bytes_max, scattered)).result();
    describe(&server, &table(bytes_max, |row| (row % 10).to_string())).result();
    describe(&server, &vec!["c"; 100].join(",")).result();
    let fault = describe(&server, &"x".repeat(bytes_max + 1)).fault("UserError");
    assert_eq!(fault["message"], "params.csv: it has 262145 bytes and may have 262144");
}

#[test]
fn a_table_that_breaks_on_the_way_is_charged_for_as_far_as_it_went() {
    let data = directory();
    let server = Server::sandbox(data.path());
    sell(&server);
    let good = table(20_000, |row| row.to_string());
    let reply = describe(&server, &format!("{good}one,too many\n"));
    let fault = reply.fault("UserError");
    assert_eq!(fault["outcome"], "user-error");
    assert!(fault["message"].as_str().is_some_and(|text| text.contains("2 fields")), "{fault}");
    let (held, captured) = held_and_captured(&reply);
    assert!(captured > 0.001 && captured < held, "{captured} of {held}");
    assert_eq!(fault["credits_captured"], captured);
    assert_receipt(&server, &reply, "user-error", &json!(captured));

    // One that its first line gives away costs nothing.
    let before = money(&server, "census");
    describe(&server, "").fault("UserError");
    assert_eq!(money(&server, "census"), before);
    assert_clean(data.path());
}
