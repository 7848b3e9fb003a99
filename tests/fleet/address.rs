//! `--database`: what it goes with, and what is said where the database cannot be opened.

use std::fs;

use stokehold_tests::binary::{Ran, command, run};
use stokehold_tests::poll;
use stokehold_tests::postgres::Postgres;
use stokehold_tests::server::Server;

use crate::{assert_clean, directory, ledger, text};

const PASSWORD: &str = "a-password-nobody-sees";

/// Starts a server that is expected to end by itself.
fn refused(arguments: &[&str], settings: &[(&str, &str)]) -> Ran {
    let mut command = command(&["serve", "--listen", "127.0.0.1:0"]);
    let output = command.args(arguments).envs(settings.iter().copied()).output();
    Ran::new(output.expect("the program starts"))
}

/// Both who serves and who only looks are told.
#[track_caller]
fn cannot_open(database: &str, why: &str, hint: &str) {
    let serving = refused(&["--sandbox", "--database", database], &[]);
    let looking = ledger("verify", &[], database);
    for ran in [serving, looking] {
        ran.failed(1, "", why, hint);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains(PASSWORD), "{ran:?}");
    }
}

#[test]
fn an_address_that_leads_nowhere_is_told_from_one_that_is_none() {
    let wrong = format!("mysql://anna:{PASSWORD}@localhost/ledger");
    cannot_open(&wrong, "has to start with postgres://", "");
    let wrong = format!("postgres://anna:{PASSWORD}@localhost:port/ledger");
    cannot_open(&wrong, "is not postgres://user:password@host/database", "");
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = nobody.local_addr().expect("an address").port();
    drop(nobody);
    let away = format!("postgres://anna:{PASSWORD}@127.0.0.1:{port}/ledger");
    cannot_open(&away, "Connection refused", "is the server up");
}

#[test]
fn a_server_that_refuses_says_why() {
    let postgres = Postgres::start();
    let missing = postgres.url().replace("/postgres", "/nothing");
    cannot_open(&missing, "database \"nothing\" does not exist", "createdb");

    ask_passwords(&postgres);
    let server = postgres.url();
    let (_, host) = server.split_once('@').expect("a user");
    let of = |password: &str| format!("postgres://anna:{password}@{host}");
    cannot_open(&of("wrong"), "password authentication failed for user \"anna\"", "pg_hba.conf");
    // Whoever does not own the database makes no tables in it.
    let mine = refused(&["--sandbox", "--database", &of(PASSWORD)], &[]);
    mine.failed(1, "cannot start", "permission denied for schema public", "own the database");
    postgres.sql("ALTER DATABASE postgres OWNER TO anna");
    let data = directory();
    Server::sandbox_on(&of(PASSWORD), data.path()).stop();
    let verified = ledger("verify", &[], &of(PASSWORD));
    assert!(verified.stdout.starts_with("clean"), "{verified:?}");
}

/// Makes a user who has to show a password.
fn ask_passwords(postgres: &Postgres) {
    postgres.sql(&format!("CREATE ROLE anna LOGIN PASSWORD '{PASSWORD}'"));
    let file = postgres.sql("SHOW hba_file");
    let rules = fs::read_to_string(&file).expect("the server's rules");
    let rules = format!("host all anna 127.0.0.1/32 scram-sha-256\n{rules}");
    fs::write(&file, rules).expect("the rules are changed");
    postgres.sql("SELECT pg_reload_conf()");
    let asks = "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method = 'scram-sha-256'";
    assert_eq!(postgres.sql(asks), "1");
    let open = postgres.url().replace("stokehold@", "anna@");
    poll::until("the server asks for passwords", || {
        let ran = ledger("verify", &[], &open);
        ran.stderr.contains("password").then_some(())
    });
}

#[test]
fn a_database_opens_as_it_was_made_and_with_no_older_program() {
    let (postgres, data) = (Postgres::start(), directory());
    let nothing = ledger("verify", &[], &postgres.url());
    nothing.failed(1, "cannot be opened", "holds no Stokehold data", "as `serve` was given it");
    Server::sandbox_on(&postgres.url(), data.path()).stop();
    let production = refused(&["--database", &postgres.url()], &[]);
    production.failed(1, "cannot start", "was made with --sandbox", "as it was made");
    assert_clean(&postgres);
    postgres.sql(
        "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
         VALUES (9999, 'later', '', '')",
    );
    cannot_open(&postgres.url(), "is of version 9999", "newer program");
}

#[test]
fn the_command_line_says_which_of_the_two() {
    let data = directory();
    let away = format!("postgres://anna:{PASSWORD}@127.0.0.1:1/ledger");
    for task in [&["serve"] as &[_], &["ledger", "verify"]] {
        let both = run(&[task, &["--data", "x", "--database", "postgres://localhost/x"]].concat());
        assert_eq!(both.code, Some(2), "{both:?}");
        assert!(both.stderr.contains("'--data <DIR>' cannot be used with"), "{both:?}");
    }
    // What the configuration says counts where the command line says nothing, and only there.
    let variable = [("STOKEHOLD_STORE_DATABASE", away.as_str())];
    refused(&["--sandbox"], &variable).failed(1, "cannot start", "Connection refused", "");
    let here = ["--sandbox", "--data", text(data.path())];
    Server::start(data.path(), &here, &variable).stop();

    let file = data.path().join("stokehold.toml");
    fs::write(&file, format!("[store]\ndatabase = \"{away}\"\n")).expect("a file");
    let config = ["--config", text(&file)];
    run(&[&["ledger", "verify"] as &[_], &config].concat()).failed(1, "", "Connection refused", "");
    let here = ["ledger", "verify", "--data", text(data.path())];
    run(&[&here as &[_], &config].concat()).success();
    let shown = run(&[&["config", "print"] as &[_], &config].concat()).success();
    assert!(shown.contains("database = \"(redacted)\"") && !shown.contains(PASSWORD), "{shown}");
}

#[test]
fn an_address_may_stand_in_a_file_of_its_own() {
    let (postgres, data) = (Postgres::start(), directory());
    let file = data.path().join("database");
    fs::write(&file, format!("{}\n", postgres.url())).expect("a file");
    let setting = [("STOKEHOLD_STORE_DATABASE_FILE", text(&file))];
    Server::start(data.path(), &["--sandbox"], &setting).stop();
    assert_clean(&postgres);
    let mut looking = command(&["ledger", "verify"]);
    let looked = looking.envs(setting).output().expect("the program starts");
    Ran::new(looked).success();
}
