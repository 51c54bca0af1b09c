//! What is replayed once, in front of all shards: the directory, the strings and the enterprises.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::RwLock;

use super::restore::{RestoredLedgers, SnapshotPayment, restore_enterprises, restore_ledgers};
use super::{Step, follows};
use crate::domain::admin_authorization::AdminAuthorization;
use crate::domain::directory::{Admission, Directory, DirectoryEvent};
use crate::domain::enterprise::Enterprise;
use crate::domain::ids::{AccountIndex, EnterpriseIndex};
use crate::domain::ledger::Ledger;
use crate::domain::strings::Strings;
use crate::journal::JournalFault;
use crate::journal::charges::ChargesPosted;
use crate::journal::forms::authorization_record::AuthorizationRecord;
use crate::journal::forms::credit_record::CreditRecord;
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Frame, Kind, frames};
use crate::journal::snapshot::SnapshotState;

/// What is replayed once, in front of all shards: the directory and the strings.
pub(super) struct Front {
    pub(super) directory: Directory,
    pub(super) strings: Arc<RwLock<Strings>>,
    pub(super) enterprises: Vec<Enterprise>,
    pub(super) outside: AdminAuthorization,
    pub(super) ledgers: Vec<Ledger>,
    pub(super) restored_payments: Vec<Admission>,
    pub(super) snapshot_payments: Vec<SnapshotPayment>,
    /// The accounts that the snapshot misses.
    pub(super) unopened: BTreeSet<AccountIndex>,
    pub(super) from_snapshot: bool,
    pub(super) records: u64,
    pub(super) charges: u64,
}

impl Front {
    pub(super) fn new(shards: usize, snapshot: Option<SnapshotState>) -> Result<Self, JournalFault> {
        let Some(snapshot) = snapshot else {
            return Ok(Self {
                directory: Directory::new(shards),
                strings: Arc::default(),
                enterprises: Vec::new(),
                outside: AdminAuthorization::default(),
                ledgers: (0..shards).map(|shard| Ledger::new(shard, shards)).collect(),
                restored_payments: Vec::new(),
                snapshot_payments: Vec::new(),
                unopened: BTreeSet::new(),
                from_snapshot: false,
                records: 0,
                charges: 0,
            });
        };
        let SnapshotState {
            directory, accounts, identities, strings, credit_controls, authorizations, ..
        } = snapshot;
        let (enterprises, outside) =
            restore_enterprises(directory.enterprises.len(), credit_controls, authorizations)?;
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
            enterprises,
            outside,
            ledgers,
            restored_payments,
            snapshot_payments: payments,
            unopened,
            from_snapshot: true,
            records: 0,
            charges: 0,
        })
    }

    /// Looks through a block: applies what is in front of the shards, then hands it on.
    pub(super) fn block(
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
                Kind::CreditControl => self.credit_record(&frame)?,
                Kind::AdminAuthorization => self.authorization_record(&frame)?,
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
        let have = self.directory.sequence();
        if !follows(have, record.sequence, || "the directory".to_owned())? {
            return self.reopen(record.events, hand_on);
        }
        let admissions = self.directory.apply(&record.events, record.at, record.remembered);
        for admission in &admissions {
            if let Admission::Enterprise { enterprise, charter } = admission {
                self.enterprises.push(Enterprise::open(*enterprise, (**charter).clone()));
            }
        }
        hand_on(Step::Admit(admissions))
    }

    fn credit_record(&mut self, frame: &Frame<'_>) -> Result<(), JournalFault> {
        let record = CreditRecord::decode(frame)?;
        let enterprise = record.enterprise;
        let control = &mut self.enterprise(enterprise)?.control;
        let entity = || format!("credit control of enterprise {enterprise}");
        if follows(control.sequence, record.sequence, entity)? {
            control.apply(&record.event, record.at, record.remembered);
        }
        Ok(())
    }

    fn authorization_record(&mut self, frame: &Frame<'_>) -> Result<(), JournalFault> {
        let record = AuthorizationRecord::decode(frame)?;
        let enterprise = record.enterprise;
        let (authorization, entity) = if enterprise == EnterpriseIndex::NONE {
            (&mut self.outside, "authorization outside of enterprises".to_owned())
        } else {
            (
                &mut self.enterprise(enterprise)?.authorization,
                format!("authorization of enterprise {enterprise}"),
            )
        };
        if follows(authorization.sequence, record.sequence, || entity)? {
            authorization.apply(&record.events, record.at, record.remembered);
        }
        Ok(())
    }

    fn enterprise(&mut self, enterprise: EnterpriseIndex) -> Result<&mut Enterprise, JournalFault> {
        self.enterprises.get_mut(enterprise.0 as usize).ok_or(JournalFault::Malformed("enterprise number"))
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
}
