//! A whole data directory of format version 1, kept for ever: it must open, report and verify exactly as it did.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use exchequer::domain::charge::{Category, Charge};
use exchequer::domain::charge_batch::ChargeBatch;
use exchequer::domain::ids::{AccountIndex, CloudIndex};
use exchequer::domain::profile::{AccountType, Site};
use exchequer::domain::strings::StringId;
use exchequer::domain::time::{Cycle, Timestamp, UtcOffset};
use exchequer::engine::listing::AccountFilter;
use exchequer::engine::report::{ReportKey, ReportQuery};
use exchequer::engine::verify::verify;
use exchequer::engine::{AccountSettings, Command, Config, Engine, EngineError, OnError, Request};
use exchequer::journal::charges::{ChargeId, ChargesBuilder, ChargesPosted, Label, PostedCharge};
use exchequer::journal::frame::frames;
use exchequer::wal::OsStorage;

use crate::rig::{amount, at, config, keyed};

const DAY: &str = "2026-01-10T00:00:00Z";

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn config_of(directory: &Path, shards: usize) -> Config {
    Config { data_dir: directory.to_owned(), ..config(OsStorage::open(directory, true).unwrap(), shards) }
}

/// A charge with every field.
fn full<'a>(cloud: &'a str, id: &'a str, cents: i64, import_row: u64) -> Charge<'a> {
    Charge {
        billing_cycle: Cycle::new(2025, 12),
        category: Category::Tax,
        correction: true,
        service: "compute",
        sku: "s-1",
        quantity: Some("7.25".parse().unwrap()),
        unit: "hours",
        description: "a service at work",
        tags: "{\"team\":\"blue\"}",
        import_row,
        ..Charge::usage(cloud, "import", id, amount(cents), "USD", at(DAY))
    }
}

fn charges(mark: &str) -> ChargeBatch {
    let mut batch = ChargeBatch::new();
    let start = at("2026-02-28T23:59:59.999999Z");
    let precise = "0.000000000000000001".parse().unwrap();
    batch.push(&Charge::usage("acme", "meter", mark, precise, "USD", at(DAY)));
    batch.push(&Charge::usage(
        "acme",
        "meter",
        "67e55044-10b1-426f-9247-bb680e5fe0c8",
        amount(-250),
        "USD",
        start,
    ));
    batch.push(&Charge::usage("acme/eu", "meter", mark, amount(1), "USD", start));
    batch.push(&Charge::usage(
        "acme/eu",
        "meter",
        &format!("{mark} late"),
        amount(2),
        "USD",
        at("2026-04-01T00:00:00Z"),
    ));
    batch.push(&Charge::usage("partner", "meter", mark, amount(99), "EUR", start));
    let import_row = if mark == "before" { 3 } else { 4 };
    batch.push(&full("globex", &format!("{mark} full"), 12_345, import_row));
    batch
}

