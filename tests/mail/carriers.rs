//! What carries mail besides a server in clear: encryption, files, nothing.

use std::fs;
use std::path::Path;

use stokehold_tests::poll;
use tempfile::TempDir;

use crate::house::{House, files};
use crate::mailbox::Mailbox;

#[test]
fn each_mail_is_a_file() {
    let mails = tempfile::tempdir().expect("a directory");
    let directory = mails.path().join("out");
    let house = House::start(&files(&directory));
    house.warned("anna", &["anna@example.com", "bert@example.com"]);
    house.authorize("anna", 6.0);
    poll::until("two mails", || (read(&directory).len() == 2).then_some(()));
    house.close();
    let mails = read(&directory);
    assert!(mails.iter().all(|mail| mail.contains("4 Credits available")), "{mails:?}");
    for to in ["To: anna@example.com\r\n", "To: bert@example.com\r\n"] {
        assert_eq!(mails.iter().filter(|mail| mail.contains(to)).count(), 1, "{mails:?}");
    }
}

#[test]
fn without_a_carrier_mails_wait() {
    let house = House::start(&[]);
    house.warned("anna", &["anna@example.com"]);
    house.authorize("anna", 6.0);
    let said = "their owners cannot be told";
    poll::until("it is said", || house.server.output().contains(said).then_some(()));
    house.warned("bert", &["bert@example.com"]);
    house.authorize("bert", 6.0);
    assert!(house.outbox().iter().all(|entry| entry.is_due && entry.attempts == 0));
    let mails = tempfile::tempdir().expect("a directory");
    let house = house.restart(&files(mails.path()));
    poll::until("two mails", || (read(mails.path()).len() == 2).then_some(()));
    assert!(!house.close().contains(said));
}

#[test]
fn the_connection_is_encrypted_before_anything_is_said() {
    for (tls, options) in [("starttls", &[] as &[_]), ("implicit", &["--implicit"])] {
        let certificate = Certificate::new("localhost");
        let options =
            [options, &certificate.options(), &["--login", "house:1234"] as &[_]].concat();
        let mailbox = Mailbox::start(&options);
        let settings = [
            ("STOKEHOLD_MAIL_HOST", "localhost"),
            ("STOKEHOLD_MAIL_TLS", tls),
            ("STOKEHOLD_MAIL_USERNAME", "house"),
            ("STOKEHOLD_MAIL_PASSWORD", "1234"),
            ("SSL_CERT_FILE", certificate.path.as_str()),
        ];
        let house = House::with(&mailbox, &settings);
        house.warned("anna", &["anna@example.com"]);
        house.authorize("anna", 6.0);
        assert_eq!(mailbox.next("login")["success"], true);
        let mail = mailbox.mail("anna@example.com");
        assert!(mail["encrypted"] == true && mail["authenticated"] == true, "{mail:#}");
        house.close();
    }
}

#[test]
fn a_server_without_a_certificate_for_its_name_gets_nothing() {
    let [mine, other] = [Certificate::new("localhost"), Certificate::new("other.example.com")];
    let plain = Mailbox::open();
    let wrong = Mailbox::start(&other.options());
    for (mailbox, trusted, why) in [
        (&plain, &mine, "STARTTLS"),
        (&wrong, &other, "not valid for name"),
        (&wrong, &mine, "invalid peer certificate"),
    ] {
        let settings = [
            ("STOKEHOLD_MAIL_HOST", "localhost"),
            ("STOKEHOLD_MAIL_TLS", "starttls"),
            ("SSL_CERT_FILE", trusted.path.as_str()),
        ];
        let house = House::with(mailbox, &settings);
        house.warned("anna", &["anna@example.com"]);
        house.authorize("anna", 6.0);
        let tried = house.await_first("an attempt", |entry| entry.attempts > 0);
        assert!(tried.error.is_some_and(|error| error.contains(why)));
        house.close();
    }
}

/// The files of a directory, the finished ones.
fn read(directory: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(directory) else { return Vec::new() };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    let finished = paths.filter(|path| {
        path.file_name().is_some_and(|name| !name.to_string_lossy().starts_with('.'))
    });
    finished.map(|path| fs::read_to_string(path).expect("a mail")).collect()
}

/// A certificate that signs itself, made for this test.
struct Certificate {
    path: String,
    key: String,
    _directory: TempDir,
}

impl Certificate {
    fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).expect("a certificate");
        let write = |name, text| {
            let path = directory.path().join(name);
            fs::write(&path, text).expect("written");
            path.to_str().expect("a path of text").to_owned()
        };
        let path = write("certificate.pem", made.cert.pem());
        let key = write("key.pem", made.signing_key.serialize_pem());
        Certificate { path, key, _directory: directory }
    }

    /// What a mail server needs of it.
    fn options(&self) -> [&str; 4] {
        ["--certificate", &self.path, "--key", &self.key]
    }
}
