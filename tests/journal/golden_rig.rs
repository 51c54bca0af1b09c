//! Golden files: what the tests of each version do with them, and what they are written of.

use std::fs;
use std::path::{Path, PathBuf};

use exchequer::domain::charge::Category;
use exchequer::domain::ids::{AccountIndex, CloudIndex};
use exchequer::domain::money::Money;
use exchequer::domain::strings::StringId;
use exchequer::domain::time::{Cycle, Timestamp};
use exchequer::journal::charges::{ChargeId, Label, PostedCharge};
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::journal::forms::directory_record::DirectoryRecord;
use exchequer::journal::frame::Frame;
use exchequer::journal::snapshot::{Part, SnapshotState, SnapshotWriter, read_first_whole};
use exchequer::wal::{Lsn, SimStorage};

const DIRECTORY_ID: [u8; 16] = [3; 16];

pub fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

pub fn money(units: i128) -> Money {
    Money::from_units(units)
}

pub fn instant(micros: i64) -> Timestamp {
    Timestamp::from_micros(micros)
}

/// The charge of a row: they differ in their numbers.
pub fn charge(row: u64) -> PostedCharge<'static> {
    let cycle = Cycle::new(2026, 5).unwrap();
    PostedCharge {
        account: AccountIndex(7),
        sequence: 41 + row,
        cloud: CloudIndex(9),
        amount: "12.5".parse().unwrap(),
        period_start: instant(-5),
        cycle,
        original_cycle: cycle,
        category: Category::Usage,
        correction: false,
        id: ChargeId::new("an id"),
        source: Label { number: StringId::INLINE, inline: "meter" },
        service: Label::EMPTY,
        sku: Label::EMPTY,
        unit: Label::EMPTY,
        quantity: None,
        description: "words",
        tags: "{}",
        import_row: 0,
    }
}

/// Records of an account, and one of the directory behind them.
pub fn encoded(accounts: Vec<AccountRecord>, directory: &DirectoryRecord) -> Vec<u8> {
    let mut bytes = Vec::new();
    for record in accounts {
        record.encode(&mut bytes);
    }
    directory.encode(&mut bytes);
    bytes
}

/// The next records are these, of that version.
pub fn check_records<'a>(
    frames: &mut impl Iterator<Item = Frame<'a>>,
    version: u8,
    accounts: Vec<AccountRecord>,
    directory: DirectoryRecord,
) {
    for expected in accounts {
        let frame = frames.next().unwrap();
        assert_eq!((AccountRecord::decode(&frame).unwrap(), frame.version), (expected, version));
    }
    let frame = frames.next().unwrap();
    assert_eq!((DirectoryRecord::decode(&frame).unwrap(), frame.version), (directory, version));
}

/// Where a snapshot stands in a data directory.
fn path(low_water: Lsn) -> String {
    format!("snapshots/{:020}.snap", low_water.number())
}

pub fn write_snapshot(name: &str, low_water: Lsn, parts: &[Part]) {
    let storage = SimStorage::new(1);
    let mut writer = SnapshotWriter::create(&storage, DIRECTORY_ID, low_water).unwrap();
    for part in parts {
        writer.write(part).unwrap();
    }
    writer.finish(Lsn::NOTHING).unwrap();
    fs::write(golden(name), storage.file(&path(low_water)).unwrap()).unwrap();
}

pub fn read_snapshot(name: &str, low_water: Lsn) -> SnapshotState {
    let storage = SimStorage::new(1);
    storage.set_file(&path(low_water), &fs::read(golden(name)).unwrap());
    let mut broken = Vec::new();
    let read = read_first_whole(&storage, DIRECTORY_ID, [low_water].into_iter(), &mut broken).unwrap();
    assert!(broken.is_empty(), "{broken:?}");
    read.unwrap()
}
