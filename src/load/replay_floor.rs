//! The floor of recovery: the best plain loop that makes state of a log, with no engine.
//!
//! Each thread reads the whole log, which checks checksums and the chain, decodes the columns, and applies the rows of
//! its own accounts in two steps for each record: it resolves them, then asks memory for what is 16 rows ahead and
//! applies. Reading twice costs less than handing copies from thread to thread. The names are kept by the first thread.

use std::error::Error;

use crate::domain::account::Account;
use crate::domain::charge::Category;
use crate::domain::directory::DirectoryEvent;
use crate::domain::identities::{Identities, IdentityHasher, IdentityKey, Seen};
use crate::domain::ids::{AccountIndex, Partition};
use crate::domain::money::{Amount, Money};
use crate::domain::names::Names;
use crate::domain::paid_cloud_account::PaidCloudAccount;
use crate::domain::prefetch::prefetch;
use crate::domain::strings::{StringId, Strings};
use crate::domain::time::Cycle;
use crate::journal::JournalFault;
use crate::journal::charges::ChargesPosted;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Kind, frames};
use crate::wal::{Identity, Lsn, Storage, VisitStop, read_log};

/// How many rows ahead memory is asked for.
const PREFETCH_AHEAD: usize = 16;

/// A cloud account of another thread.
const ELSEWHERE: u32 = u32::MAX;

/// The state that one thread has made.
pub struct ReplayFloor {
    shard: usize,
    shards: usize,
    hasher: IdentityHasher,
    names: Names,
    cloud_names: Names,
    strings: Strings,
    accounts: Vec<Account>,
    account_count: u32,
    paid: Vec<PaidCloudAccount>,
    /// By cloud account: the slots of its payer and of what that owes for it.
    clouds: Vec<(u32, u32)>,
    identities: Identities,
    /// By account: its slot, on whichever thread.
    slots: Vec<u32>,
    counts: Vec<u32>,
    resolved: Vec<Row>,
    charges: u64,
}

/// What a row does.
struct Row {
    key: IdentityKey,
    amount: Money,
    account: u32,
    paid: u32,
    cycle: Cycle,
    home: Partition,
    category: Category,
}

/// Replays the log on `shards` threads; gives their states, and how many charges they applied.
pub fn replay(
    storage: &dyn Storage,
    identity: &Identity,
    shards: usize,
) -> Result<(Vec<ReplayFloor>, u64), Box<dyn Error>> {
    let states = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..shards)
            .map(|shard| scope.spawn(move || ReplayFloor::run(storage, identity, shard, shards)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().map_err(|_| "a thread of the floor panicked".to_owned())?)
            .collect::<Result<Vec<_>, String>>()
    })?;
    let charges = states.iter().map(|state| state.charges).sum();
    Ok((states, charges))
}

impl ReplayFloor {
    fn run(storage: &dyn Storage, identity: &Identity, shard: usize, shards: usize) -> Result<Self, String> {
        let mut floor = Self {
            shard,
            shards,
            hasher: IdentityHasher::new(identity.hash_key),
            names: Names::default(),
            cloud_names: Names::default(),
            strings: Strings::default(),
            accounts: Vec::new(),
            account_count: 0,
            paid: Vec::new(),
            clouds: Vec::new(),
            identities: Identities::default(),
            slots: Vec::new(),
            counts: vec![0; shards],
            resolved: Vec::new(),
            charges: 0,
        };
        read_log(storage, identity, Lsn::FIRST, None, &mut |block| {
            floor.block(block.bytes).map_err(VisitStop::new)
        })
        .map_err(|fault| fault.to_string())?;
        Ok(floor)
    }

    fn block(&mut self, bytes: &[u8]) -> Result<(), JournalFault> {
        for frame in frames(bytes) {
            let frame = frame?;
            match frame.kind {
                Kind::ChargesPosted => {
                    let posted = ChargesPosted::decode(&frame)?;
                    for (number, text) in &posted.strings {
                        self.strings.restore(*number, text);
                    }
                    self.resolve(&posted)?;
                    self.apply();
                }
                Kind::Directory => self.directory(&DirectoryRecord::decode(&frame)?.events),
                // There are none in the log of charges alone.
                Kind::Account | Kind::CreditControl | Kind::AdminAuthorization => {
                    return Err(JournalFault::Malformed("record in the floor's log"));
                }
            }
        }
        Ok(())
    }

    fn directory(&mut self, events: &[DirectoryEvent]) {
        for event in events {
            match event {
                DirectoryEvent::AccountOpened { id, opening } => {
                    let account = AccountIndex(self.account_count);
                    self.account_count += 1;
                    let shard = account.partition().shard(self.shards);
                    self.slots.push(self.counts[shard]);
                    self.counts[shard] += 1;
                    if shard == self.shard {
                        self.accounts.push(Account::open(account, opening));
                    }
                    if self.shard == 0 {
                        self.names.insert(id);
                    }
                }
                DirectoryEvent::CloudAccountRegistered { id, payer } => {
                    let mine = payer.partition().shard(self.shards) == self.shard;
                    let paid = u32::try_from(self.paid.len()).unwrap_or(ELSEWHERE);
                    self.clouds.push((self.slots[payer.0 as usize], if mine { paid } else { ELSEWHERE }));
                    if mine {
                        self.paid.push(PaidCloudAccount::default());
                    }
                    if self.shard == 0 {
                        self.cloud_names.insert(id);
                    }
                }
                // The workload has none.
                DirectoryEvent::PayerChanged { .. }
                | DirectoryEvent::NotificationsSettled { .. }
                | DirectoryEvent::EnterpriseOpened { .. }
                | DirectoryEvent::ExchangeRateSet { .. }
                | DirectoryEvent::RemittanceReceived { .. } => {}
            }
        }
    }

    fn resolve(&mut self, posted: &ChargesPosted<'_>) -> Result<(), JournalFault> {
        self.resolved.clear();
        let mut id_space = [0; 36];
        for charge in posted {
            let charge = charge?;
            let (account, paid) = self.clouds[charge.cloud.0 as usize];
            if paid == ELSEWHERE {
                continue;
            }
            let amount = Amount::new(charge.amount).map_err(|_| JournalFault::Malformed("amount"))?.money();
            let source = match charge.source.number {
                StringId::INLINE => charge.source.inline,
                number => self.strings.text(number).ok_or(JournalFault::Malformed("string number"))?,
            };
            self.resolved.push(Row {
                key: self.hasher.key(charge.cloud, source, charge.id.as_str(&mut id_space), amount),
                amount,
                account,
                paid,
                cycle: charge.cycle,
                home: charge.account.partition(),
                category: charge.category,
            });
        }
        Ok(())
    }

    fn apply(&mut self) {
        for (place, row) in self.resolved.iter().enumerate() {
            if let Some(ahead) = self.resolved.get(place + PREFETCH_AHEAD) {
                self.accounts[ahead.account as usize].prefetch();
                prefetch(&self.paid[ahead.paid as usize]);
                self.identities.prefetch(ahead.home, ahead.key);
            }
            if self.identities.look_up(row.home, row.key) == Seen::New {
                self.identities.insert(row.home, row.cycle, row.key);
            }
            let account = &mut self.accounts[row.account as usize];
            account.apply_charge(&mut self.paid[row.paid as usize], row.amount, row.cycle, row.category);
        }
        self.charges += self.resolved.len() as u64;
    }
}
