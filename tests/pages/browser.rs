//! The pages in a real browser.

use serde_json::json;

use crate::chromium::Browser;
use crate::fixture::{Site, TOKEN, account_page, digest};

#[test]
fn a_client_buys_releases_and_asks_to_be_warned() {
    let site = Site::start(&["--sandbox"], &[("STOKEHOLD_BROKER_RELEASE_AFTER_MINUTES", "0")]);
    let mut browser = Browser::start();
    let query = format!("service_name=coalroller&account_token={TOKEN}&credit=4.0");
    browser.open(&format!("{}/iap/1/credit?{query}", site.server.address));
    assert_eq!(browser.text("h1"), "Coal Roller");
    browser.click("tr.fits button");
    assert!(browser.text(".notice").starts_with("The pack is bought"));
    assert_eq!(browser.text(".figures dd"), "10 Credits");
    let address = browser.evaluate("location.href");
    let address = address.as_str().expect("a text");
    assert!(address.contains(&digest(TOKEN)) && !address.contains(TOKEN), "{address}");
    assert_eq!(browser.evaluate("document.referrer"), "");

    site.authorize(2.5, "a letter that got lost");
    browser.open(&format!("{}{}", site.server.address, account_page("coalroller", TOKEN)));
    assert_eq!(browser.text(".figures dd"), "7.5 Credits");
    browser.click("button[name=hold]");
    assert_eq!(browser.text(".figures dd"), "10 Credits");

    browser.fill("#threshold", "2.5");
    browser.fill("#addresses", "stoker@example.com, boiler@example.com");
    browser.click("form.card button");
    assert_eq!(browser.text(".notice"), "The warning is saved.");
    assert_eq!(browser.evaluate("document.querySelector('#threshold').value"), "2.5");
    let addresses = "document.querySelector('#addresses').value";
    assert_eq!(browser.evaluate(addresses), "boiler@example.com,stoker@example.com");
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

#[test]
fn a_form_on_another_site_buys_nothing() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(1));
    let pack = site.packs("coalroller")[0]["id"].clone();
    let digest = digest(TOKEN);
    let address = &site.server.address;
    let html = format!(
        "<form method=post action={address}/iap/1/credit><input name=service_name value=coalroller>\
         <input name=account_token value={digest}><input name=hashed value=1>\
         <button name=pack value={pack}>Win a prize</button></form>"
    );
    let mut browser = Browser::start();
    browser.open(&format!("data:text/html,{html}"));
    browser.click("button");
    assert_eq!(browser.text(".notice"), "This form is another site's.");
    assert_eq!(site.server.account("coalroller", TOKEN)["balance"], 1);
}

#[test]
fn pages_are_legible_in_light_and_dark_and_on_a_small_screen() {
    let site = Site::sandbox();
    site.server.grant("coalroller", TOKEN, &json!(1));
    site.authorize(0.5, "a letter");
    let mut browser = Browser::start();
    let size = json!({ "width": 360, "height": 640, "deviceScaleFactor": 1, "mobile": true });
    browser.call("Emulation.setDeviceMetricsOverride", &size);
    let pages = [account_page("coalroller", TOKEN), "/api/docs".into()];
    for page in pages {
        browser.open(&format!("{}{page}", site.server.address));
        let mut papers = Vec::new();
        for scheme in ["light", "dark"] {
            browser.scheme(scheme);
            for selector in ["h1", ".lead", "a", "th", "td"] {
                let contrast = browser.evaluate(&CONTRAST.replace("SELECTOR", selector));
                let contrast = contrast.as_f64().expect("a number");
                assert!(contrast >= 4.5, "{page} {scheme} {selector}: {contrast}");
            }
            papers.push(browser.evaluate("getComputedStyle(document.body).backgroundColor"));
        }
        assert_ne!(papers[0], papers[1], "the schemes differ");
        let width = browser.evaluate("document.documentElement.scrollWidth");
        assert_eq!(width, 360, "{page} is wider than the screen");
    }
    assert_eq!(browser.complaints(), Vec::<String>::new());
}

/// The contrast of a text to what is behind it, by WCAG 2.
const CONTRAST: &str = "(() => {
    const luminance = color => {
        const [r, g, b] = color.match(/[0-9.]+/g).map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const text = document.querySelector('main SELECTOR');
    let paper = text;
    while (getComputedStyle(paper).backgroundColor === 'rgba(0, 0, 0, 0)') {
        paper = paper.parentElement;
    }
    const [one, other] = [getComputedStyle(text).color, getComputedStyle(paper).backgroundColor]
        .map(luminance).sort((one, other) => other - one);
    return (one + 0.05) / (other + 0.05);
})()";
