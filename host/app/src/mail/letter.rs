//! What a warning says.

use std::time::{Duration, SystemTime};

use lettre::Message;
use lettre::message::header::{ContentTransferEncoding, ContentType, HeaderName, HeaderValue};
use lettre::message::{Body, Mailbox, MessageBuilder};
use stokehold_store::Warning;

/// Tells programs that answer mail to leave this one alone (RFC 3834).
const BY_A_PROGRAM: (HeaderName, &str) =
    (HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated");

/// The longest line of a mail, in bytes (RFC 5322, section 2.1.1).
const LINE_LENGTH_MAX: usize = 998;

/// Writes the mail of a warning. The same warning gives the same mail, so that a repeat can be
/// recognised by its `Message-ID`. The error says what is wrong with the address.
pub(super) fn write(
    warning: &Warning,
    sender: &Mailbox,
    base_url: &str,
) -> Result<Message, String> {
    let address = warning.email.parse();
    let address = address.map_err(|error| format!("this is no address: {error}"))?;
    let label = one_line(&warning.service_label);
    let unit = one_line(&warning.unit);
    let subject = format!("{label}: {} {unit} left", warning.available);
    let text = text(warning, &label, &unit, base_url);
    builder(warning, sender)
        .to(Mailbox::new(None, address))
        .subject(subject)
        .header(ContentType::TEXT_PLAIN)
        .body(body(text))
        .map_err(|error| error.to_string())
}

fn builder(warning: &Warning, sender: &Mailbox) -> MessageBuilder {
    let (header, value) = BY_A_PROGRAM;
    // The instant tells warnings of different stores apart, which number theirs alike.
    let name = format!("{}.{}", warning.id, warning.created_at.0);
    let since_1970 = Duration::from_micros(warning.created_at.0.unsigned_abs());
    Message::builder()
        .from(sender.clone())
        .date(SystemTime::UNIX_EPOCH + since_1970)
        .message_id(Some(format!("<{name}@{}>", sender.email.domain())))
        .raw_header(HeaderValue::new(header, value.to_owned()))
}

fn text(warning: &Warning, label: &str, unit: &str, base_url: &str) -> String {
    let Warning { available, warn_at, service_name, account, .. } = warning;
    format!(
        "Your account for {label} has {available} {unit} available.\n\
         You wanted to be warned at {warn_at} {unit} or less.\n\
         \n\
         Buy more, see what was used, or change this warning:\n\
         {base_url}/iap/1/my_account?service_name={service_name}&account_token={account}&hashed=1\n\
         \n\
         Whoever has this link can open your account: do not pass it on.\n\
         A program sent this mail; nobody reads an answer to it.\n"
    )
}

/// The text as it is where that can be sent, so that the link stays in one piece.
fn body(text: String) -> Body {
    if text.is_ascii() && text.lines().all(|line| line.len() <= LINE_LENGTH_MAX) {
        let lines = text.replace('\n', "\r\n");
        return Body::dangerous_pre_encoded(lines.into(), ContentTransferEncoding::SevenBit);
    }
    Body::new(text)
}

/// The text without breaks of lines: a provider chooses it freely.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use stokehold_ledger::{Credits, Timestamp};

    use super::*;

    fn warning() -> Warning {
        Warning {
            id: 7,
            email: "anna@example.com".into(),
            lang: "de_DE".into(),
            service_label: "Coal Roller".into(),
            unit: "Credits".into(),
            service_name: "coalroller".into(),
            account: "7110eda4d09e062aa5e4a390b0a572ac0d2c0220".into(),
            available: Credits::from_micros(4_500_000),
            warn_at: Credits::from_micros(5_000_000),
            created_at: Timestamp(1_795_000_000_123_456),
            attempts: 0,
        }
    }

    fn written(warning: &Warning) -> Result<String, String> {
        let sender = "Stokehold <credits@example.com>".parse().expect("an address");
        let message = write(warning, &sender, "https://credits.example.com")?;
        Ok(String::from_utf8(message.formatted()).expect("text"))
    }

    #[test]
    fn the_mail_says_what_is_left_of_what_and_where_to_go() {
        let mail = written(&warning()).expect("a mail");
        assert_eq!(
            mail.replace("\r\n", "\n"),
            "\
From: Stokehold <credits@example.com>
Date: Wed, 18 Nov 2026 11:06:40 +0000
Message-ID: <7.1795000000123456@example.com>
Auto-Submitted: auto-generated
To: anna@example.com
Subject: Coal Roller: 4.5 Credits left
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 7bit

Your account for Coal Roller has 4.5 Credits available.
You wanted to be warned at 5 Credits or less.

Buy more, see what was used, or change this warning:
https://credits.example.com/iap/1/my_account?service_name=coalroller&account_token=7110eda4d09e062aa5e4a390b0a572ac0d2c0220&hashed=1

Whoever has this link can open your account: do not pass it on.
A program sent this mail; nobody reads an answer to it.
"
        );
    }

    #[test]
    fn a_label_adds_no_header() {
        let mut warning = warning();
        warning.service_label = "Köhler\r\nBcc: all@example.com\r\n\r\nHello".into();
        warning.unit = "Credits\nX-Mine: 1".into();
        let mail = written(&warning).expect("a mail");
        let (headers, _) = mail.split_once("\r\n\r\n").expect("headers");
        let starts = |name| headers.split("\r\n").any(|line| line.starts_with(name));
        assert!(starts("Subject: ") && !starts("Bcc") && !starts("X-Mine"), "{mail}");
        assert!(mail.is_ascii(), "{mail}");
    }

    #[test]
    fn an_address_that_is_none_is_refused() {
        for email in ["anna", "anna@example.com, eve@example.com", "a@b\r\nBcc: c@d"] {
            let found = written(&Warning { email: email.into(), ..warning() });
            assert!(found.is_err(), "{found:?}");
        }
    }
}
