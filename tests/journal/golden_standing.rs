//! Records and a snapshot of version 4, and charges of version 3, kept for ever: they must read as they did. And what earlier
//! versions can say is written as they did.

use std::fs;

use exchequer::domain::account::{Account, AccountParts};
use exchequer::domain::account_event::AccountEvent;
use exchequer::domain::directory::{Directory, DirectoryEvent, DirectoryParts};
use exchequer::domain::ids::AccountIndex;
use exchequer::domain::outbox::{Channel, DeadLetter, Fate, Position, Settled};
use exchequer::domain::standing::{
    AlertState, Changes, ChargeStanding, StandingChange, SuspensionBenefit, Watch,
};
use exchequer::domain::strings::Strings;
use exchequer::journal::charges::{ChargesBuilder, ChargesPosted};
use exchequer::journal::forms::account_record::AccountRecord;
use exchequer::journal::forms::directory_record::DirectoryRecord;
use exchequer::journal::frame::{Kind, frames};
use exchequer::journal::snapshot::{AccountsPart, Part};
use exchequer::wal::Lsn;

use super::golden_rig::{
    charge, check_records, encoded, golden, instant, money, read_snapshot, write_snapshot,
};

const LOW_WATER: Lsn = Lsn::new(19);

fn changed(changes: Changes, available_credit: i128, threshold: i128) -> StandingChange {
    StandingChange { changes, available_credit: money(available_credit), threshold: money(threshold) }
}

/// Each change by itself, and those that come together.
fn changes() -> Vec<StandingChange> {
    vec![
        changed(Changes::ALERTED, 5, 6),
        changed(Changes::REARMED, i128::MAX, 1),
        changed(Changes::OVERDUE, i128::MIN, 0),
        changed(Changes::CLEARED, 0, 1),
        changed(Changes::SUSPENDED, -1, 0),
        changed(Changes::OVERDUE.and(Changes::SUSPENDED), -1, 0),
        changed(Changes::CLEARED.and(Changes::RESUMED).and(Changes::REARMED), 7, 7),
    ]
}

fn benefits() -> [SuspensionBenefit; 3] {
    let of = |grace_micros, grace_amount: Option<i128>| SuspensionBenefit {
        grace_micros,
        grace_amount: grace_amount.map(money),
    };
    [of(Some(72 * 3_600_000_000), Some(i128::MAX)), of(Some(0), None), of(None, Some(0))]
}

fn account_records() -> Vec<AccountRecord> {
    let set = |enabled, threshold| AccountEvent::LowBalanceAlertSet { enabled, threshold: money(threshold) };
    let mut events = vec![set(true, i128::MAX), set(false, 0)];
    let granted = benefits().map(|benefit| AccountEvent::SuspensionBenefitSet { benefit: Some(benefit) });
    events.extend(granted);
    events.push(AccountEvent::SuspensionBenefitSet { benefit: None });
    events.extend(changes().into_iter().map(|change| AccountEvent::StandingChanged { change }));
    let record = |(sequence, event)| AccountRecord {
        account: AccountIndex(5),
        sequence,
        at: instant(-1),
        actor: "clock".into(),
        remembered: None,
        event,
    };
    (1..).zip(events).map(record).collect()
}

fn position(lsn: u64, nth: u32) -> Position {
    Position { lsn, nth }
}

