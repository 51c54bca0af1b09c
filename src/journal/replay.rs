//! From records back to state (rule J1): each shard's thread replays its own rows of every record, in log order.
//!
//! Records at or below an entity's number are skipped, because a snapshot holds them already; a row's identity is
//! always remembered, and finding it there never skips the balance.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;

use parking_lot::RwLock;

use super::JournalFault;
use super::charges::{ChargesPosted, PostedCharge};
use super::forms::account_record::AccountRecord;
use super::forms::directory_record::DirectoryRecord;
use super::forms::snapshot_account::AccountState;
use super::frame::{Frame, Kind, frames};
use super::snapshot::SnapshotState;
use crate::domain::account::{Account, Status};
use crate::domain::account_event::AccountEvent;
use crate::domain::charge::Category;
use crate::domain::directory::{Admission, Directory, DirectoryEvent};
use crate::domain::identities::{Identities, IdentityHasher, IdentityKey, Seen};
use crate::domain::ids::{AccountIndex, CloudIndex, Partition};
use crate::domain::ledger::Ledger;
use crate::domain::money::{Amount, Money};
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::prefetch::prefetch;
use crate::domain::strings::{StringId, Strings};
use crate::domain::time::Cycle;

/// Blocks handed to a shard's thread ahead of its work.
const BLOCKS_AHEAD: usize = 16;

