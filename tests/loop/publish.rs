//! `publish` and `version`: what changes is shown before it does.

use serde_json::{Value, json};
use stokehold_tests::binary::{Ran, run};
use stokehold_tests::guest;
use stokehold_tests::server::{ADMIN_TOKEN, Server};
use tempfile::TempDir;

use crate::project::Project;

/// A server with the service `it`, and a project of it.
struct Shop {
    _data: TempDir,
    server: Server,
    key: String,
    project: Project,
}

impl Shop {
    fn open() -> Self {
        let data = tempfile::tempdir().expect("a directory");
        let server = Server::sandbox(data.path());
        let key = server.register("it");
        Self { _data: data, server, key, project: Project::new(&guest::echo(), "") }
    }

    fn publish(&self, more: &[&str]) -> Ran {
        let publish = ["publish", self.project.path(), "--server", &self.server.address];
        run(&[&publish[..], &["--key", &self.key], more].concat())
    }

    fn version(&self, arguments: &[&str]) -> Ran {
        run(&[&["version"], arguments, &["--server", &self.server.address, "--key", &self.key]]
            .concat())
    }

    fn live(&self) -> Value {
        self.server.operator().get("/api/v1/services/it").expect(200)["active_version"].clone()
    }

    /// Changes the manifest.
    fn change(&self, from: &str, to: &str) {
        let text = self.project.read("service.toml");
        assert!(text.contains(from), "{text}");
        self.project.write("service.toml", text.replace(from, to));
    }
}

#[test]
fn what_changes_for_clients_is_shown_before_it_does() {
    let shop = Shop::open();
    let first = shop.publish(&[]).success();
    assert!(first.starts_with("it has no live version yet\n"), "{first}");
    assert!(first.contains("it version 1 is live\n"), "{first}");

    let again = shop.publish(&[]).success();
    assert!(again.starts_with("nothing changes against version 1, which is live\n"), "{again}");
    assert!(again.contains("it version 1 is live; it was uploaded before"), "{again}");

    shop.change("10_000_000", "5_000_000\nsettle = \"fuel\"\n[outbound]\nhosts = [\"a.example\"]");
    let planned = shop.publish(&["--dry-run", "--json"]).json();
    let row = |what, before, after| json!({ "what": what, "before": before, "after": after });
    let changes = json!([
        row("fuel a credit", "10000000", "5000000"),
        row("an answer costs", "what was held", "the fuel that was used"),
        row("hosts it reaches", "none", "a.example"),
    ]);
    assert_eq!(planned, json!({ "dry_run": true, "changes": changes }));
    let planned = shop.publish(&["--dry-run"]).success();
    assert!(planned.contains("version 1, live") && planned.contains("a.example"), "{planned}");
    assert_eq!(shop.live(), 1, "nothing was uploaded");

    let done = shop.publish(&["--json"]).json();
    assert_eq!(
        (&done["version"], &done["new"], &done["changes"]),
        (&json!(2), &json!(true), &changes)
    );
    assert_eq!(
        done["notes"][0]["what"],
        "requests to a.example will be refused: this host does not allow them"
    );
    assert_eq!(
        (shop.live(), shop.publish(&["--json"]).json()["new"].clone()),
        (json!(2), json!(false))
    );
    shop.project.write("it.wasm", guest::tallying());
    let component = shop.publish(&["--dry-run", "--json"]).json();
    assert_eq!(component["changes"][0]["what"], "component");
}

#[test]
fn versions_go_forward_and_back_from_the_shell() {
    let shop = Shop::open();
    shop.version(&["rollback", "it"]).failed(
        1,
        "nothing was rolled back",
        "no version is live",
        "list",
    );
    shop.publish(&[]).success();
    shop.version(&["rollback", "it"]).failed(1, "nothing was rolled back", "first version", "list");
    shop.project.write("it.wasm", guest::tallying());
    shop.publish(&["--no-activate"]).success();
    assert_eq!(shop.live(), 1);
    assert_eq!(shop.version(&["activate", "it", "2"]).success(), "it version 2 is live\n");
    assert_eq!(shop.version(&["rollback", "it", "--json"]).json()["version"], 1);
    assert_eq!(shop.live(), 1);
    shop.version(&["activate", "it", "3"]).failed(
        1,
        "version 3 was not activated",
        "no such version",
        "",
    );
    let listed = shop.version(&["list", "it", "--json"]).json();
    let listed = listed["versions"].as_array().expect("versions").clone();
    assert_eq!([&listed[0]["active"], &listed[1]["active"]], [false, true]);
    let table = shop.version(&["list", "it"]).success();
    assert!(table.contains("digest") && table.contains("yes"), "{table}");
}

#[test]
fn a_key_is_good_for_its_own_service_alone() {
    let shop = Shop::open();
    shop.publish(&[]).success();
    let other = shop.server.register("other");
    let address = &shop.server.address;
    let foreign = ["version", "list", "it", "--server", address, "--key", &other];
    run(&foreign).failed(1, "the versions cannot be listed", "404", "yours");
    let publish = ["publish", shop.project.path(), "--server", address, "--key", &other];
    run(&publish).failed(1, "it was not published", "404", "yours");
    let token = ["publish", shop.project.path(), "--server", address, "--token", ADMIN_TOKEN];
    run(&token).success();
    let nobody = ["publish", shop.project.path(), "--server", address];
    assert_eq!(run(&nobody).code, Some(2), "a key or a token is needed");
    let manifest = shop.server.operator().get("/api/v1/services/it/versions/1").expect(200);
    assert_eq!(manifest["manifest"], shop.project.read("service.toml"));
}
