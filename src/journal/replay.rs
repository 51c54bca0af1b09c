//! From records back to state (rule J1): each shard's thread replays its own rows of every record, in log order.
//!
//! Records at or below an entity's number are skipped, because a snapshot holds them already; a row's identity is
//! always remembered, and finding it there never skips the balance.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use parking_lot::RwLock;

use super::JournalFault;
use super::charges::{ChargesPosted, PostedCharge};
use super::forms::{AccountRecord, DirectoryRecord};
use super::frame::{Frame, Kind, frames};
use super::snapshot::SnapshotState;
use crate::domain::account::{Account, AccountEvent, Status};
use crate::domain::directory::{Admission, Directory, DirectoryEvent};
use crate::domain::identities::{IdentityHasher, Seen};
use crate::domain::ids::{AccountIndex, CloudIndex, Partition};
use crate::domain::ledger::Ledger;
use crate::domain::money::{Amount, Money};
use crate::domain::strings::{StringId, Strings};

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
    /// Records in the blocks that were read.
    pub records: u64,
    /// Charges in them.
    pub charges: u64,
    /// Identities that stood in the log or the snapshot already.
    pub repeated: u64,
    /// Sum of all cash that came in and went out by events in the log.
    pub cash_moved: Option<Money>,
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
        applier.restore_payments(&mut front.snapshot_payments);
    }
    if let Some(missing) = front.snapshot_payments.keys().next() {
        let detail = format!("the snapshot holds charges of an unknown payment relationship {missing:?}");
        return Err(JournalFault::Contradiction(detail).into());
    }
    let appliers = if let [applier] = &mut appliers[..] {
        read(&mut |bytes| front.block(bytes, &mut |step| applier.step(&step)))?;
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
                let (sender, steps) = crossbeam::channel::bounded::<Step>(BLOCKS_AHEAD);
                let thread = scope.spawn(move || {
                    for step in steps {
                        applier.step(&step)?;
                    }
                    Ok(applier)
                });
                (sender, thread)
            })
            .unzip();
        // A thread that failed hangs up; its error comes from joining it.
        let hung_up = || JournalFault::Malformed("record");
        let outcome = read(&mut |bytes| {
            front.block(bytes, &mut |step| {
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
#[derive(Clone)]
enum Step {
    Block(Arc<[u8]>),
    Admit(Arc<Vec<Admission>>),
    /// An account whose opening the snapshot missed.
    Reopen(Arc<Admission>),
}

/// What is replayed once, in front of all shards: the directory and the strings.
struct Front {
    directory: Directory,
    strings: Arc<RwLock<Strings>>,
    ledgers: Vec<Ledger>,
    restored_payments: Vec<Admission>,
    snapshot_payments: HashMap<(AccountIndex, CloudIndex), crate::domain::account::PaidCloudAccount>,
    unopened: BTreeSet<AccountIndex>,
    records: u64,
    charges: u64,
}

impl Front {
    fn new(shards: usize, snapshot: Option<SnapshotState>) -> Result<Self, JournalFault> {
        let Some(snapshot) = snapshot else {
            return Ok(Self {
                directory: Directory::new(shards),
                strings: Arc::default(),
                ledgers: (0..shards).map(|shard| Ledger::new(shard, shards)).collect(),
                restored_payments: Vec::new(),
                snapshot_payments: HashMap::new(),
                unopened: BTreeSet::new(),
                records: 0,
                charges: 0,
            });
        };
        let (directory, restored_payments) = Directory::restore(shards, snapshot.directory)
            .ok_or(JournalFault::Malformed("directory in the snapshot"))?;
        let mut ledgers: Vec<_> = (0..shards).map(|shard| Ledger::new(shard, shards)).collect();
        let mut identities = snapshot.identities;
        for (shard, ledger) in ledgers.iter_mut().enumerate() {
            ledger.identities = identities.split_off(shard, shards);
        }
        let mut accounts: Vec<Option<Account>> = vec![None; directory.account_count()];
        let mut snapshot_payments = HashMap::new();
        for (index, parts, payments) in snapshot.accounts {
            let account = Account::from_parts(index, parts).ok_or(JournalFault::Malformed("account sums"))?;
            let place =
                accounts.get_mut(index.0 as usize).ok_or(JournalFault::Malformed("account number"))?;
            *place = Some(account);
            snapshot_payments.extend(payments.into_iter().map(|(cloud, paid)| ((index, cloud), paid)));
        }
        let mut unopened = BTreeSet::new();
        for (number, account) in (0..).zip(accounts) {
            let index = AccountIndex(number);
            let account = account.unwrap_or_else(|| {
                unopened.insert(index);
                Account::placeholder(index)
            });
            ledgers[index.partition().shard(shards)].accounts.push(account);
        }
        Ok(Self {
            directory,
            strings: Arc::new(RwLock::new(snapshot.strings)),
            ledgers,
            restored_payments,
            snapshot_payments,
            unopened,
            records: 0,
            charges: 0,
        })
    }

    /// Looks through a block: applies what is in front of the shards, then hands it on.
    fn block(
        &mut self,
        bytes: &[u8],
        hand_on: &mut dyn FnMut(Step) -> Result<(), JournalFault>,
    ) -> Result<(), JournalFault> {
        let mut for_shards = false;
        for frame in frames(bytes) {
            let frame = frame?;
            self.records += 1;
            match frame.kind {
                Kind::ChargesPosted => {
                    let posted = ChargesPosted::decode(&frame)?;
                    self.charges += posted.rows() as u64;
                    self.keep_strings(&posted)?;
                    for_shards = true;
                }
                Kind::Account => for_shards = true,
                // A record depends on the directory as it stands before it in the log, and may stand in the same
                // block; but what the directory makes is never needed before it is made, so it can go first.
                Kind::Directory => self.directory_record(&frame, hand_on)?,
            }
        }
        if for_shards { hand_on(Step::Block(bytes.into())) } else { Ok(()) }
    }

    fn keep_strings(&mut self, posted: &ChargesPosted<'_>) -> Result<(), JournalFault> {
        if posted.strings.is_empty() {
            return Ok(());
        }
        let mut strings = self.strings.write();
        for (number, text) in &posted.strings {
            if !strings.restore(*number, text) {
                return Err(JournalFault::Contradiction(format!("string {} has two texts", number.0)));
            }
        }
        Ok(())
    }

    fn directory_record(
        &mut self,
        frame: &Frame<'_>,
        hand_on: &mut dyn FnMut(Step) -> Result<(), JournalFault>,
    ) -> Result<(), JournalFault> {
        let record = DirectoryRecord::decode(frame)?;
        if record.sequence <= self.directory.sequence() {
            return self.reopen(record.events, hand_on);
        }
        if record.sequence != self.directory.sequence() + 1 {
            return Err(JournalFault::Gap {
                entity: "the directory".to_owned(),
                have: self.directory.sequence(),
                found: record.sequence,
            });
        }
        let admissions = self.directory.apply(&record.events, record.at, record.remembered);
        hand_on(Step::Admit(Arc::new(admissions)))
    }

    /// Openings that the snapshot's directory holds, but not its accounts, which were written earlier.
    fn reopen(
        &mut self,
        events: Vec<DirectoryEvent>,
        hand_on: &mut dyn FnMut(Step) -> Result<(), JournalFault>,
    ) -> Result<(), JournalFault> {
        for event in events {
            if let DirectoryEvent::AccountOpened { id, opening } = event
                && let Some(account) = self.directory.account(&id)
                && self.unopened.remove(&account)
            {
                hand_on(Step::Reopen(Arc::new(Admission::Account { account, opening })))?;
            }
        }
        Ok(())
    }

    fn finish(mut self, appliers: Vec<Applier>) -> Result<Replayed, JournalFault> {
        if let Some(account) = self.unopened.first() {
            return Err(JournalFault::Contradiction(format!(
                "account {account} is in no snapshot and never opened"
            )));
        }
        let repeated = appliers.iter().map(|applier| applier.repeated).sum();
        let cash_moved = appliers.iter().try_fold(Money::ZERO, |sum, applier| {
            applier.cash_moved.and_then(|moved| sum.checked_add(moved))
        });
        let ledgers: Vec<_> = appliers.into_iter().map(|applier| applier.ledger).collect();
        for account in ledgers.iter().flat_map(|ledger| &ledger.accounts) {
            if account.status() == Status::Canceled {
                self.directory.note_canceled(account.index, true);
            }
        }
        let strings = std::mem::take(&mut *self.strings.write());
        Ok(Replayed {
            directory: self.directory,
            strings,
            ledgers,
            records: self.records,
            charges: self.charges,
            repeated,
            cash_moved,
        })
    }
}

/// Replays one shard.
struct Applier {
    ledger: Ledger,
    hasher: IdentityHasher,
    strings: Arc<RwLock<Strings>>,
    /// By cloud account: the partition of its identities.
    homes: Vec<Partition>,
    /// By cloud account: the place of its newest payment relationship here.
    newest: Vec<u32>,
    /// The places of older ones.
    older: HashMap<(AccountIndex, CloudIndex), u32>,
    repeated: u64,
    cash_moved: Option<Money>,
}

const NOWHERE: u32 = u32::MAX;

impl Applier {
    fn new(ledger: Ledger, hasher: IdentityHasher, strings: Arc<RwLock<Strings>>) -> Self {
        Self {
            ledger,
            hasher,
            strings,
            homes: Vec::new(),
            newest: Vec::new(),
            older: HashMap::new(),
            repeated: 0,
            cash_moved: Some(Money::ZERO),
        }
    }

    fn step(&mut self, step: &Step) -> Result<(), JournalFault> {
        match step {
            Step::Admit(admissions) => {
                self.admit(admissions);
                Ok(())
            }
            Step::Reopen(admission) => {
                if let Admission::Account { account, opening } = &**admission
                    && self.ledger.owns(*account)
                {
                    let slot = self.ledger.slot(*account);
                    self.ledger.accounts[slot] = Account::open(*account, opening);
                }
                Ok(())
            }
            Step::Block(bytes) => self.block(bytes),
        }
    }

    fn admit(&mut self, admissions: &[Admission]) {
        for admission in admissions {
            let slot = self.ledger.admit(admission);
            if let Admission::Payment { account, cloud } = admission {
                let place = cloud.0 as usize;
                if place == self.homes.len() {
                    // The first relationship of a cloud account is its registration.
                    self.homes.push(account.partition());
                    self.newest.push(NOWHERE);
                }
                if let Some(slot) = slot {
                    let slot = u32::try_from(slot).expect("invariant: slots are numbered by u32");
                    let before = std::mem::replace(&mut self.newest[place], slot);
                    if before != NOWHERE {
                        let payer = self.ledger.payments[before as usize].account;
                        self.older.insert((payer, *cloud), before);
                    }
                }
            }
        }
    }

    fn restore_payments(
        &mut self,
        payments: &mut HashMap<(AccountIndex, CloudIndex), crate::domain::account::PaidCloudAccount>,
    ) {
        for payment in &mut self.ledger.payments {
            if let Some(paid) = payments.remove(&(payment.account, payment.cloud)) {
                payment.paid = paid;
            }
        }
    }

    fn block(&mut self, bytes: &[u8]) -> Result<(), JournalFault> {
        for frame in frames(bytes) {
            let frame = frame?;
            match frame.kind {
                Kind::ChargesPosted => self.charges(&ChargesPosted::decode(&frame)?)?,
                Kind::Account => self.account_record(AccountRecord::decode(&frame)?)?,
                Kind::Directory => {}
            }
        }
        Ok(())
    }

    fn charges(&mut self, posted: &ChargesPosted<'_>) -> Result<(), JournalFault> {
        let strings = Arc::clone(&self.strings);
        let strings = strings.read();
        let mut id_space = [0; 36];
        for charge in posted {
            let charge = charge?;
            let home =
                *self.homes.get(charge.cloud.0 as usize).ok_or(JournalFault::Malformed("cloud account"))?;
            let here = self.ledger.owns(charge.account);
            let home_here = home.shard(self.ledger.shards) == self.ledger.shard;
            if !here && !home_here {
                continue;
            }
            let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?.money();
            let source = match charge.source.number {
                StringId::INLINE => charge.source.inline,
                number => strings.text(number).ok_or(JournalFault::Malformed("string number"))?,
            };
            if home_here {
                let key = self.hasher.key(charge.cloud, source, charge.id.as_str(&mut id_space), amount);
                if self.ledger.identities.look_up(home, key) == Seen::New {
                    self.ledger.identities.insert(home, charge.cycle, key);
                } else {
                    self.repeated += 1;
                }
            }
            if here {
                self.charge(&charge, amount, source)?;
            }
        }
        Ok(())
    }

    fn charge(&mut self, charge: &PostedCharge<'_>, amount: Money, source: &str) -> Result<(), JournalFault> {
        let place = self.payment_slot(charge.account, charge.cloud)?;
        let slot = self.ledger.slot(charge.account);
        let account = self.ledger.accounts.get_mut(slot).ok_or(JournalFault::Malformed("account number"))?;
        if !follows(account, charge.sequence)? {
            return Ok(());
        }
        let paid = &mut self.ledger.payments[place].paid;
        account.apply_charge(paid, amount, charge.cycle, charge.category);
        if charge.import_row > 0 {
            account.rare_mut().imports.apply(source, charge.cycle, charge.import_row);
        }
        Ok(())
    }

    fn payment_slot(&self, account: AccountIndex, cloud: CloudIndex) -> Result<usize, JournalFault> {
        let newest = self.newest[cloud.0 as usize];
        if newest != NOWHERE && self.ledger.payments[newest as usize].account == account {
            return Ok(newest as usize);
        }
        let older = self.older.get(&(account, cloud)).copied();
        older.map(|slot| slot as usize).ok_or(JournalFault::Malformed("payment relationship"))
    }

    fn account_record(&mut self, record: AccountRecord) -> Result<(), JournalFault> {
        if !self.ledger.owns(record.account) {
            return Ok(());
        }
        if let AccountEvent::CashToppedUp { amount, .. } | AccountEvent::CashAdjusted { amount, .. } =
            &record.event
        {
            self.cash_moved = self.cash_moved.and_then(|moved| moved.checked_add(*amount));
        }
        let slot = self.ledger.slot(record.account);
        let account = self.ledger.accounts.get_mut(slot).ok_or(JournalFault::Malformed("account number"))?;
        if follows(account, record.sequence)? {
            account.apply(&record.event, record.at);
            if let Some(remembered) = record.remembered {
                account.rare_mut().keys.remember(remembered);
            }
        }
        Ok(())
    }
}

/// Whether the account's record comes next; `false` where the snapshot holds it already.
#[inline]
fn follows(account: &Account, sequence: u64) -> Result<bool, JournalFault> {
    let have = account.sequence();
    if sequence <= have {
        return Ok(false);
    }
    if sequence == have + 1 {
        return Ok(true);
    }
    Err(JournalFault::Gap { entity: format!("account {}", account.index), have, found: sequence })
}
