//! Verifying a data directory: every invariant and the whole log, without changing anything.

use super::open::{Age, describe, journal_fault, read_snapshot, shard_count, storage_of};
use super::{Config, OpenError};
use crate::domain::identities::IdentityHasher;
use crate::domain::invariants::{Invariant, Violation, check_enterprises, check_ledgers, check_write_offs};
use crate::domain::ledger::Ledger;
use crate::domain::money::RunningSum;
use crate::journal::JournalFault;
use crate::journal::replay::{Replayed, Start, replay};
use crate::journal::snapshot::SnapshotState;
use crate::wal::{Identity, LockFault, Lsn, OpenFault, Recovered, Storage, VisitStop, inspect, read_log};

/// What verifying found.
#[derive(Clone, Debug)]
pub struct VerifyReport {
    /// No invariant is broken.
    pub ok: bool,
    /// Blocks of the log.
    pub blocks: u64,
    /// Records in them.
    pub records: u64,
    /// Charges in them.
    pub charges: u64,
    /// What a crash left at the end, which the next opening will cut: words for a person.
    pub torn: Option<String>,
    /// Every invariant, in order; the detail says what breaks it, or why it could not be checked.
    pub invariants: Vec<(Invariant, bool, String)>,
}

/// Verifies a data directory that no process has open.
pub fn verify(config: &Config) -> Result<VerifyReport, OpenError> {
    let config = Config { create: false, ..config.clone() };
    let storage = storage_of(&config)?;
    storage.lock().map_err(|fault| match fault {
        LockFault::Held { pid } => OpenError::Log(OpenFault::Locked { pid }),
        LockFault::Io(source) => OpenError::Directory { path: config.data_dir.display().to_string(), source },
    })?;
    let identity = Identity::read(&*storage)?.ok_or_else(|| {
        OpenError::Config(format!("`{}` is not a data directory", config.data_dir.display()))
    })?;
    let mut checks = Checks::default();
    let shards = shard_count(&config)?;
    let mut broken = Vec::new();
    let snapshot = read_snapshot(&*storage, &identity, Age::Newest, &mut broken)?;
    // The whole log if it is there; of a trimmed one, what the oldest snapshot leaves to read.
    let segments = inspect(&*storage, &identity);
    // A log that can't be looked into is reported by its replay.
    let trimmed =
        segments.is_ok_and(|segments| segments.first().is_some_and(|segment| segment.first > Lsn::FIRST));
    let base =
        if trimmed { read_snapshot(&*storage, &identity, Age::Oldest, &mut Vec::new())? } else { None };
    let from_log = replay_from(&*storage, &identity, shards, base);
    let (whole, recovered) = match from_log {
        Ok(replayed) => replayed,
        Err(error) => {
            checks.fault(&error);
            return Ok(checks.report(None, &Recovered::default()));
        }
    };
    checks.extend(check_ledgers(&whole.ledgers));
    checks.extend(check_write_offs(&whole.ledgers));
    checks.extend(check_enterprises(&whole.ledgers, &whole.enterprises));
    if whole.repeated > 0 && !trimmed {
        let detail =
            format!("{} charges repeat an identity that stands in the log before them", whole.repeated);
        checks.violated(Invariant::IdentitiesAreUnique, detail);
    }
    checks.cash(&whole);
    for text in broken {
        checks.violated(Invariant::SnapshotEqualsLog, text);
    }
    if let Some(snapshot) = snapshot {
        match replay_from(&*storage, &identity, shards, Some(snapshot)) {
            Ok((resumed, _)) => checks.compare(&whole, &resumed),
            Err(error) => checks.violated(Invariant::SnapshotEqualsLog, describe(&error)),
        }
    }
    Ok(checks.report(Some(&whole), &recovered))
}

fn replay_from(
    storage: &dyn Storage,
    identity: &Identity,
    shards: usize,
    snapshot: Option<SnapshotState>,
) -> Result<(Replayed, Recovered), OpenError> {
    let hasher = IdentityHasher::new(identity.hash_key);
    let from = snapshot.as_ref().map_or(Lsn::FIRST, |snapshot| snapshot.low_water.next());
    let mut recovered = Recovered::default();
    let replayed = replay::<OpenError>(Start { hasher, shards, snapshot }, |sink| {
        let read =
            read_log(storage, identity, from, None, &mut |block| sink(block.bytes).map_err(VisitStop::new));
        recovered = read.map_err(journal_fault)?;
        Ok(())
    })?;
    Ok((replayed, recovered))
}

#[derive(Default)]
struct Checks {
    violations: Vec<Violation>,
}

impl Checks {
    fn violated(&mut self, invariant: Invariant, detail: String) {
        self.violations.push(Violation { invariant, detail });
    }

    fn extend(&mut self, violations: Vec<Violation>) {
        self.violations.extend(violations);
    }

