//! Whom services trust that ask other hosts: as the operator's settings say.

use serde_json::json;
use stokehold_tests::guest;
use stokehold_tests::server::{Server, assert_clean};
use stokehold_tests::tls::{Authority, Flaw};
use stokehold_tests::upload;

use crate::{directory, text};

#[test]
fn an_authority_of_the_operators_own_is_trusted() {
    let authority = Authority::default();
    let host = format!("localhost:{}", authority.serve("localhost", Flaw::None));
    let component = guest::asking_host(&format!("https://{host}"));
    let more = format!("[outbound]\nhosts = [\"{host}\"]\n");
    // A request costs more fuel than these manifests' credits buy.
    let manifest = upload::manifest("asking", &more).replace("10_000_000", "1_000_000_000");
    let data = directory();
    let file = authority.write(data.path());
    let open =
        [("STOKEHOLD_OUTBOUND_HOSTS", "[\"*\"]"), ("STOKEHOLD_OUTBOUND_PRIVATE_ADDRESSES", "true")];
    let trusting = [&open[..], &[("STOKEHOLD_OUTBOUND_CA_FILE", text(&file))]].concat();
    // As the guest answers it: the status, or 1,000 and the number of `TLS-certificate-error`.
    for (settings, answer) in [(&trusting[..], "0200"), (&open, "1013")] {
        let server = Server::sandbox_with(data.path(), settings);
        if answer == "0200" {
            server.register("asking");
            upload::upload(&server.operator(), "asking", &manifest, &component).expect(201);
            server.grant("asking", "anna", &json!(10));
        }
        let reply = server.client().rpc("/services/asking/it", &json!({ "account_token": "anna" }));
        assert_eq!(reply.result(), answer);
        let log = format!("/api/v1/calls/{}/log", reply.header("stokehold-call"));
        let log = server.operator().get(&log);
        assert_eq!(log.text.contains("outbound.ca_file"), answer == "1013", "{}", log.text);
    }
    assert_clean(data.path());
}
