//! Replays one shard: its accounts, payment relationships and identities.

use std::collections::HashMap;
use std::iter::Peekable;
use std::sync::Arc;

use parking_lot::RwLock;

use super::{SharedStep, Step, follows};
use crate::domain::account::Account;
use crate::domain::account_event::AccountEvent;
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::charge::Category;
use crate::domain::directory::Admission;
use crate::domain::identities::{IdentityHasher, IdentityKey, Seen};
use crate::domain::ids::{AccountIndex, CloudIndex, Partition};
use crate::domain::ledger::Ledger;
use crate::domain::money::{Amount, Money, RunningSum};
use crate::domain::prefetch::prefetch;
use crate::domain::standing::ChargeStanding;
use crate::domain::strings::{StringId, Strings};
use crate::domain::time::Cycle;
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, PostedCharge};
use crate::journal::forms::account_record::AccountRecord;
use crate::journal::frame::{Kind, frames};
use crate::limits::PARTITIONS;

/// How many rows ahead the memory of a row is asked for: the main memory answers in about that time.
const PREFETCH_AHEAD: usize = 16;

/// Replays one shard.
pub(super) struct Applier {
    pub(super) ledger: Ledger,
    slots: Slots,
    hasher: IdentityHasher,
    strings: Arc<RwLock<Strings>>,
    /// By cloud account: eight bytes, since every row looks here, and a million of them should stay near.
    clouds: Vec<CloudPlace>,
    /// The cloud accounts that have several payers, on any shard.
    several: HashMap<CloudIndex, Payers>,
    /// Identities that were there already.
    pub(super) repeated: u64,
    /// Cash that came into these accounts from outside of the ledger, less what has paid, by the records applied.
    pub(super) cash_expected: RunningSum,
    /// The first record that changed cash by another amount than it names.
    pub(super) cash_misstated: Option<String>,
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
    /// Its place in the record.
    place: usize,
    /// [`ELSEWHERE`] if the payer is of another shard.
    payment: u32,
    cycle: Cycle,
    original_cycle: Cycle,
    home: Partition,
    home_here: bool,
    category: Category,
}

impl Applier {
    pub(super) fn new(ledger: Ledger, hasher: IdentityHasher, strings: Arc<RwLock<Strings>>) -> Self {
        Self {
            slots: Slots::of(&ledger),
            ledger,
            hasher,
            strings,
            clouds: Vec::new(),
            several: HashMap::new(),
            repeated: 0,
            cash_expected: RunningSum::default(),
            cash_misstated: None,
        }
    }

    pub(super) fn step(&mut self, step: Step<'_>) -> Result<(), JournalFault> {
        match step {
            Step::Block(bytes) => self.block(bytes)?,
            Step::Admit(admissions) => self.admit(&admissions),
            Step::Reopen(admission) => self.reopen(&admission),
        }
        Ok(())
    }

    pub(super) fn shared_step(&mut self, step: &SharedStep) -> Result<(), JournalFault> {
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

    pub(super) fn admit(&mut self, admissions: &[Admission]) {
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
    pub(super) fn payment(&self, account: AccountIndex, cloud: CloudIndex) -> Option<u32> {
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
                Kind::Directory | Kind::CreditControl | Kind::AdminAuthorization => {}
            }
        }
        Ok(())
    }

    fn charges(&mut self, posted: &ChargesPosted<'_>) -> Result<(), JournalFault> {
        let strings = Arc::clone(&self.strings);
        let strings = strings.read();
        let mut rows = Vec::with_capacity(ROWS_AT_ONCE);
        let mut deductions = posted.deductions().peekable();
        let mut standings = posted.standings();
        for (place, charge) in posted.iter().enumerate() {
            rows.extend(self.resolve(place, &charge?, &strings)?);
            if rows.len() == ROWS_AT_ONCE {
                self.apply(&rows, &mut deductions, &mut standings)?;
                rows.clear();
            }
        }
        self.apply(&rows, &mut deductions, &mut standings)
    }

    /// Finds the places of a row; none if nothing of it is here.
    #[inline]
    fn resolve<'a>(
        &self,
        place_in_record: usize,
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
            place: place_in_record,
            payment,
            cycle: charge.cycle,
            original_cycle: charge.original_cycle,
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
    fn apply(
        &mut self,
        rows: &[Row<'_>],
        deductions: &mut Peekable<impl Iterator<Item = (usize, Portion)>>,
        standings: &mut &[(usize, ChargeStanding)],
    ) -> Result<(), JournalFault> {
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
            if !follows(account.sequence(), row.sequence, || entity(account))? {
                continue;
            }
            let paid = &mut self.ledger.payments[row.payment as usize].paid;
            account.apply_charge(paid, row.amount, row.cycle, row.category);
            if deductions.peek().is_some() {
                // Those of rows that are not applied here are passed over.
                while deductions.next_if(|(place, _)| *place < row.place).is_some() {}
                let mut left = row.amount;
                while let Some((_, part)) = deductions.next_if(|(place, _)| *place == row.place) {
                    left = left_after(account, part, left)?;
                    account.apply_deductions(row.cycle, [part]);
                }
            }
            while let Some(((place, standing), rest)) = standings.split_first()
                && *place <= row.place
            {
                if *place == row.place {
                    if standing.change.available_credit != account.available_credit() {
                        return Err(JournalFault::Malformed("changed standings"));
                    }
                    account.apply_standing_of_charge(standing);
                }
                *standings = rest;
            }
            if row.import > 0 {
                account.rare_mut().imports.apply(row.source, row.original_cycle, row.import, None);
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
        if !follows(account.sequence(), record.sequence, || entity(account))? {
            return Ok(());
        }
        if let AccountEvent::StandingChanged { change } = &record.event
            && change.available_credit != account.available_credit()
        {
            return Err(JournalFault::Malformed("changed standing"));
        }
        let before = account.cash();
        account.apply(&record.event, record.at);
        if let Some(remembered) = record.remembered {
            account.rare_mut().keys.remember(remembered);
        }
        let event = &record.event;
        self.cash_expected = self.cash_expected.with(event.cash_from_outside()).with(event.cash_spent());
        if RunningSum::default().plus(account.cash()).minus(before) != record.event.cash_moved() {
            self.cash_misstated.get_or_insert_with(|| {
                let (number, after) = (record.sequence, account.cash());
                format!("record {number} of {} takes its cash from {before} to {after}", entity(account))
            });
        }
        Ok(())
    }
}

/// What is left of a charge after a deduction, which takes no more than that, and no more than its coupon has.
fn left_after(account: &Account, part: Portion, left: Money) -> Result<Money, JournalFault> {
    let balance = match part.asset {
        Asset::Coupon(number) => account.billing().coupons.coupon(number).map(|coupon| coupon.balance),
        _ => None,
    };
    let there = balance.is_some_and(|balance| part.amount > Money::ZERO && part.amount <= balance.min(left));
    let after = left.checked_sub(part.amount).filter(|_| there);
    after.ok_or(JournalFault::Malformed("deduction"))
}

fn entity(account: &Account) -> String {
    format!("account {}", account.index)
}
