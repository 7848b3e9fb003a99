//! The page of the management API.

use stokehold_tests::binary;

use crate::fixture::Site;

#[test]
fn every_operation_stands_on_the_page() {
    let site = Site::sandbox();
    let document = site.server.client().get("/api/openapi.json").expect(200);
    let committed = std::fs::read_to_string(binary::root().join("host/server/openapi.json"));
    let committed: serde_json::Value =
        serde_json::from_str(&committed.expect("the file is there")).expect("it is JSON");
    assert_eq!(document, committed);

    let page = site.open("/api/docs");
    assert_eq!(page.status, 200);
    let mut operations = 0;
    for (path, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            operations += 1;
            page.says(&format!("{} {path}", method.to_uppercase()));
            let id = operation["operationId"].as_str().expect("an id");
            assert_eq!(page.html.matches(&format!("id=\"{id}\"")).count(), 1, "{id}");
        }
    }
    assert!(operations > 20, "{operations}");
    for schema in document["components"]["schemas"].as_object().expect("schemas").keys() {
        assert!(page.html.contains(&format!("id=\"schema-{schema}\"")), "{schema}");
    }
    for link in page.html.split("href=\"#").skip(1) {
        let target = link.split('"').next().expect("its end");
        assert!(page.html.contains(&format!("id=\"{target}\"")), "no {target}");
    }
    page.says(
        "POST /api/v1/tokens Make a token. It is shown here and never again. Who: an operator",
    );
}

#[test]
fn assets_are_ours_and_may_be_kept_for_a_while() {
    let site = Site::sandbox();
    for (path, kind) in
        [("/assets/style.css", "text/css; charset=utf-8"), ("/assets/icon.svg", "image/svg+xml")]
    {
        let asset = site.send("GET", path, &[], None);
        assert_eq!((asset.status, asset.header("content-type")), (200, kind));
        assert_eq!(asset.header("cache-control"), "public, max-age=300");
        assert!(asset.header("content-security-policy").starts_with("default-src 'none'"));
        assert!(!asset.html.contains("http://") || path.ends_with("svg"), "{path} loads from afar");
        assert!(!asset.html.contains("url("), "{path} loads from afar");
    }
}
