//! `/iap/1/credit`: buy a pack.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use stokehold_app::types::{Credits, Mode, OrderStatus, Pack, PackId, ServiceStatus};
use stokehold_app::{OrderRequest, Overview};

use super::Page;
use super::account::{Notice, with_notice};
use super::fault::Fault;
use super::given::{Given, Posted};
use super::link::Link;
use crate::router::Host;

/// What a service has for sale.
#[derive(Template)]
#[template(path = "purchase.html")]
struct Purchase {
    link: Link,
    overview: Overview,
    /// What the client's last action would have cost, where it was too much.
    needed: Option<Credits>,
    /// What a form of this showing of the page carries: sent twice, it buys once.
    once: String,
    is_sandbox: bool,
}

impl Purchase {
    fn is_open(&self) -> bool {
        self.overview.service.status == ServiceStatus::Active
    }

    /// How much more has to be available for what the client was about to do.
    fn missing(&self) -> Credits {
        self.needed.map_or(Credits::ZERO, |needed| self.overview.missing(needed))
    }

    /// Whether this pack alone adds what is missing.
    fn covers(&self, pack: &Pack) -> bool {
        let missing = self.missing();
        !missing.is_zero() && pack.credits >= missing
    }
}

pub(super) async fn show(
    State(host): State<Host>,
    given: Given,
) -> Result<impl IntoResponse, Fault> {
    let link = Link::parse(&given)?;
    let overview = host.app.overview(&link.service, link.key).await?;
    // Some clients join what they do not know into the address: anything but a number is nothing.
    let needed = given.get("credit").and_then(|text| Credits::from_json_number(text).ok());
    let needed = needed.filter(|needed| !needed.is_zero());
    let is_sandbox = host.app.mode() == Mode::Sandbox;
    let once = OrderRequest::new_key();
    Ok(Page(Purchase { link, overview, needed, once, is_sandbox }))
}

pub(super) async fn buy(State(host): State<Host>, Posted(form): Posted) -> Result<Redirect, Fault> {
    let link = Link::parse(&form)?;
    let pack = form.get("pack").and_then(|pack| pack.parse().ok()).map(PackId);
    let pack = pack.ok_or_else(|| {
        let mend = "Go back and choose one.";
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, "no pack was chosen", mend).back(&link)
    })?;
    // A second pack from the same showing is a second order.
    let once = form.get("once").map(|once| format!("{once} {}", pack.0));
    let request = OrderRequest {
        service: link.service.clone(),
        account: link.key.into(),
        pack,
        idempotency_key: once,
    };
    let order = host.app.create_order(request).await;
    let order = order.map_err(|error| Fault::from(error).back(&link))?;
    let notice = match order.status {
        OrderStatus::Paid => Notice::Bought,
        OrderStatus::Pending | OrderStatus::Refunded => Notice::Ordered,
    };
    Ok(with_notice(&link, notice))
}