/// One of every command.
fn commands() -> Vec<Command> {
    let settings = AccountSettings {
        kind: Some(AccountType::Ecosystem),
        owner: Some("Partner Inc.".to_owned()),
        currency: exchequer::domain::ids::Currency::parse("EUR"),
        name: Some("the partner".to_owned()),
        utc_offset: UtcOffset::from_minutes(480),
        site: Some(Site::China),
        contact: Some("partner@example.com".to_owned()),
        credit_enabled: Some(false),
        pay_on_behalf: Some(true),
        payment_terms_days: Some(30),
    };
    let rename = AccountSettings { name: Some("Acme Corporation".to_owned()), ..AccountSettings::default() };
    let id = str::to_owned;
    vec![
        Command::register_cloud_account("acme"),
        Command::RegisterCloudAccount { cloud_account: id("partner"), settings },
        Command::OpenBillingAccount {
            billing_account: id("globex, billing"),
            settings: AccountSettings::default(),
        },
        Command::RegisterPaidCloudAccount {
            cloud_account: id("globex"),
            billing_account: id("globex, billing"),
        },
        Command::RegisterPaidCloudAccount { cloud_account: id("acme/eu"), billing_account: id("acme") },
        Command::register_cloud_account("gone"),
        Command::SetPayer {
            cloud_accounts: vec![id("acme/eu")],
            billing_account: id("globex, billing"),
            effective_at: Some(at("2026-03-01T00:00:00Z")),
        },
        Command::SetPayer {
            cloud_accounts: vec![id("gone"), id("globex")],
            billing_account: id("acme"),
            effective_at: Some(at("2025-11-01T00:00:00Z")),
        },
        Command::TopUp { billing_account: id("acme"), amount: amount(10_000), reference: Some(id("wire 7")) },
        Command::AdjustCash {
            billing_account: id("acme"),
            amount: amount(-1),
            reason: id("a cent too many"),
        },
        Command::GrantCreditLimit { billing_account: id("acme"), amount: amount(50_000) },
        Command::SetQuota { billing_account: id("partner"), amount: amount(77_700) },
        Command::ModifyBillingAccount { billing_account: id("acme"), settings: rename },
        Command::FreezeBillingAccount { billing_account: id("globex, billing") },
        Command::FreezeBillingAccount { billing_account: id("acme") },
        Command::ThawBillingAccount { billing_account: id("acme") },
        Command::CancelBillingAccount { billing_account: id("gone") },
    ]
}

fn request(command: &Command, number: usize) -> Request {
    Request { at: Some(at(DAY)), ..keyed(command, format!("key {number}")) }
}

/// Everything that can be asked, as text.
fn told(engine: &Engine) -> String {
    let mut text = String::new();
    for account in engine.list_accounts(&AccountFilter::default(), 0, 100).unwrap().items {
        let one = engine.account_overview(&account.billing_account).unwrap();
        writeln!(
            text,
            "account {}, {}, `{}` of `{}`, {:?}, {}, {}, {}, {}, credit {}, on behalf {}, {} days, {}, {}, {}",
            one.billing_account,
            one.number,
            one.name,
            one.owner,
            one.contact,
            one.kind,
            one.status,
            one.site,
            one.currency,
            one.credit_enabled,
            one.pay_on_behalf,
            one.payment_terms_days,
            one.utc_offset,
            one.created_at,
            one.cloud_accounts.join(" ")
        )
        .unwrap();
        writeln!(
            text,
            "  cash {}, limit {}, unsettled {}, quota {}, consumed {}, unbilled {}, available {}, {} charges",
            one.cash_balance,
            one.credit_limit,
            one.unsettled_current,
            one.quota,
            one.quota_consumed,
            one.unbilled,
            one.available_credit,
            one.charges
        )
        .unwrap();
        for record in engine.change_records(&one.billing_account, None).unwrap() {
            let money = [record.amount, record.before, record.after]
                .map(|money| money.map_or_else(|| "-".to_owned(), |money| money.to_string()));
            writeln!(
                text,
                "  {} at {}: {} {} {money:?} by {}, {:?}",
                record.transaction, record.at, record.asset, record.kind, record.actor, record.reason
            )
            .unwrap();
        }
    }
    let query = ReportQuery { by: ReportKey::ALL.to_vec(), ..ReportQuery::default() };
    for item in engine.report(&query).unwrap() {
        writeln!(text, "{}: {} charges, {}", item.keys.join(" | "), item.charges, item.amount).unwrap();
    }
    text
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let (path, target) = {
            let entry = entry.unwrap();
            (entry.path(), to.join(entry.file_name()))
        };
        if path.is_dir() {
            copy(&path, &target);
        } else if path.file_name().is_some_and(|name| name != "LOCK") {
            fs::copy(&path, &target).unwrap();
        }
    }
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_directory() {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::open(config_of(directory.path(), 2)).unwrap();
    for (number, command) in commands().iter().enumerate() {
        engine.execute(&request(command, number)).unwrap();
    }
    engine.post(&charges("before"), OnError::Continue).unwrap();
    engine.snapshot().unwrap();
    engine.post(&charges("after"), OnError::Continue).unwrap();
    engine.execute(&request(&Command::top_up("acme", amount(5)), 99)).unwrap();
    fs::write(golden("ledger-v1.txt"), told(&engine)).unwrap();
    engine.close().unwrap();
    copy(directory.path(), &golden("ledger-v1"));
}

