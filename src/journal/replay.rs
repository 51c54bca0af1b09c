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
use crate::limits::PARTITIONS;

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
    slots: Slots,
    hasher: IdentityHasher,
    strings: Arc<RwLock<Strings>>,
    /// By cloud account: eight bytes, since every row looks here, and a million of them should stay near.
    clouds: Vec<CloudPlace>,
    /// The cloud accounts that have several payers, on any shard.
    several: HashMap<CloudIndex, Payers>,
    repeated: u64,
    cash_expected: Option<Money>,
}

/// Where the charges of a cloud account go.
struct CloudPlace {
    /// The first payer, in whose partition the identities are.
    first: AccountIndex,
    /// The place of the only payment relationship; [`ELSEWHERE`] on other shards, [`SEVERAL`] if there are more.
    payment: u32,
}

const ELSEWHERE: u32 = u32::MAX;
const SEVERAL: u32 = u32::MAX - 1;

/// The payers of this shard of a cloud account that has several, with the places of the payment relationships.
type Payers = Vec<(AccountIndex, u32)>;

/// The slots of a shard's accounts, without a division.
struct Slots {
    /// By partition, the slot of its first account.
    first: Box<[u32; PARTITIONS]>,
    /// From an account to the next one of the same partition.
    stride: u32,
}

impl Slots {
    fn of(ledger: &Ledger) -> Self {
        let slot = |number: usize| {
            let account = AccountIndex(u32::try_from(number).expect("invariant: below 2 * PARTITIONS"));
            u32::try_from(ledger.slot(account)).expect("invariant: slots are numbered by u32")
        };
        let stride = slot(ledger.shard + PARTITIONS) - slot(ledger.shard);
        Self { first: Box::new(std::array::from_fn(slot)), stride }
    }

    /// The slot of an account of this shard.
    #[inline]
    #[allow(clippy::cast_possible_truncation)] // PARTITIONS is far below 2^32
    fn slot(&self, account: AccountIndex) -> usize {
        let block = account.0 / PARTITIONS as u32;
        (block * self.stride + self.first[usize::from(account.partition().0)]) as usize
    }
}

/// Rows resolved before they are applied: few enough to stay in the nearest cache.
const ROWS_AT_ONCE: usize = 256;

/// A row of a record, with the places that it goes to.
struct Row<'a> {
    key: IdentityKey,
    amount: Money,
    sequence: u64,
    /// Row of an import whose ids are digests, or 0.
    import: u64,
    source: &'a str,
    account: AccountIndex,
    /// [`ELSEWHERE`] if the payer is of another shard.
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
            slots: Slots::of(&ledger),
            ledger,
            hasher,
            strings,
            clouds: Vec::new(),
            several: HashMap::new(),
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
            let payment = payment.map(|place| u32::try_from(place).expect("invariant: numbered by u32"));
            let Some(place) = self.clouds.get_mut(cloud.0 as usize) else {
                // The first relationship of a cloud account is its registration.
                self.clouds.push(CloudPlace { first: *account, payment: payment.unwrap_or(ELSEWHERE) });
                continue;
            };
            let payers = self.several.entry(*cloud).or_default();
            let before = std::mem::replace(&mut place.payment, SEVERAL);
            if before < SEVERAL {
                payers.push((place.first, before));
            }
            payers.extend(payment.map(|payment| (*account, payment)));
        }
    }

    /// The place of a payment relationship of an account of this shard.
    #[inline]
    fn payment(&self, account: AccountIndex, cloud: CloudIndex) -> Option<u32> {
        let place = self.clouds.get(cloud.0 as usize)?;
        if place.payment == SEVERAL {
            let payers = self.several.get(&cloud)?;
            return payers.iter().find(|(payer, _)| *payer == account).map(|(_, payment)| *payment);
        }
        (place.first == account && place.payment != ELSEWHERE).then_some(place.payment)
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
        let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
        for charge in posted {
            rows.extend(self.resolve(&charge?, &strings)?);
            if rows.len() == ROWS_AT_ONCE {
                self.apply(&rows)?;
                rows.clear();
            }
        }
        self.apply(&rows)
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
        let (payment, home) = (place.payment, place.first.partition());
        let (payment, home_here) = if payment == SEVERAL {
            (self.one_of_several(charge)?, home.shard(self.ledger.shards) == self.ledger.shard)
        } else if place.first == charge.account {
            (payment, payment != ELSEWHERE)
        } else {
            return Err(JournalFault::Malformed("payment relationship"));
        };
        if payment == ELSEWHERE && !home_here {
            return Ok(None);
        }
        let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?.money();
        let source = match charge.source.number {
            StringId::INLINE => charge.source.inline,
            number => strings.text(number).ok_or(JournalFault::Malformed("string number"))?,
        };
        let key = if home_here {
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
            account: charge.account,
            payment,
            cycle: charge.cycle,
            home,
            home_here,
            category: charge.category,
        }))
    }

    #[cold]
    fn one_of_several(&self, charge: &PostedCharge<'_>) -> Result<u32, JournalFault> {
        match self.payment(charge.account, charge.cloud) {
            Some(payment) => Ok(payment),
            None if self.ledger.owns(charge.account) => Err(JournalFault::Malformed("payment relationship")),
            None => Ok(ELSEWHERE),
        }
    }

    /// Applies rows, asking memory for what is some rows ahead.
    #[inline]
    fn apply(&mut self, rows: &[Row<'_>]) -> Result<(), JournalFault> {
        for row in rows.iter().take(PREFETCH_AHEAD) {
            self.prefetch(row);
        }
        for (place, row) in rows.iter().enumerate() {
            if let Some(ahead) = rows.get(place + PREFETCH_AHEAD) {
                self.prefetch(ahead);
            }
            if row.home_here {
                let identities = &mut self.ledger.identities;
                if identities.look_up(row.home, row.key) == Seen::New {
                    identities.insert(row.home, row.cycle, row.key);
                } else {
                    self.repeated += 1;
                }
            }
            if row.payment == ELSEWHERE {
                continue;
            }
            let account = self.ledger.accounts.get_mut(self.slots.slot(row.account));
            let account = account.ok_or(JournalFault::Malformed("account number"))?;
            if !follows(account, row.sequence)? {
                continue;
            }
            let paid = &mut self.ledger.payments[row.payment as usize].paid;
            account.apply_charge(paid, row.amount, row.cycle, row.category);
            if row.import > 0 {
                account.rare_mut().imports.apply(row.source, row.cycle, row.import, None);
            }
        }
        Ok(())
    }

    /// Brings what a row touches nearer to the processor.
    #[inline]
    fn prefetch(&self, row: &Row<'_>) {
        if row.home_here {
            self.ledger.identities.prefetch(row.home, row.key);
        }
        if row.payment != ELSEWHERE {
            prefetch(&self.ledger.payments[row.payment as usize]);
            if let Some(account) = self.ledger.accounts.get(self.slots.slot(row.account)) {
                account.prefetch();
            }
        }
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
