//! From records back to state (rule J1): each shard's thread replays its own rows of every record, in log order; what
//! there is once, the directory and the enterprises, is replayed in front of them.
//!
//! Records at or below an entity's number are skipped, because a snapshot holds them already; a row's identity is
//! always remembered, and finding it there never skips the balance.

mod applier;
mod finish;
mod front;
mod restore;

use std::collections::VecDeque;
use std::sync::Arc;

use super::JournalFault;
use super::snapshot::SnapshotState;
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::crossing::{Party, Sent};
use crate::domain::directory::{Admission, Directory};
use crate::domain::enterprise::Enterprise;
use crate::domain::identities::IdentityHasher;
use crate::domain::ledger::Ledger;
use crate::domain::money::RunningSum;
use crate::domain::strings::Strings;
use applier::Applier;
use front::Front;

/// Blocks handed to a shard's thread ahead of its work.
const BLOCKS_AHEAD: usize = 16;

/// Replayed state: everything that an engine opens with.
pub struct Replayed {
    /// The directory.
    pub directory: Directory,
    /// The kept strings.
    pub strings: Strings,
    /// One ledger a shard.
    pub ledgers: Vec<Ledger>,
    /// The enterprises, in the order of their numbers.
    pub enterprises: Vec<Enterprise>,
    /// Who administers the accounts outside of enterprises.
    pub outside: AdminAuthorization,
    /// Everything that was sent and not received, by sender: to be sent again (rule F5).
    pub in_flight: Vec<(Party, Sent)>,
    /// The same with what was received, but of which no record of the sender tells yet.
    pub unacknowledged: Vec<(Party, Sent)>,
    /// Records in the blocks that were read.
    pub records: u64,
    /// Charges in them.
    pub charges: u64,
    /// Identities that stood in the log or the snapshot already.
    pub repeated: u64,
    /// What all cash, in accounts and in flight, must sum to: top-ups and adjustments less withdrawals. Only of a log that
    /// was read from its first record: the parts of a snapshot are taken at different instants, so they have no sum.
    pub cash_expected: Option<RunningSum>,
    /// The first record of each shard that changes its account's cash by another amount than it names.
    pub cash_misstated: Vec<String>,
}

/// What to start from.
pub struct Start {
    /// The key of identity hashes.
    pub hasher: IdentityHasher,
    /// How many shards.
    pub shards: usize,
    /// The snapshot to begin with.
    pub snapshot: Option<SnapshotState>,
}

/// Replays blocks while `read` feeds them, in order, to the sink it is given.
pub fn replay<E: From<JournalFault>>(
    start: Start,
    read: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), JournalFault>) -> Result<(), E>,
) -> Result<Replayed, E> {
    let Start { hasher, shards, snapshot } = start;
    let mut front = Front::new(shards, snapshot)?;
    let strings = Arc::clone(&front.strings);
    let mut appliers: Vec<_> = std::mem::take(&mut front.ledgers)
        .into_iter()
        .map(|ledger| Applier::new(ledger, hasher, Arc::clone(&strings)))
        .collect();
    let payments: Vec<_> = std::mem::take(&mut front.restored_payments);
    for applier in &mut appliers {
        applier.admit(&payments);
    }
    for (account, cloud, paid) in std::mem::take(&mut front.snapshot_payments) {
        let applier = &mut appliers[account.partition().shard(shards)];
        let Some(payment) = applier.payment(account, cloud) else {
            let detail =
                format!("the snapshot holds charges of an unknown payment relationship of account {account}");
            return Err(JournalFault::Contradiction(detail).into());
        };
        applier.ledger.payments[payment as usize].paid = paid;
    }
    let appliers = if let [applier] = &mut appliers[..] {
        read(&mut |bytes| front.block(bytes, &mut |step| applier.step(step)))?;
        appliers
    } else {
        replay_on_threads(&mut front, appliers, read)?
    };
    front.finish(appliers).map_err(E::from)
}

fn replay_on_threads<E: From<JournalFault>>(
    front: &mut Front,
    appliers: Vec<Applier>,
    read: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<(), JournalFault>) -> Result<(), E>,
) -> Result<Vec<Applier>, E> {
    std::thread::scope(|scope| {
        let (senders, threads): (Vec<_>, Vec<_>) = appliers
            .into_iter()
            .map(|mut applier| {
                let (sender, steps) = crossbeam::channel::bounded::<SharedStep>(BLOCKS_AHEAD);
                let thread = scope.spawn(move || {
                    for step in steps {
                        applier.shared_step(&step)?;
                    }
                    Ok(applier)
                });
                (sender, thread)
            })
            .unzip();
        let mut copies = Copies::default();
        // A thread that failed hangs up; its error comes from joining it.
        let hung_up = || JournalFault::Malformed("record");
        let outcome = read(&mut |bytes| {
            front.block(bytes, &mut |step| {
                let step = match step {
                    Step::Block(bytes) => SharedStep::Block(copies.of(bytes)),
                    Step::Admit(admissions) => SharedStep::Admit(Arc::new(admissions)),
                    Step::Reopen(admission) => SharedStep::Reopen(Arc::new(admission)),
                };
                senders.iter().try_for_each(|sender| sender.send(step.clone()).map_err(|_| hung_up()))
            })
        });
        drop(senders);
        let joined: Result<Vec<Applier>, JournalFault> = threads
            .into_iter()
            .map(|thread| thread.join().expect("invariant: replay does not panic"))
            .collect();
        let appliers = joined?;
        outcome?;
        Ok(appliers)
    })
}

/// One thing for every shard to do.
enum Step<'a> {
    Block(&'a [u8]),
    Admit(Vec<Admission>),
    /// An account whose opening the snapshot missed.
    Reopen(Admission),
}

/// A step on its way to the threads of all shards.
#[derive(Clone)]
enum SharedStep {
    Block(Arc<Vec<u8>>),
    Admit(Arc<Vec<Admission>>),
    Reopen(Arc<Admission>),
}

/// Copies of blocks, whose memory is used again once every thread is done with them.
#[derive(Default)]
struct Copies(VecDeque<Arc<Vec<u8>>>);

impl Copies {
    fn of(&mut self, bytes: &[u8]) -> Arc<Vec<u8>> {
        let mut copy = match self.0.front_mut().map(Arc::get_mut) {
            Some(Some(_)) => self.0.pop_front().unwrap_or_default(),
            _ => Arc::default(),
        };
        if let Some(copy) = Arc::get_mut(&mut copy) {
            copy.clear();
            copy.extend_from_slice(bytes);
        }
        self.0.push_back(Arc::clone(&copy));
        copy
    }
}

/// Whether an entity's record comes next; `false` where the snapshot holds it already.
#[inline]
fn follows(have: u64, sequence: u64, entity: impl FnOnce() -> String) -> Result<bool, JournalFault> {
    if sequence <= have {
        return Ok(false);
    }
    if sequence == have + 1 {
        return Ok(true);
    }
    Err(JournalFault::Gap { entity: entity(), have, found: sequence })
}
