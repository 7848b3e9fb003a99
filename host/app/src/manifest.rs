//! The manifest, `service.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU64;
use std::ops::Range;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use stokehold_ledger::{Cents, Credits, Tariff};
use stokehold_runtime::Host;
use toml::Spanned;

/// What a provider says of a service and its price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Manifest {
    /// The service's technical name: `[a-z][a-z0-9_-]{1,62}`.
    pub name: String,
    /// Its name for people.
    pub label: String,
    /// What one credit is called.
    pub unit: String,
    /// What the service does, in words.
    pub description: String,
    /// Where its privacy policy stands; may be empty.
    pub privacy_policy: String,
    /// What an eligible database gets on its first use.
    pub trial_credits: Credits,
    /// The file that clients are shown when credits run out.
    pub credit_template: Option<String>,
    /// The component's file, seen from the manifest.
    pub component_path: String,
    /// How fuel and credits relate.
    pub tariff: Tariff,
    /// The price of every call, where it is fixed: then no quote is asked for.
    pub credits_per_call: Option<Credits>,
    /// What is captured.
    pub settle: Settle,
    /// What calls cost that end otherwise than with an answer.
    pub on: On,
    /// How much of a call's fuel `fuel-remaining` does not show, in millionths.
    pub finish_reserve_millionths: u32,
    /// The memory of one guest, in bytes.
    pub memory_bytes_max: usize,
    /// How long a call may run.
    pub deadline: Duration,
    /// How many calls may run at once.
    pub concurrency: u32,
    /// The hosts that it wants to reach.
    pub outbound: Vec<Host>,
    /// What it is told through `wasi:config`.
    pub config: BTreeMap<String, String>,
    /// The secrets that it is told besides: their names.
    pub secrets: Vec<String>,
    /// What is for sale.
    pub packs: Vec<PackRow>,
}

/// What is captured of a call that succeeded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Settle {
    /// The whole hold, or what the guest has lowered it to.
    #[default]
    Authorized,
    /// What the fuel cost that was used, rounded up to a micro-credit; the hold at the most.
    Fuel,
}

/// What a call costs that has ended without an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cost {
    /// Nothing.
    #[default]
    Cancel,
    /// What the fuel cost that it used.
    CaptureUsed,
}

/// What calls cost that end otherwise than with an answer. Those that are not named here cost
/// nothing, whatever a manifest says: they are the fault of the service or of its host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case", default, deny_unknown_fields)]
pub struct On {
    /// The service says that the client can mend it.
    pub user_error: Cost,
    /// The fuel that the hold bought did not suffice.
    pub out_of_fuel: Cost,
    /// It took too long.
    pub deadline: Cost,
}

/// A pack that the manifest offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PackRow {
    /// Its name.
    pub name: String,
    /// What it is, in words.
    pub description: String,
    /// How many credits.
    pub credits: Credits,
    /// What they cost together.
    pub price: Cents,
}

/// Everything that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestError {
    /// The file's name.
    pub file: String,
    /// Never empty.
    pub faults: Vec<ManifestFault>,
}

/// One thing that is wrong with a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestFault {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
    /// What to do about it.
    pub mend: String,
}

impl ManifestError {
    /// Each fault with file and line, and its mend.
    pub fn named(self) -> Vec<(String, String)> {
        let Self { file, faults } = self;
        let named =
            |fault: ManifestFault| (format!("{file}:{}: {}", fault.line, fault.what), fault.mend);
        faults.into_iter().map(named).collect()
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, fault) in self.faults.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(
                f,
                "{separator}{}:{}: {}\nhint: {}",
                self.file, fault.line, fault.what, fault.mend
            )?;
        }
        Ok(())
    }
}

impl std::error::Error for ManifestError {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    service: ServiceTable,
    component: ComponentTable,
    tariff: TariffTable,
    #[serde(default)]
    limits: LimitsTable,
    #[serde(default)]
    outbound: OutboundTable,
    #[serde(default)]
    config: BTreeMap<String, String>,
    #[serde(default)]
    secrets: SecretsTable,
    #[serde(default)]
    pack: Vec<PackTable>,
}

