//! Mail: warnings that an account runs low, on their way from the outbox to a mail server.
//!
//! The transaction that makes an account run low puts its warnings into the outbox. Here they are
//! taken out, sent, and noted as sent. A host that is killed in between sends one mail again, with
//! the same `Message-ID`: each is sent at least once, and a repeat can be recognised.

mod carrier;
mod letter;
mod smtp;

use std::ops::ControlFlow;
use std::sync::Weak;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use lettre::message::Mailbox;
use stokehold_ledger::Span;
use stokehold_store::{Error as StoreError, Sent, Warning};
use tokio::sync::Mutex;
use tokio::time::{MissedTickBehavior, interval};

use self::carrier::{Carrier, Failure};
use crate::app::App;
use crate::config::{Config, Mail, MailTransport};

/// How often the outbox is looked into.
const PERIOD: Duration = Duration::from_secs(1);

/// How many warnings are read at a time.
const BATCH: u32 = 100;

/// The longest reason that is kept, in characters: enough for what a mail server says.
const REASON_LENGTH_MAX: usize = 500;

/// Sends what is in the outbox.
pub(crate) struct Mailer {
    settings: Mail,
    base_url: String,
    /// `None` where nothing is configured that could send. Locked while mails are being sent.
    post: Option<Mutex<Post>>,
    closing: AtomicBool,
}

/// What sends, and in whose name.
struct Post {
    carrier: Carrier,
    sender: Mailbox,
}

impl Mailer {
    /// A mailer, and what keeps it from being one.
    pub(crate) fn new(config: &Config) -> Result<Self, String> {
        let settings = config.mail.clone();
        let post = match settings.transport {
            MailTransport::None => None,
            _ => Some(Mutex::new(Post {
                carrier: Carrier::new(&settings)?,
                sender: settings.sender()?,
            })),
        };
        let base_url = config.server.base_url();
        Ok(Self { settings, base_url, post, closing: AtomicBool::new(false) })
    }

    /// Begins no further mail, and returns when the one that is on its way has been noted.
    pub(crate) async fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        if let Some(post) = &self.post {
            drop(post.lock().await);
        }
    }

    fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Tries to send one warning.
    async fn attempt(&self, post: &mut Post, warning: &Warning) -> Sent {
        let letter = letter::write(warning, &post.sender, &self.base_url);
        let sent = match letter {
            Ok(letter) => post.carrier.send(&letter).await,
            Err(why) => Err(Failure::Permanent(why)),
        };
        let Err(failure) = sent else {
            tracing::info!(warning = warning.id, service = warning.service_name, "warning sent");
            return Sent::Done;
        };
        let verdict = verdict(&self.settings, warning.attempts, failure);
        let (id, service) = (warning.id, &warning.service_name);
        match &verdict {
            Sent::Later(_, why) => tracing::warn!(warning = id, service, why, "mail is delayed"),
            Sent::Never(why) => tracing::error!(warning = id, service, why, "mail is given up"),
            Sent::Done => {}
        }
        verdict
    }
}

/// What becomes of a mail that failed, after `attempts` that failed before.
fn verdict(settings: &Mail, attempts: u32, failure: Failure) -> Sent {
    let tried = attempts.saturating_add(1);
    match failure {
        Failure::Permanent(why) => Sent::Never(reason(&why)),
        Failure::Transient(why) if tried >= settings.attempts_max => {
            Sent::Never(reason(&format!("given up after {tried} attempts: {why}")))
        }
        Failure::Transient(why) => {
            let wait = settings.retry_s.saturating_mul(2_u64.saturating_pow(attempts));
            let wait = Duration::from_secs(wait.min(settings.retry_s_max));
            Sent::Later(Span::from_duration(wait), reason(&why))
        }
    }
}

/// A reason on one line: a mail server may say anything.
fn reason(why: &str) -> String {
    why.chars().map(|c| if c.is_control() { ' ' } else { c }).take(REASON_LENGTH_MAX).collect()
}

/// Sends what is due for as long as the host is there.
pub(crate) async fn run(app: Weak<App>) {
    let mut period = interval(PERIOD);
    period.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        period.tick().await;
        let Some(app) = app.upgrade() else { return };
        match app.mail_due().await {
            Ok(ControlFlow::Continue(())) => {}
            Ok(ControlFlow::Break(())) | Err(StoreError::Stopped) => return,
            Err(error) => tracing::error!(%error, "the outbox cannot be used"),
        }
    }
}

impl App {
    /// The latest mails, the oldest first, where they are kept in memory.
    pub async fn mail_in_memory(&self) -> Vec<String> {
        match &self.mailer.post {
            Some(post) => post.lock().await.carrier.kept(),
            None => Vec::new(),
        }
    }

    /// Sends what is due now. Breaks where there will be nothing more to do.
    async fn mail_due(&self) -> Result<ControlFlow<()>, StoreError> {
        let Some(post) = &self.mailer.post else { return self.tell_that_mail_waits().await };
        let mut post = post.lock().await;
        let done = self.empty_outbox(&mut post).await;
        post.carrier.rest().await;
        done
    }