/// How many rows ahead the memory of a row is asked for: the main memory answers in about that time.
const PREFETCH_AHEAD: usize = 16;

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
    /// The cash of all accounts in the snapshot, and what came in and went out by events after it.
    pub cash_expected: Option<Money>,
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
        // A thread that failed hangs up; its error comes from joining it.
        let hung_up = || JournalFault::Malformed("record");
        let outcome = read(&mut |bytes| {
            front.block(bytes, &mut |step| {
                let step = SharedStep::from(step);
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
    Block(Arc<[u8]>),
    Admit(Arc<Vec<Admission>>),
    Reopen(Arc<Admission>),
}

impl From<Step<'_>> for SharedStep {
    fn from(step: Step<'_>) -> Self {
        match step {
            Step::Block(bytes) => Self::Block(bytes.into()),
            Step::Admit(admissions) => Self::Admit(Arc::new(admissions)),
            Step::Reopen(admission) => Self::Reopen(Arc::new(admission)),
        }
    }
}

/// What a snapshot holds of one payment relationship.
type SnapshotPayment = (AccountIndex, CloudIndex, PaidCloudAccount);

/// What is replayed once, in front of all shards: the directory and the strings.
struct Front {
    directory: Directory,
    strings: Arc<RwLock<Strings>>,
    ledgers: Vec<Ledger>,
    restored_payments: Vec<Admission>,
    snapshot_payments: Vec<SnapshotPayment>,
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
                snapshot_payments: Vec::new(),
                unopened: BTreeSet::new(),
                records: 0,
                charges: 0,
            });
        };
        let SnapshotState { directory, accounts, identities, strings, .. } = snapshot;
        let account_count = directory.accounts.len();
        // The names take as long as the accounts.
        let (directory, restored) = std::thread::scope(|scope| {
            let directory = scope.spawn(|| Directory::restore(shards, directory));
            let restored = restore_ledgers(shards, account_count, accounts, identities);
            (directory.join().expect("invariant: restoring does not panic"), restored)
        });
        let (directory, restored_payments) =
            directory.ok_or(JournalFault::Malformed("directory in the snapshot"))?;
        let RestoredLedgers { ledgers, payments, unopened } = restored?;
        Ok(Self {
            directory,
            strings: Arc::new(RwLock::new(strings)),
            ledgers,
            restored_payments,
            snapshot_payments: payments,
            unopened,
            records: 0,
            charges: 0,
        })
    }

    /// Looks through a block: applies what is in front of the shards, then hands it on.
    fn block(
        &mut self,
        bytes: &[u8],
        hand_on: &mut dyn FnMut(Step<'_>) -> Result<(), JournalFault>,
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
        if for_shards { hand_on(Step::Block(bytes)) } else { Ok(()) }
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
        hand_on: &mut dyn FnMut(Step<'_>) -> Result<(), JournalFault>,
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
        hand_on(Step::Admit(admissions))
    }

    /// Openings that the snapshot's directory holds, but not its accounts, which were written earlier.
    fn reopen(
        &mut self,
        events: Vec<DirectoryEvent>,
        hand_on: &mut dyn FnMut(Step<'_>) -> Result<(), JournalFault>,
    ) -> Result<(), JournalFault> {
        for event in events {
            if let DirectoryEvent::AccountOpened { id, opening } = event
                && let Some(account) = self.directory.account(&id)
                && self.unopened.remove(&account)
            {
                hand_on(Step::Reopen(Admission::Account { account, opening }))?;
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
        let cash_expected = appliers.iter().try_fold(Money::ZERO, |sum, applier| {
            applier.cash_expected.and_then(|cash| sum.checked_add(cash))
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
            cash_expected,
        })
    }
}

/// The ledgers that a snapshot holds.
struct RestoredLedgers {
    ledgers: Vec<Ledger>,
    /// The sums of their payment relationships, whose places are still to be made.
    payments: Vec<SnapshotPayment>,
    /// The accounts that it misses.
    unopened: BTreeSet<AccountIndex>,
}

fn restore_ledgers(
    shards: usize,
    account_count: usize,
    accounts: Vec<AccountState>,
    mut identities: Identities,
) -> Result<RestoredLedgers, JournalFault> {
    let mut ledgers: Vec<_> = (0..shards).map(|shard| Ledger::new(shard, shards)).collect();
    for (shard, ledger) in ledgers.iter_mut().enumerate() {
        ledger.identities = identities.split_off(shard, shards);
        ledger.accounts.reserve(account_count.div_ceil(shards));
    }
    let mut missing = vec![true; account_count];
    for (number, _) in (0..).zip(&missing) {
        let index = AccountIndex(number);
        ledgers[index.partition().shard(shards)].accounts.push(Account::placeholder(index));
    }
    let mut sums = Vec::with_capacity(accounts.len());
    for (index, parts, payments) in accounts {
        let account = Account::from_parts(index, parts).ok_or(JournalFault::Malformed("account sums"))?;
        *missing.get_mut(index.0 as usize).ok_or(JournalFault::Malformed("account number"))? = false;
        let ledger = &mut ledgers[index.partition().shard(shards)];
        let slot = ledger.slot(index);
        ledger.accounts[slot] = account;
        sums.extend(payments.into_iter().map(|(cloud, paid)| (index, cloud, paid)));
    }
    let missing = (0..).zip(missing).filter_map(|(number, missing)| missing.then_some(AccountIndex(number)));
    Ok(RestoredLedgers { ledgers, payments: sums, unopened: missing.collect() })
}

/// Replays one shard.
struct Applier {
    ledger: Ledger,
    hasher: IdentityHasher,
    strings: Arc<RwLock<Strings>>,
    /// By cloud account.
    clouds: Vec<CloudPlace>,
    /// The places of older payment relationships of this shard.
    older: HashMap<(AccountIndex, CloudIndex), u32>,
    repeated: u64,
    cash_expected: Option<Money>,
}

/// Where the usual charge of a cloud account goes, found without touching anything else.
struct CloudPlace {
    /// The newest payer of this shard, and its slot.
    account: AccountIndex,
    account_slot: u32,
    /// The place of that payment relationship; [`NOWHERE`] if no payer is here.
    payment: u32,
    /// The partition of its identities.
    home: Partition,
    /// Whether that partition is here.
    home_here: bool,
}

const NOWHERE: u32 = u32::MAX;

/// A row of a record, with the places that it goes to.
struct Row<'a> {
    key: IdentityKey,
    amount: Money,
    sequence: u64,
    /// Row of an import whose ids are digests, or 0.
    import: u64,
    source: &'a str,
    account_slot: u32,
    /// [`NOWHERE`] if the payer is of another shard.
    payment: u32,
    cycle: Cycle,
    home: Partition,
    home_here: bool,
    category: Category,
}

impl Applier {
    fn new(ledger: Ledger, hasher: IdentityHasher, strings: Arc<RwLock<Strings>>) -> Self {
        let cash_expected =
            ledger.accounts.iter().try_fold(Money::ZERO, |sum, account| sum.checked_add(account.cash()));
        Self {
            ledger,
            hasher,
            strings,
            clouds: Vec::new(),
            older: HashMap::new(),
            repeated: 0,
            cash_expected,
        }
    }

    fn step(&mut self, step: Step<'_>) -> Result<(), JournalFault> {
        match step {
            Step::Block(bytes) => self.block(bytes)?,
            Step::Admit(admissions) => self.admit(&admissions),
            Step::Reopen(admission) => self.reopen(&admission),
        }
        Ok(())
    }

    fn shared_step(&mut self, step: &SharedStep) -> Result<(), JournalFault> {
        match step {
            SharedStep::Block(bytes) => self.block(bytes)?,
            SharedStep::Admit(admissions) => self.admit(admissions),
            SharedStep::Reopen(admission) => self.reopen(admission),
        }
        Ok(())
    }

    fn reopen(&mut self, admission: &Admission) {
        if let Admission::Account { account, opening } = admission
            && self.ledger.owns(*account)
        {
            let slot = self.ledger.slot(*account);
            self.ledger.accounts[slot] = Account::open(*account, opening);
        }
    }

    fn admit(&mut self, admissions: &[Admission]) {
        for admission in admissions {
            let payment = self.ledger.admit(admission);
            let Admission::Payment { account, cloud } = admission else { continue };
            let place = cloud.0 as usize;
            if place == self.clouds.len() {
                // The first relationship of a cloud account is its registration.
                let home = account.partition();
                self.clouds.push(CloudPlace {
                    account: *account,
                    account_slot: NOWHERE,
                    payment: NOWHERE,
                    home,
                    home_here: home.shard(self.ledger.shards) == self.ledger.shard,
                });
            }
            if let Some(payment) = payment {
                let of = |slot| u32::try_from(slot).expect("invariant: slots are numbered by u32");
                let place = &mut self.clouds[place];
                let before = std::mem::replace(&mut place.payment, of(payment));
                if before != NOWHERE {
                    self.older.insert((place.account, *cloud), before);
                }
                place.account = *account;
                place.account_slot = of(self.ledger.slot(*account));
            }
        }
    }

    /// The place of a payment relationship of an account of this shard.
    #[inline]
    fn payment(&self, account: AccountIndex, cloud: CloudIndex) -> Option<u32> {
        match self.clouds.get(cloud.0 as usize) {
            Some(place) if place.account == account && place.payment != NOWHERE => Some(place.payment),
            _ => self.older.get(&(account, cloud)).copied(),
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
        let mut ahead = VecDeque::with_capacity(PREFETCH_AHEAD + 1);
        for charge in posted {
            let Some(row) = self.resolve(&charge?, &strings)? else { continue };
            self.prefetch(&row);
            ahead.push_back(row);
            if ahead.len() > PREFETCH_AHEAD
                && let Some(row) = ahead.pop_front()
            {
                self.apply(&row)?;
            }
        }
        ahead.iter().try_for_each(|row| self.apply(row))
    }

    /// Finds the places of a row; none if nothing of it is here.
    #[inline]
    fn resolve<'a>(
        &self,
        charge: &PostedCharge<'a>,
        strings: &'a Strings,
    ) -> Result<Option<Row<'a>>, JournalFault> {
        let place =
            self.clouds.get(charge.cloud.0 as usize).ok_or(JournalFault::Malformed("cloud account"))?;
        let (account_slot, payment) = if place.account == charge.account && place.payment != NOWHERE {
            (place.account_slot, place.payment)
        } else {
            self.older_payment(charge)?
        };
        if payment == NOWHERE && !place.home_here {
            return Ok(None);
        }
        let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?.money();
        let source = match charge.source.number {
            StringId::INLINE => charge.source.inline,
            number => strings.text(number).ok_or(JournalFault::Malformed("string number"))?,
        };
        let key = if place.home_here {
            self.hasher.key(charge.cloud, source, charge.id.as_str(&mut [0; 36]), amount)
        } else {
            IdentityKey(0)
        };
        Ok(Some(Row {
            key,
            amount,
            sequence: charge.sequence,
            import: charge.import_row,
            source,
            account_slot,
            payment,
            cycle: charge.cycle,
            home: place.home,
            home_here: place.home_here,
            category: charge.category,
        }))
    }

    /// Where a charge goes that is not paid by the newest payer here.
    #[cold]
    fn older_payment(&self, charge: &PostedCharge<'_>) -> Result<(u32, u32), JournalFault> {
        if !self.ledger.owns(charge.account) {
            return Ok((NOWHERE, NOWHERE));
        }
        let payment = self.older.get(&(charge.account, charge.cloud));
        let payment = *payment.ok_or(JournalFault::Malformed("payment relationship"))?;
        let slot = u32::try_from(self.ledger.slot(charge.account));
        Ok((slot.map_err(|_| JournalFault::Malformed("account number"))?, payment))
    }

    /// Brings what a row touches nearer to the processor.
    #[inline]
    fn prefetch(&self, row: &Row<'_>) {
        if row.home_here {
            self.ledger.identities.prefetch(row.home, row.key);
        }
        if row.payment != NOWHERE {
            prefetch(&self.ledger.payments[row.payment as usize]);
            if let Some(account) = self.ledger.accounts.get(row.account_slot as usize) {
                account.prefetch();
            }
        }
    }

    #[inline]
    fn apply(&mut self, row: &Row<'_>) -> Result<(), JournalFault> {
        let identities = &mut self.ledger.identities;
        if row.home_here {
            if identities.look_up(row.home, row.key) == Seen::New {
                identities.insert(row.home, row.cycle, row.key);
            } else {
                self.repeated += 1;
            }
        }
        if row.payment == NOWHERE {
            return Ok(());
        }
        let account = self.ledger.accounts.get_mut(row.account_slot as usize);
        let account = account.ok_or(JournalFault::Malformed("account number"))?;
        if !follows(account, row.sequence)? {
            return Ok(());
        }
        let paid = &mut self.ledger.payments[row.payment as usize].paid;
        account.apply_charge(paid, row.amount, row.cycle, row.category);
        if row.import > 0 {
            account.rare_mut().imports.apply(row.source, row.cycle, row.import);
        }
        Ok(())
    }

    fn account_record(&mut self, record: AccountRecord) -> Result<(), JournalFault> {
        if !self.ledger.owns(record.account) {
            return Ok(());
        }
        let slot = self.ledger.slot(record.account);
        let account = self.ledger.accounts.get_mut(slot).ok_or(JournalFault::Malformed("account number"))?;
        if follows(account, record.sequence)? {
            if let AccountEvent::CashToppedUp { amount, .. } | AccountEvent::CashAdjusted { amount, .. } =
                &record.event
            {
                self.cash_expected = self.cash_expected.and_then(|cash| cash.checked_add(*amount));
            }
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