type Number = Spanned<toml::Value>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceTable {
    name: Spanned<String>,
    label: Spanned<String>,
    #[serde(default = "credits")]
    unit: String,
    #[serde(default)]
    description: String,
    privacy_policy: Option<Spanned<String>>,
    trial_credits: Option<Number>,
    credit_template: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ComponentTable {
    path: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TariffTable {
    fuel_per_credit: Spanned<i64>,
    credits_per_call: Option<Number>,
    #[serde(default)]
    settle: Settle,
    #[serde(default)]
    on: On,
    finish_reserve: Option<Number>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    memory_mib: Option<Spanned<u32>>,
    deadline_s: Option<Spanned<u32>>,
    concurrency: Option<Spanned<u32>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct OutboundTable {
    #[serde(default)]
    hosts: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretsTable {
    #[serde(default)]
    names: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PackTable {
    name: String,
    #[serde(default)]
    description: String,
    credits: Number,
    price_eur: Number,
}

fn credits() -> String {
    "Credits".into()
}

impl Manifest {
    /// The name of the file, by convention.
    pub const FILE_NAME: &str = "service.toml";

    /// Reads a manifest. `file` is the name that errors show.
    pub fn parse(file: &str, text: &str) -> Result<Self, ManifestError> {
        let mut reader = Reader { text, faults: Vec::new() };
        let manifest = match toml::from_str::<File>(text) {
            Ok(table) => Some(reader.manifest(table)),
            Err(error) => {
                let mend = mend(error.message());
                reader.fault(error.span(), error.message(), &mend);
                None
            }
        };
        match manifest {
            Some(manifest) if reader.faults.is_empty() => Ok(manifest),
            _ => Err(ManifestError { file: file.into(), faults: reader.faults }),
        }
    }
}

/// What to do about TOML that cannot be read: names the known key that is most like an unknown one.
fn mend(message: &str) -> String {
    /// Below this, two keys have little in common (Jaro's measure, from 0 to 1).
    const ALIKE: f64 = 0.75;
    const REFERENCE: &str = "docs/manifest.md lists every key and its value";
    let mut names = message.split('`').skip(1).step_by(2);
    let unknown = names.next().filter(|_| message.starts_with("unknown field"));
    let likeness = |name: &str| strsim::jaro(unknown.unwrap_or_default(), name);
    let best = names.max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match best.filter(|best| unknown.is_some() && likeness(best) > ALIKE) {
        Some(best) => format!("did you mean {best}? {REFERENCE}"),
        None => REFERENCE.to_owned(),
    }
}

/// What a service's technical name has to be, in words.
pub const SERVICE_NAME: &str = "2 to 63 of a-z, 0-9, _ and -, and start with a letter";

/// Whether `name` is a service's technical name: `[a-z][a-z0-9_-]{1,62}`.
pub fn is_service_name(name: &str) -> bool {
    let rest = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    (2..=63).contains(&name.len())
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(rest)
}

/// What the name of a secret has, in words.
pub(crate) const SECRET_NAME: &str = "1 to 64 of a-z, A-Z, 0-9, _, - and .";

/// Whether a secret can have this name. It stands in paths.
pub(crate) fn is_secret_name(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    (1..=64).contains(&name.len())
        && name.bytes().all(is_plain)
        && !name.bytes().all(|byte| byte == b'.')
}

/// Turns the tables into a manifest and collects what is wrong on the way.
struct Reader<'a> {
    text: &'a str,
    faults: Vec<ManifestFault>,
}

impl Reader<'_> {
    fn manifest(&mut self, file: File) -> Manifest {
        let service = file.service;
        self.check(
            &service.name,
            is_service_name(service.name.get_ref()),
            &format!("the name has to be {SERVICE_NAME}"),
            "use the technical name of your client module, such as coalroller",
        );
        let label = service.label.get_ref();
        self.check(
            &service.label,
            !label.trim().is_empty() && label.len() <= 100,
            "the label has to have 1 to 100 characters",
            "give the service a name that people read, such as \"Coal Roller\"",
        );
        if let Some(policy) = &service.privacy_policy {
            self.check(
                policy,
                policy.get_ref().starts_with("https://") || policy.get_ref().starts_with("http://"),
                "the privacy policy has to be a link",
                "write it with https:// or leave it out",
            );
        }
        let fuel_per_credit = u64::try_from(*file.tariff.fuel_per_credit.get_ref()).ok();
        let fuel_per_credit = fuel_per_credit.and_then(NonZeroU64::new);
        self.check(
            &file.tariff.fuel_per_credit,
            fuel_per_credit.is_some(),
            "fuel_per_credit has to be above zero",
            "12_000_000_000 is about a second of CPU; `stokehold run` shows what a call burns",
        );
        let limits = file.limits;
        Manifest {
            name: service.name.into_inner(),
            label: service.label.into_inner(),
            unit: service.unit,
            description: service.description,
            privacy_policy: service.privacy_policy.map(Spanned::into_inner).unwrap_or_default(),
            trial_credits: service
                .trial_credits
                .map_or(Credits::ZERO, |number| self.credits(&number)),
            credit_template: service.credit_template,
            component_path: file.component.path,
            tariff: Tariff::new(fuel_per_credit.unwrap_or(NonZeroU64::MIN)),
            credits_per_call: file.tariff.credits_per_call.map(|number| self.credits(&number)),
            settle: file.tariff.settle,
            on: file.tariff.on,
            finish_reserve_millionths: file
                .tariff
                .finish_reserve
                .map_or(0, |number| self.reserve(&number)),
            memory_bytes_max: self.limit("memory_mib", limits.memory_mib, 64) as usize * (1 << 20),
            deadline: Duration::from_secs(self.limit("deadline_s", limits.deadline_s, 60).into()),
            concurrency: self.limit("concurrency", limits.concurrency, 16),
            outbound: file.outbound.hosts.iter().filter_map(|host| self.host(host)).collect(),
            secrets: self.secrets(file.secrets, &file.config),
            config: file.config,
            packs: file.pack.into_iter().map(|pack| self.pack(pack)).collect(),
        }
    }

    fn pack(&mut self, pack: PackTable) -> PackRow {
        let credits = self.credits(&pack.credits);
        self.check(
            &pack.credits,
            !credits.is_zero(),
            "a pack has to have credits",
            "write how many it sells, such as 500.0",
        );
        let price = self.price(&pack.price_eur);
        PackRow { name: pack.name, description: pack.description, credits, price }
    }

    fn host(&mut self, host: &Spanned<String>) -> Option<Host> {
        let parsed = host.get_ref().parse::<Host>();
        parsed
            .map_err(|error| {
                let mend = "a service reaches what its manifest and the operator name";
                self.fault(Some(host.span()), error.to_string(), mend);
            })
            .ok()
    }

    fn secrets(&mut self, table: SecretsTable, config: &BTreeMap<String, String>) -> Vec<String> {
        let mut names = Vec::new();
        for name in table.names {
            let text = name.get_ref();
            self.check(
                &name,
                is_secret_name(text),
                &format!("the name of a secret has {SECRET_NAME}"),
                "write a name such as \"sms_api_key\", and no value: `stokehold secret set` takes that",
            );
            self.check(
                &name,
                !config.contains_key(text) && !names.contains(text),
                &format!("{text} is named twice"),
                "a service asks for configuration and secrets by name: choose another",
            );
            names.push(name.into_inner());
        }
        names
    }

    fn limit(&mut self, name: &str, value: Option<Spanned<u32>>, default: u32) -> u32 {
        let Some(value) = value else { return default };
        let what = format!("{name} has to be above zero");
        self.check(&value, *value.get_ref() > 0, &what, "leave it out for the default");
        value.into_inner()
    }

    /// Reads an amount from its text, so that it is exact.
    fn credits(&mut self, number: &Number) -> Credits {
        let text = self.text.get(number.span()).unwrap_or_default().replace('_', "");
        Credits::from_json_number(&text).unwrap_or_else(|error| {
            let what = format!("{text} is no amount of credits: {error}");
            self.fault(Some(number.span()), what, "write a number from 0 to 1000000000");
            Credits::ZERO
        })
    }

    fn reserve(&mut self, number: &Number) -> u32 {
        const HALF: i64 = 500_000;
        let millionths = self.credits(number).micros();
        self.check(
            number,
            millionths <= HALF,
            "finish_reserve has to be from 0 to 0.5",
            "write the part of the fuel that is kept back, such as 0.02",
        );
        u32::try_from(millionths).unwrap_or(0)
    }

    fn price(&mut self, number: &Number) -> Cents {
        const MICROS_PER_CENT: i64 = 10_000;
        let micros = self.credits(number).micros();
        let cents = Cents(micros / MICROS_PER_CENT);
        self.check(
            number,
            micros % MICROS_PER_CENT == 0 && cents <= Cents::PRICE_MAX,
            "a price has two decimals and is 10000000.00 at the most",
            "write euro and cents, such as 99.90",
        );
        cents
    }

    fn check<T>(&mut self, at: &Spanned<T>, holds: bool, what: &str, mend: &str) {
        if !holds {
            self.fault(Some(at.span()), what, mend);
        }
    }

    fn fault(&mut self, at: Option<Range<usize>>, what: impl Into<String>, mend: &str) {
        let before = at.and_then(|span| self.text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        self.faults.push(ManifestFault { line, what: what.into(), mend: mend.into() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
[service]
name = "coalroller"
label = "Coal Roller"
trial_credits = 1.0

[component]
path = "coalroller.wasm"

[tariff]
fuel_per_credit = 120_000_000_000

[[pack]]
name = "500 credits"
credits = 500.0
price_eur = 99.90
"#;

    fn faults(text: &str) -> Vec<(usize, String)> {
        let error = Manifest::parse("service.toml", text).expect_err("faults");
        error.faults.into_iter().map(|fault| (fault.line, fault.what)).collect()
    }

    #[test]
    fn a_manifest_is_read_exactly() {
        let manifest = Manifest::parse("service.toml", GOOD).expect("good");
        assert_eq!(manifest.trial_credits, Credits::from_micros(1_000_000));
        assert_eq!(manifest.packs[0].price, Cents(9_990));
        assert_eq!(manifest.memory_bytes_max, 64 << 20);
        assert_eq!((manifest.unit.as_str(), manifest.settle), ("Credits", Settle::Authorized));
    }

    #[test]
    fn a_tariff_says_what_failures_cost() {
        let tariff = "[tariff]\non = { user-error = \"capture-used\", deadline = \"cancel\" }\n\
                      finish_reserve = 0.02";
        let manifest = Manifest::parse("x", &GOOD.replace("[tariff]", tariff)).expect("good");
        let on = On { user_error: Cost::CaptureUsed, ..On::default() };
        assert_eq!((manifest.on, manifest.finish_reserve_millionths), (on, 20_000));
        let traps = tariff.replace("user-error", "trap");
        assert!(faults(&GOOD.replace("[tariff]", &traps))[0].1.contains("trap"));
        let above = tariff.replace("0.02", "0.51");
        assert_eq!(faults(&GOOD.replace("[tariff]", &above))[0].0, 12);
    }

    #[test]
    fn every_fault_has_its_line() {
        let text = GOOD
            .replace("\"coalroller\"", "\"Coal\"")
            .replace("500.0", "-1")
            .replace("99.90", "0.001")
            .replace("120_000_000_000", "0");
        let lines: Vec<_> = faults(&text).into_iter().map(|(line, _)| line).collect();
        assert_eq!(lines, [3, 11, 15, 15, 16]);
    }

    #[test]
    fn secrets_are_named_and_once() {
        let text = |names: &str| {
            format!("{GOOD}[config]\nsender = \"ACME\"\n[secrets]\nnames = {names}\n")
        };
        let manifest = Manifest::parse("x", &text("[\"sms_api_key\"]")).expect("good");
        assert_eq!(manifest.secrets, ["sms_api_key"]);
        for (names, what) in [
            ("[\"a\", \"a\"]", "a is named twice"),
            ("[\"sender\"]", "sender is named twice"),
            ("[\"a/b\"]", "the name of a secret has"),
            ("[\"..\"]", "the name of a secret has"),
        ] {
            let found = faults(&text(names));
            assert!(found[0].0 == 20 && found[0].1.starts_with(what), "{found:?}");
        }
    }

    #[test]
    fn an_unknown_key_is_named_with_its_line() {
        let found = faults(&GOOD.replace("label =", "lable ="));
        assert_eq!(found[0].0, 4, "{found:?}");
        assert!(found[0].1.contains("lable"), "{found:?}");
        assert!(mend(&found[0].1).starts_with("did you mean label? "), "{found:?}");
        let found = faults(&GOOD.replace("label =", "colour ="));
        assert!(mend(&found[0].1).starts_with("docs/manifest.md"), "{found:?}");
    }

    #[test]
    fn errors_name_file_line_and_mend() {
        let error = Manifest::parse("a/service.toml", &GOOD.replace("500.0", "\"many\""));
        let text = error.expect_err("a fault").to_string();
        assert!(text.starts_with("a/service.toml:15: "), "{text}");
        assert!(text.contains("\nhint: "), "{text}");
    }

    #[test]
    fn service_names_are_narrow() {
        for (name, good) in [
            ("coalroller", true),
            ("a1", true),
            ("a", false),
            ("1a", false),
            ("a.b", false),
            ("A1", false),
        ] {
            assert_eq!(is_service_name(name), good, "{name}");
        }
        assert!(is_service_name(&"a".repeat(63)) && !is_service_name(&"a".repeat(64)));
    }
}