    async fn empty_outbox(&self, post: &mut Post) -> Result<ControlFlow<()>, StoreError> {
        loop {
            // Claiming is a write: not while there is nothing to claim.
            if self.store.due_warnings(1).await?.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            let due = self.store.claim_warnings(BATCH).await?;
            if due.is_empty() {
                return Ok(ControlFlow::Continue(()));
            }
            for warning in due {
                if self.mailer.is_closing() {
                    return Ok(ControlFlow::Break(()));
                }
                let sent = self.mailer.attempt(post, &warning).await;
                self.note(warning.id, sent).await?;
            }
        }
    }

    /// Notes what came of an attempt. While that cannot be written it tries again: a mail that was
    /// sent and not noted would be sent a second time.
    async fn note(&self, id: i64, sent: Sent) -> Result<(), StoreError> {
        let mut period = interval(PERIOD);
        loop {
            period.tick().await;
            match self.store.warning_tried(id, sent.clone()).await {
                Err(StoreError::Busy | StoreError::NotWritten | StoreError::OutcomeUnknown) => {}
                noted => return noted,
            }
        }
    }

    async fn tell_that_mail_waits(&self) -> Result<ControlFlow<()>, StoreError> {
        if self.store.due_warnings(1).await?.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        tracing::warn!("accounts run low, and their owners cannot be told: set mail.transport");
        Ok(ControlFlow::Break(()))
    }
}

#[cfg(test)]
mod tests {
    use stokehold_ledger::{AccountName, AccountToken, Credits};
    use stokehold_store::{Address, WarningSettings};

    use super::*;
    use crate::{Authorization, Caller, GrantRequest, Secret, ServiceRequest};

    fn later(settings: &Mail, attempts: u32) -> Option<i64> {
        match verdict(settings, attempts, Failure::Transient("no\r\nroute".into())) {
            Sent::Later(wait, why) => {
                assert_eq!(why, "no  route");
                Some(wait.micros() / 1_000_000)
            }
            _ => None,
        }
    }

    #[test]
    fn waits_double_up_to_their_maximum_and_end() {
        let settings = Mail::default();
        let waits: Vec<_> = (0..8).map_while(|tried| later(&settings, tried)).collect();
        assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600]);
        assert_eq!(later(&settings, 28), Some(3_600));
        assert_eq!(later(&settings, 29), None, "the thirtieth attempt is the last");
        assert_eq!(later(&settings, u32::MAX), None);
        let patient = Mail { attempts_max: u32::MAX, ..settings };
        assert_eq!(later(&patient, 1_000_000), Some(3_600), "doubling does not overflow");
    }

    #[tokio::test]
    async fn each_warning_is_sent_once() {
        let mut config = Config::default();
        config.mail.transport = MailTransport::Memory;
        config.mail.from = Some("credits@example.com".into());
        let app = App::in_memory(config, None).await.expect("a host");
        let key = low_soon(&app, "anna@example.com").await;
        assert!(app.mail_due().await.is_ok() && app.mail_in_memory().await.is_empty());
        for _ in 0..2 {
            app.authorize(hold(&key)).await.expect("a hold");
            assert!(app.mail_due().await.is_ok());
            let mails = app.mail_in_memory().await;
            assert!(mails.len() == 1 && mails[0].contains("To: anna@example.com\r\n"), "{mails:?}");
            assert!(mails[0].contains("http://127.0.0.1:8070/iap/1/my_account?"), "{mails:?}");
        }
        app.drain(Duration::ZERO).await;
        assert_eq!(app.mail_due().await.ok(), Some(ControlFlow::Continue(())), "nothing is due");
    }

    /// An account that a first hold makes run low. Answers the service key.
    async fn low_soon(app: &App, email: &str) -> Secret {
        let service = ServiceRequest {
            name: "mine".into(),
            label: "Mine".into(),
            unit: None,
            description: None,
            privacy_policy: None,
            trial_credits: Credits::ZERO,
        };
        let (_, key) = app.create_service(Caller::Operator, service).await.expect("a service");
        let account: AccountToken = "anna".parse().expect("a token");
        let credits = Credits::from_micros(10_000_000);
        let grant = GrantRequest { credits, reason: String::new(), idempotency_key: None };
        app.grant(Caller::Operator, "mine", &account, grant).await.expect("credits");
        let change = WarningSettings {
            threshold: Some(Credits::from_micros(5_000_000)),
            addresses: Some(vec![Address { email: email.into(), lang: String::new() }]),
        };
        app.set_warning(&AccountName::from(&account), change).await.expect("set");
        key
    }

    fn hold(key: &Secret) -> Authorization {
        Authorization {
            key: key.clone(),
            account_token: "anna".parse().expect("a token"),
            credits: Credits::from_micros(5_000_000),
            ttl: None,
            description: None,
            dbuuid: None,
            idempotency_key: None,
            request: None,
        }
    }

    #[test]
    fn what_a_server_refuses_for_good_is_given_up_at_once() {
        let refused = verdict(&Mail::default(), 0, Failure::Permanent("550".into()));
        assert_eq!(refused, Sent::Never("550".into()));
    }
}
