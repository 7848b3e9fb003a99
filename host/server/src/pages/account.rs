//! `/iap/1/my_account`: what is on an account, what was charged, what is set aside, whom to warn.

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect};
use stokehold_app::types::{
    Address, Credits, HoldId, Line, Mode, OpenHold, Order, PostingKind, Timestamp, WarningSettings,
};
use stokehold_app::{Error, Overview};

use super::Page;
use super::fault::Fault;
use super::given::{Given, Posted};
use super::link::Link;
use crate::router::Host;
use crate::when::Shown;

/// How many lines of the statement, and how many holds, stand on a page.
const ROWS: u32 = 25;

/// An account.
#[derive(Template)]
#[template(path = "account.html")]
struct Account {
    link: Link,
    overview: Overview,
    notice: Option<Notice>,
    orders: Vec<Order>,
    holds: Vec<HoldRow>,
    /// The address of the next holds.
    next_holds: Option<String>,
    lines: Vec<Line>,
    /// The address of the lines before these.
    older: Option<String>,
    is_sandbox: bool,
}

impl Account {
    /// Whom to warn, as a form takes it.
    fn addresses(&self) -> String {
        let addresses = self.overview.account.iter().flat_map(|account| &account.addresses);
        addresses.map(|address| address.email.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// An open hold, and what its account's owner can do about it.
struct HoldRow {
    open: OpenHold,
    release: Release,
}

/// Whether an account's owner may release a hold.
enum Release {
    Now,
    From(Timestamp),
    /// It ends with its call.
    Never,
}

impl HoldRow {
    fn new(host: &Host, open: OpenHold) -> Self {
        let release = match host.app.releasable_from(&open.hold) {
            _ if open.is_call => Release::Never,
            None => Release::Now,
            Some(instant) => Release::From(instant),
        };
        Self { open, release }
    }
}

/// What has just been done.
#[derive(Clone, Copy, Debug)]
pub(super) enum Notice {
    Bought,
    Ordered,
    Released,
    Warned,
}

impl Notice {
    const ALL: [Self; 4] = [Self::Bought, Self::Ordered, Self::Released, Self::Warned];

    /// Its name in an address.
    fn name(self) -> &'static str {
        match self {
            Self::Bought => "bought",
            Self::Ordered => "ordered",
            Self::Released => "released",
            Self::Warned => "warned",
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Bought => "The pack is bought, and its credits are on the account.",
            Self::Ordered => {
                "The pack is ordered. Its credits come onto the account once its payment is confirmed."
            }
            Self::Released => "The credits that were set aside are available again.",
            Self::Warned => "The warning is saved.",
        }
    }
}

pub(super) async fn show(
    State(host): State<Host>,
    given: Given,
) -> Result<impl IntoResponse, Fault> {
    let link = Link::parse(&given)?;
    let (service, key) = (link.service.as_str(), link.key);
    let overview = host.app.overview(service, key).await?;
    let notice = given.get("notice");
    let notice = Notice::ALL.into_iter().find(|known| notice == Some(known.name()));
    let orders = host.app.own_pending_orders(service, key).await?;

    let after: Option<HoldId> = given.get("holds_after").and_then(|id| id.parse().ok());
    let mut holds = host.app.own_holds(service, key, after, ROWS + 1).await?;
    let rows = usize::try_from(ROWS).unwrap_or(usize::MAX);
    let more = holds.len() > rows;
    holds.truncate(rows);
    let last = holds.last().filter(|_| more);
    let next_holds = last.map(|last| format!("{}&holds_after={}", link.account(), last.hold.id));
    let holds = holds.into_iter().map(|open| HoldRow::new(&host, open)).collect();

    let before = given.get("before").and_then(|line| line.parse().ok());
    let statement = host.app.own_statement(service, key, before, ROWS).await?;
    let (lines, next) = statement.map_or((Vec::new(), None), |page| (page.lines, page.next));
    let older = next.map(|before| format!("{}&before={before}", link.account()));

    let is_sandbox = host.app.mode() == Mode::Sandbox;
    Ok(Page(Account {
        link,
        overview,
        notice,
        orders,
        holds,
        next_holds,
        lines,
        older,
        is_sandbox,
    }))
}

pub(super) async fn release(
    State(host): State<Host>,
    Posted(form): Posted,
) -> Result<Redirect, Fault> {
    let link = Link::parse(&form)?;
    let hold = form.get("hold").and_then(|id| id.parse().ok());
    let released = match hold {
        Some(hold) => host.app.release_own(&link.service, link.key, hold).await,
        None => Err(Error::NotFound("transaction")),
    };
    released.map_err(|error| Fault::from(error).back(&link))?;
    Ok(with_notice(&link, Notice::Released))
}

pub(super) async fn warn(
    State(host): State<Host>,
    Posted(form): Posted,
) -> Result<Redirect, Fault> {
    let link = Link::parse(&form)?;
    let threshold = threshold(form.get("threshold").unwrap_or_default()).map_err(|what| {
        let mend = "Go back and give a number of credits, 0 for no warning.";
        Fault::new(StatusCode::UNPROCESSABLE_ENTITY, what, mend).back(&link)
    })?;
    let overview = host.app.overview(&link.service, link.key).await?;
    let known = overview.account.map(|account| account.addresses).unwrap_or_default();
    let emails = form.get("addresses").unwrap_or_default();
    let emails = emails.split([',', ';', ' ', '\n', '\r']).filter(|email| !email.is_empty());
    let addresses = emails.map(|email| address(email, &known)).collect();
    let change = WarningSettings { threshold: Some(threshold), addresses: Some(addresses) };
    let saved = host.app.set_warning(&link.key.into(), change).await;
    saved.map_err(|error| Fault::from(error).back(&link))?;
    Ok(with_notice(&link, Notice::Warned))
}

/// An address keeps the language that it was once given with.
fn address(email: &str, known: &[Address]) -> Address {
    let known = known.iter().find(|address| address.email == email);
    let lang = known.map(|address| address.lang.clone()).unwrap_or_default();
    Address { email: email.to_owned(), lang }
}

/// A number as browsers send it, which know more forms than JSON does: `05` and `.5`.
fn threshold(text: &str) -> Result<Credits, String> {
    let digits = text.trim_start_matches('0');
    let bare = digits.is_empty() || digits.starts_with('.');
    let number = if bare { format!("0{digits}") } else { digits.to_owned() };
    let credits = Credits::from_json_number(&number);
    credits.map_err(|error| format!("the threshold has to be a number: this is {error}"))
}

/// Back to the account's page, so that reloading it sends no form again.
pub(super) fn with_notice(link: &Link, notice: Notice) -> Redirect {
    Redirect::to(&format!("{}&notice={}", link.account(), notice.name()))
}

/// Why a line stands on the statement, in words.
fn reason(kind: PostingKind) -> &'static str {
    match kind {
        PostingKind::Gift => "Gift",
        PostingKind::Trial => "Trial credits",
        PostingKind::Order => "Purchase",
        PostingKind::Capture => "Charge",
        PostingKind::Refund => "Refund of a charge",
        PostingKind::OrderRefund => "Refund of a purchase",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_read_as_browsers_send_it() {
        let micros = |text| threshold(text).map(Credits::micros);
        for (text, expected) in
            [("", 0), ("0", 0), ("000", 0), ("05", 5_000_000), (".5", 500_000), ("1e1", 10_000_000)]
        {
            assert_eq!(micros(text), Ok(expected), "{text}");
        }
        for text in ["-1", "x", "0x5", "1,5", "NaN"] {
            assert!(threshold(text).is_err(), "{text}");
        }
    }
}
