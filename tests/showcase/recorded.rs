//! The recorded requests of each service, played as a developer plays them.

use stokehold_tests::binary;

use crate::plugin;

#[test]
fn every_service_answers_and_costs_what_was_recorded() {
    let secret = ["--secret", "gateway_key=none-is-needed"];
    for (name, given) in
        [("coalroller", &[][..]), ("census", &[]), ("clerk", &[]), ("postcard", &secret)]
    {
        let (project, tests) = (plugin(name), plugin(name).join("tests"));
        let folders = [&project, &tests].map(|folder| folder.to_str().expect("a path of text"));
        let ran = binary::run(&[&["run", folders[0], "--fixtures", folders[1]], given].concat());
        assert_eq!(ran.code, Some(0), "{name}: {}{}", ran.stdout, ran.stderr);
        assert!(ran.stdout.matches("passed").count() >= 3, "{}", ran.stdout);
    }
}