#[test]
fn a_directory_of_version_1_opens_reports_and_verifies_exactly() {
    let expected = fs::read_to_string(golden("ledger-v1.txt")).unwrap();
    for shards in 1..=3 {
        for keeps_snapshot in [true, false] {
            let directory = tempfile::tempdir().unwrap();
            copy(&golden("ledger-v1"), directory.path());
            if !keeps_snapshot {
                fs::remove_dir_all(directory.path().join("snapshots")).unwrap();
            }
            let report = verify(&config_of(directory.path(), shards)).unwrap();
            assert!(report.ok, "{report:?}");
            let engine = Engine::open(config_of(directory.path(), shards)).unwrap();
            assert_eq!(engine.opened().snapshot.is_some(), keeps_snapshot);
            assert_eq!(told(&engine), expected);
            for mark in ["before", "after"] {
                let report = engine.post(&charges(mark), OnError::Continue).unwrap();
                assert_eq!((report.duplicate, report.items.len()), (6, 0), "{report:?}");
            }
            for (number, command) in commands().iter().enumerate() {
                engine.execute(&request(command, number)).unwrap();
            }
            let other = engine.execute(&request(&Command::top_up("acme", amount(6)), 99));
            assert!(matches!(other, Err(EngineError::Refused { .. })), "{other:?}");
            assert_eq!(told(&engine), expected);
            engine.close().unwrap();
        }
    }
}

/// What a directory of any usual size does not hold: texts in the row, because the table of texts is full.
fn inline_charges() -> Vec<PostedCharge<'static>> {
    let inline = |text| Label { number: StringId::INLINE, inline: text };
    let charge = PostedCharge {
        account: AccountIndex(7),
        sequence: 41,
        cloud: CloudIndex(9),
        amount: "-79228162514.264337593543950335".parse().unwrap(),
        period_start: Timestamp::from_micros(-5),
        cycle: Cycle::new(2026, 5).unwrap(),
        original_cycle: Cycle::new(2026, 5).unwrap(),
        category: Category::Adjustment,
        correction: true,
        id: ChargeId::new("an id"),
        source: inline("rare source"),
        service: inline("rare service"),
        sku: Label { number: StringId(4), inline: "" },
        unit: inline("rare unit"),
        quantity: None,
        description: "words",
        tags: "{}",
        import_row: 12,
    };
    let uuid = ChargeId::new("67e55044-10b1-426f-9247-bb680e5fe0c8");
    vec![charge, PostedCharge { id: uuid, sequence: 42, quantity: Some("0.5".parse().unwrap()), ..charge }]
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_record() {
    let mut builder = ChargesBuilder::default();
    builder.push_string(StringId(4), "a sku");
    inline_charges().iter().for_each(|charge| builder.push(charge));
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    fs::write(golden("charges-posted-v1"), bytes).unwrap();
}

#[test]
fn a_record_of_charges_of_version_1_says_the_same_for_ever() {
    let bytes = fs::read(golden("charges-posted-v1")).unwrap();
    let frame = frames(&bytes).next().unwrap().unwrap();
    let posted = ChargesPosted::decode(&frame).unwrap();
    assert_eq!(posted.strings, [(StringId(4), "a sku")]);
    let rows: Vec<_> = posted.iter().map(Result::unwrap).collect();
    assert_eq!(rows, inline_charges());
}
