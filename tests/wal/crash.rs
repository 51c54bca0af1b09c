//! A fault at every storage call, then a power loss.

use crate::harness::{Blocks, Opened, open, payload};
use exchequer::wal::{LogFault, Lsn, OpenFault, SimFault, SimStorage};

const SEGMENT_BYTES: u64 = 512;
const FAULTS: [SimFault; 5] =
    [SimFault::Crash, SimFault::Io, SimFault::NoSpace, SimFault::SyncFails, SimFault::ShortWrite];

/// What the outside world knows.
#[derive(Clone, Default, Debug)]
struct Auditor {
    /// Acknowledged, the seals too.
    acknowledged: Blocks,
    /// Handed over, not acknowledged.
    pending: Option<Vec<u8>>,
    /// Blocks below it may be gone.
    trimmed: u64,
}

#[derive(Debug)]
enum Stopped {
    Open(#[allow(dead_code)] OpenFault),
    Log(#[allow(dead_code)] LogFault),
}

impl From<OpenFault> for Stopped {
    fn from(fault: OpenFault) -> Self {
        Self::Open(fault)
    }
}

impl From<LogFault> for Stopped {
    fn from(fault: LogFault) -> Self {
        Self::Log(fault)
    }
}

impl Auditor {
    fn append(&mut self, log: &mut Opened, size: usize) -> Result<(), LogFault> {
        let bytes = payload(self.acknowledged.len() as u64 + 1, size);
        self.pending = Some(bytes.clone());
        let lsn = log.writer.append(&[&bytes], 1)?;
        self.acknowledge(lsn, bytes);
        Ok(())
    }

    fn seal(&mut self, log: Opened) -> Result<(), LogFault> {
        self.pending = Some(Vec::new());
        let lsn = log.writer.seal()?;
        self.acknowledge(lsn, Vec::new());
        Ok(())
    }

    fn acknowledge(&mut self, lsn: Lsn, bytes: Vec<u8>) {
        assert_eq!(lsn.number(), self.acknowledged.len() as u64 + 1);
        self.acknowledged.push((lsn.number(), bytes));
        self.pending = None;
    }

    fn trim(&mut self, log: &mut Opened, below: u64) -> Result<u32, LogFault> {
        self.trimmed = self.trimmed.max(below);
        log.writer.trim(Lsn::new(below))
    }

    /// Everything acknowledged is there, and nothing else but the one block that was pending.
    fn audit(&self, found: &Blocks) -> Result<(), String> {
        let oldest = found.first().map_or(1, |(lsn, _)| *lsn);
        if oldest > self.trimmed.max(1) {
            return Err(format!("the oldest block is {oldest}, trimmed was below {}", self.trimmed));
        }
        let mut expect = self.acknowledged.clone();
        if found.last().is_some_and(|(lsn, _)| *lsn > expect.len() as u64)
            && let Some(pending) = &self.pending
        {
            expect.push((expect.len() as u64 + 1, pending.clone()));
        }
        let expect = expect.split_off(usize::try_from(oldest - 1).unwrap().min(expect.len()));
        if *found == expect {
            Ok(())
        } else {
            let lsns = |blocks: &Blocks| blocks.iter().map(|(lsn, _)| *lsn).collect::<Vec<_>>();
            Err(format!("found {:?} instead of {:?}", lsns(found), lsns(&expect)))
        }
    }
}

/// Opens, appends, rotates, trims, seals, reopens; with a block that is bigger than a segment.
fn workload(storage: &SimStorage, auditor: &mut Auditor) -> Result<(), Stopped> {
    let mut log = open(storage, SEGMENT_BYTES)?;
    for size in [0, 10, 200, 100, 150, 90] {
        auditor.append(&mut log, size)?;
    }
    auditor.seal(log)?;
    let mut log = open(storage, SEGMENT_BYTES)?;
    auditor.append(&mut log, 300)?;
    auditor.append(&mut log, 1500)?;
    assert_eq!(auditor.trim(&mut log, 7)?, 2);
    for _ in 0..4 {
        auditor.append(&mut log, 200)?;
    }
    drop(log); // not sealed: the process is gone
    let mut log = open(storage, SEGMENT_BYTES)?;
    auditor.append(&mut log, 400)?;
    assert!(auditor.trim(&mut log, 100)? > 0);
    for _ in 0..3 {
        auditor.append(&mut log, 420)?;
    }
    auditor.seal(log)?;
    drop(open(storage, SEGMENT_BYTES)?);
    Ok(())
}

/// Recovers, audits, goes on writing, loses power again, and audits again.
fn recover_and_go_on(storage: &SimStorage, auditor: &Auditor, seed: u64) -> Result<(), String> {
    let mut log = open(storage, SEGMENT_BYTES).map_err(|fault| format!("not opened: {fault}"))?;
    auditor.audit(&log.blocks)?;
    // What recovery shows is acknowledged from now on.
    let mut auditor = auditor.clone();
    if log.recovered.last.number() > auditor.acknowledged.len() as u64 {
        let pending = auditor.pending.take().expect("audited");
        auditor.acknowledge(log.recovered.last, pending);
    }
    let reopened =
        open(&storage.crash(seed), SEGMENT_BYTES).map_err(|fault| format!("not reopened: {fault}"))?;
    auditor.audit(&reopened.blocks).map_err(|error| format!("lost after it was shown: {error}"))?;
    for size in [250, 20] {
        auditor.append(&mut log, size).map_err(|fault| format!("not appended: {fault}"))?;
    }
    let reopened =
        open(&storage.crash(seed), SEGMENT_BYTES).map_err(|fault| format!("not reopened: {fault}"))?;
    auditor.audit(&reopened.blocks)
}

fn calls() -> u64 {
    let storage = SimStorage::new(0);
    let mut auditor = Auditor::default();
    workload(&storage, &mut auditor).unwrap();
    assert_eq!(auditor.acknowledged.len(), 18);
    storage.calls()
}

#[test]
fn loses_nothing_acknowledged_whatever_call_fails() {
    for call in 1..=calls() {
        for fault in FAULTS {
            let storage = SimStorage::new(call);
            storage.fail_at(call, fault);
            let mut auditor = Auditor::default();
            let stopped = workload(&storage, &mut auditor);
            // A clean-up that fails is not worth stopping for.
            assert!(stopped.is_err() || fault != SimFault::Crash, "call {call}, {fault:?}");
            for seed in 0..20 {
                recover_and_go_on(&storage.crash(seed), &auditor, seed).unwrap_or_else(|error| {
                    panic!("call {call}, {fault:?}, seed {seed}: {error}; {stopped:?}")
                });
            }
            // The process died, the machine did not.
            recover_and_go_on(&storage.restart(), &auditor, call)
                .unwrap_or_else(|error| panic!("call {call}, {fault:?}, restart: {error}; {stopped:?}"));
        }
    }
}

#[test]
fn survives_a_crash_during_recovery() {
    for call in 1..=calls() {
        let storage = SimStorage::new(call);
        storage.fail_at(call, SimFault::Crash);
        let mut auditor = Auditor::default();
        workload(&storage, &mut auditor).expect_err("crashed");
        for seed in 0..4 {
            for second in 1.. {
                let storage = storage.crash(seed);
                storage.fail_at(second, SimFault::Crash);
                if open(&storage, SEGMENT_BYTES).is_ok() {
                    break;
                }
                recover_and_go_on(&storage.crash(seed), &auditor, seed)
                    .unwrap_or_else(|error| panic!("calls {call}, {second}, seed {seed}: {error}"));
            }
        }
    }
}

#[test]
fn notices_a_disk_that_lies_about_syncs() {
    let storage = SimStorage::new(0);
    storage.ignore_syncs(true);
    let mut auditor = Auditor::default();
    workload(&storage, &mut auditor).unwrap();
    let noticed =
        (0..20).filter(|seed| recover_and_go_on(&storage.crash(*seed), &auditor, *seed).is_err()).count();
    assert_eq!(noticed, 20, "every loss is seen");
}

#[test]
fn a_stopped_writer_takes_nothing_more() {
    let storage = SimStorage::new(0);
    let mut log = open(&storage, SEGMENT_BYTES).unwrap();
    log.writer.append(&[b"one"], 1).unwrap();
    storage.fail_at(storage.calls() + 2, SimFault::SyncFails);
    let fault = log.writer.append(&[b"two"], 1).unwrap_err();
    assert_eq!(fault.to_string(), "cannot sync `wal/00000000000000000001.wal` at offset `120`, lsn `2`");
    assert!(!fault.hint().is_empty());
    let fault = log.writer.append(&[b"two"], 1).unwrap_err();
    assert!(matches!(fault, LogFault::Stopped { last } if last == Lsn::new(1)));
    assert!(matches!(log.writer.trim(Lsn::new(1)), Err(LogFault::Stopped { .. })));
    assert!(matches!(log.writer.seal(), Err(LogFault::Stopped { .. })));
}