fn directory_record() -> DirectoryRecord {
    let settled = |nth, fate| Settled { position: position(8, nth), at: instant(9), fate };
    let dead = Fate::Dead { attempts: 12, reason: "no answer".into() };
    let settled = [settled(0, Fate::Delivered), settled(1, Fate::NoAddress), settled(2, dead)].into();
    let (channel, next) = ("email".into(), position(8, 1));
    DirectoryRecord {
        sequence: 4,
        at: instant(5),
        actor: "provider".into(),
        remembered: None,
        events: vec![DirectoryEvent::NotificationsSettled { channel, next, settled }],
    }
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_records_of_version_4() {
    fs::write(golden("records-v4"), encoded(account_records(), &directory_record())).unwrap();
}

#[test]
fn records_of_version_4_say_the_same_for_ever() {
    let bytes = fs::read(golden("records-v4")).unwrap();
    let mut frames = frames(&bytes).map(Result::unwrap);
    check_records(&mut frames, 4, account_records(), directory_record());
    assert!(frames.next().is_none());
}

#[test]
fn records_of_every_version_are_written_as_they_were() {
    for name in ["records-v2", "records-v3", "records-v4"] {
        let bytes = fs::read(golden(name)).unwrap();
        let (mut written, mut kept) = (Vec::new(), 0);
        for frame in frames(&bytes).map(Result::unwrap) {
            match frame.kind {
                Kind::Account => AccountRecord::decode(&frame).unwrap().encode(&mut written),
                Kind::Directory => DirectoryRecord::decode(&frame).unwrap().encode(&mut written),
                _ => break, // those of enterprises come last, and have one version
            }
            kept = written.len();
        }
        assert!(kept > 0 && bytes.starts_with(&written), "{name}");
    }
}

/// Of the rows of a record, the even ones change a standing.
fn standings() -> Vec<(usize, ChargeStanding)> {
    let instants = [i64::MIN, 0, 1, -1, i64::MAX, 2, 3];
    let items = changes().into_iter().zip(instants).enumerate();
    let standing = |(nth, (change, at))| (nth * 2, ChargeStanding { change, at: instant(at) });
    items.map(standing).collect()
}

fn rows() -> usize {
    2 * standings().len()
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_charges_of_version_3() {
    let mut builder = ChargesBuilder::default();
    for row in 0..rows() {
        builder.push(&charge(row as u64));
        for (_, standing) in standings().iter().filter(|(place, ..)| *place == row) {
            builder.push_standing(standing);
        }
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    fs::write(golden("charges-posted-v3"), bytes).unwrap();
}

#[test]
fn charges_of_version_3_say_the_same_for_ever() {
    let bytes = fs::read(golden("charges-posted-v3")).unwrap();
    let frame = frames(&bytes).next().unwrap().unwrap();
    assert_eq!(frame.version, 3);
    let posted = ChargesPosted::decode(&frame).unwrap();
    let found: Vec<_> = posted.iter().map(Result::unwrap).collect();
    assert_eq!(found, (0..rows() as u64).map(charge).collect::<Vec<_>>());
    assert_eq!(posted.standings(), standings());
    assert_eq!(posted.deductions().count(), 0);
}

#[test]
fn charges_of_every_version_are_written_as_they_were() {
    for name in ["charges-posted-v1", "charges-posted-v2", "charges-posted-v3"] {
        let bytes = fs::read(golden(name)).unwrap();
        let frame = frames(&bytes).next().unwrap().unwrap();
        let posted = ChargesPosted::decode(&frame).unwrap();
        let mut builder = ChargesBuilder::default();
        posted.strings.iter().for_each(|(number, text)| builder.push_string(*number, text));
        for (row, charge) in posted.iter().enumerate() {
            builder.push(&charge.unwrap());
            let parts: Vec<_> = posted.deductions().filter(|(place, _)| *place == row).collect();
            builder.push_deductions(&parts.into_iter().map(|(_, part)| part).collect::<Vec<_>>());
            for (_, standing) in posted.standings().iter().filter(|(place, ..)| *place == row) {
                builder.push_standing(standing);
            }
        }
        let mut written = Vec::new();
        builder.finish(&mut written);
        assert_eq!(written, bytes, "{name}");
    }
}

/// An account of each state of an alert, overdue and suspended ones among them.
fn accounts() -> Vec<AccountParts> {
    let firing = AlertState::Firing { sent: 4, next_at: instant(9) };
    let alerts = [
        AlertState::Off,
        AlertState::Armed,
        AlertState::Waiting,
        firing,
        AlertState::Ended,
        AlertState::Ended,
    ];
    let watch = |(nth, alert): (usize, AlertState)| Watch {
        threshold: money(if alert == AlertState::Off { 0 } else { 50 }),
        alert,
        benefit: benefits().get(nth).copied(),
        overdue_since: (nth > 3).then_some(instant(5)),
    };
    let mut accounts: Vec<_> = alerts
        .into_iter()
        .enumerate()
        .map(|(nth, alert)| AccountParts {
            watch: Some(Box::new(watch((nth, alert)))),
            overdue: nth > 3,
            suspended: nth > 4,
            ..Account::placeholder(AccountIndex(0)).to_parts()
        })
        .collect();
    // Nobody had to watch it.
    accounts.push(AccountParts {
        overdue: true,
        suspended: true,
        ..Account::placeholder(AccountIndex(0)).to_parts()
    });
    accounts
}

fn directory_parts() -> DirectoryParts {
    let letter = |attempts| DeadLetter { at: instant(8), attempts, reason: "no answer".into() };
    let email = Channel {
        next: position(8, 1),
        done: [position(8, 2), position(9, 0)].into(),
        dead: [(position(7, 0), letter(1)), (position(8, 2), letter(u32::MAX))].into(),
    };
    let ids = (0..accounts().len()).map(|nth| format!("a{nth}").into());
    DirectoryParts {
        sequence: 4,
        accounts: ids.collect(),
        channels: vec![("email".into(), email), ("in_app".into(), Channel::default())],
        ..Directory::new(1).to_parts()
    }
}

#[test]
#[ignore = "writes the golden files of this version; once, when a format version is new"]
fn write_the_golden_snapshot_of_version_4() {
    let mut part = AccountsPart::default();
    for (index, account) in (0..).zip(accounts()) {
        part.push(AccountIndex(index), &account, std::iter::empty());
    }
    let parts = [part.finish(), Part::directory(&directory_parts()), Part::strings(&Strings::default())];
    write_snapshot("snapshot-v4", LOW_WATER, &parts);
}

#[test]
fn a_snapshot_of_version_4_says_the_same_for_ever() {
    let state = read_snapshot("snapshot-v4", LOW_WATER);
    let expect = (0..).zip(accounts()).map(|(index, account)| (AccountIndex(index), account, vec![]));
    assert_eq!(state.accounts, expect.collect::<Vec<_>>());
    assert_eq!(state.directory, directory_parts());
}

#[test]
fn a_snapshot_of_version_3_knows_no_alerts_and_nobody_who_is_overdue() {
    let state = read_snapshot("snapshot-v3", Lsn::new(18));
    let (_, account, _) = &state.accounts[0];
    assert_eq!((&account.watch, account.overdue, account.suspended), (&None, false, false));
    assert_eq!(state.directory.channels, []);
}