    /// A fault that ends the reading of the log.
    fn fault(&mut self, error: &OpenError) {
        let invariant = match error {
            OpenError::Journal(JournalFault::Gap { .. }) => Invariant::SequencesAreContiguous,
            _ => Invariant::LogIsWhole,
        };
        self.violated(invariant, format!("{} (hint: {})", describe(error), error.hint()));
    }

    /// Cash is conserved: record by record; and, if the log tells all there ever was, altogether.
    fn cash(&mut self, replayed: &Replayed) {
        for detail in &replayed.cash_misstated {
            self.violated(Invariant::CashIsConserved, detail.clone());
        }
        let Some(expected) = replayed.cash_expected else { return };
        let accounts = replayed.ledgers.iter().flat_map(|ledger| &ledger.accounts);
        let cash = accounts.fold(RunningSum::default(), |sum, account| sum.plus(account.cash()));
        let in_flight = replayed.in_flight.iter();
        let in_flight = in_flight.fold(RunningSum::default(), |sum, (_, sent)| sum.plus(sent.cargo.cash()));
        if cash.with(in_flight) != expected {
            let text = |sum: RunningSum| {
                sum.total().map_or_else(|| "more than fits".to_owned(), |money| money.to_string())
            };
            let detail = format!(
                "accounts hold {}, {} is in flight, and what came in and went out makes {}",
                text(cash),
                text(in_flight),
                text(expected)
            );
            self.violated(Invariant::CashIsConserved, detail);
        }
    }

    fn compare(&mut self, whole: &Replayed, resumed: &Replayed) {
        let invariant = Invariant::SnapshotEqualsLog;
        if whole.directory.to_parts() != resumed.directory.to_parts() {
            self.violated(invariant, "the directories differ".to_owned());
        }
        if whole.enterprises.len() != resumed.enterprises.len() {
            self.violated(invariant, "there are other enterprises".to_owned());
        }
        for (one, other) in whole.enterprises.iter().zip(&resumed.enterprises) {
            if one != other {
                self.violated(invariant, format!("enterprise {} differs", one.control.enterprise));
            }
        }
        if whole.outside != resumed.outside {
            self.violated(invariant, "the authorization outside of enterprises differs".to_owned());
        }
        for (whole, resumed) in whole.ledgers.iter().zip(&resumed.ledgers) {
            if whole.accounts.len() != resumed.accounts.len()
                || whole.payments.len() != resumed.payments.len()
            {
                self.violated(invariant, format!("shard {} holds other accounts", whole.shard));
                continue;
            }
            if whole.identities.count() != resumed.identities.count() {
                let detail = format!("shard {} remembers another number of identities", whole.shard);
                self.violated(invariant, detail);
            }
            for (one, other) in whole.accounts.iter().zip(&resumed.accounts) {
                if one.to_parts() != other.to_parts() {
                    self.violated(invariant, format!("account {} differs", one.index));
                }
            }
            if sums(whole) != sums(resumed) {
                self.violated(
                    invariant,
                    format!("sums of payment relationships of shard {} differ", whole.shard),
                );
            }
        }
    }

    fn report(self, replayed: Option<&Replayed>, recovered: &Recovered) -> VerifyReport {
        let broken = |invariant| self.violations.iter().find(|violation| violation.invariant == invariant);
        let unread = replayed.is_none();
        let invariants: Vec<_> = Invariant::ALL
            .into_iter()
            .map(|invariant| match broken(invariant) {
                Some(violation) => (invariant, false, violation.detail.clone()),
                None if unread => {
                    (invariant, false, "not checked: the log could not be read to its end".to_owned())
                }
                None => (invariant, true, String::new()),
            })
            .collect();
        VerifyReport {
            ok: self.violations.is_empty() && !unread,
            blocks: recovered.blocks,
            records: replayed.map_or(0, |replayed| replayed.records),
            charges: replayed.map_or(0, |replayed| replayed.charges),
            torn: recovered.torn.as_ref().map(|torn| {
                format!("a crash tore block {} in `{}` at offset {}", torn.lsn, torn.segment, torn.offset)
            }),
            invariants,
        }
    }
}

type Sums = Vec<(u32, u32, Vec<(u32, u8, u64, i128)>)>;

/// All sums of open cycles of a shard in a fixed order; the order within a payment relationship tells nothing, nor which
/// sums that are on bills are still there.
fn sums(ledger: &Ledger) -> Sums {
    let mut sums: Sums = ledger
        .payments
        .iter()
        .map(|payment| {
            let open_from = ledger.accounts[ledger.slot(payment.account)].open_from();
            let mut of_one: Vec<_> = payment
                .paid
                .sums()
                .filter(|sum| sum.cycle >= open_from)
                .map(|sum| (sum.cycle.index(), sum.category as u8, sum.charges, sum.amount.units()))
                .collect();
            of_one.sort_unstable();
            (payment.account.0, payment.cloud.0, of_one)
        })
        .collect();
    sums.sort_unstable();
    sums
}
