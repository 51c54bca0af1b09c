//! The names that numbers in the log stand for.

use crate::domain::directory::{Directory, DirectoryEvent};
use crate::domain::ids::{AccountIndex, CloudIndex, EnterpriseIndex};
use crate::domain::prefetch::prefetch;
use crate::domain::strings::{StringId, Strings};
use crate::journal::JournalFault;
use crate::journal::charges::{ChargesPosted, Label};
use crate::journal::forms::directory_record::DirectoryRecord;
use crate::journal::frame::{Frame, Kind};
use crate::journal::snapshot::SnapshotNames;

/// Names copied while the directory is locked: nobody waits for more than that.
const COPIED_AT_ONCE: usize = 256;

/// Texts that are numbered from 0: one allocation for all, since there may be millions.
#[derive(Default, Debug)]
struct Numbered {
    text: String,
    ends: Vec<usize>,
}

impl Numbered {
    fn len(&self) -> usize {
        self.ends.len()
    }

    fn push(&mut self, name: &str) {
        self.text.push_str(name);
        self.ends.push(self.text.len());
    }

    #[inline]
    fn get(&self, number: u32) -> Option<&str> {
        let place = number as usize;
        let end = *self.ends.get(place)?;
        let start = place.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(&self.text[start..end])
    }

    /// Brings nearer where a name ends, which [`Numbered::prefetch_text`] needs.
    #[inline]
    fn prefetch_end(&self, number: u32) {
        if let Some(end) = self.ends.get(number as usize) {
            prefetch(end);
        }
    }

    /// Brings the name itself nearer.
    #[inline]
    fn prefetch_text(&self, number: u32) {
        // Not by `get`, which looks at the text.
        let last = self.ends.get(number as usize).and_then(|end| end.checked_sub(1));
        if let Some(byte) = last.and_then(|last| self.text.as_bytes().get(last)) {
            prefetch(byte);
        }
    }
}

/// How soon names are needed.
#[derive(Clone, Copy)]
pub(super) enum Ahead {
    /// Soon: where the name is.
    Far,
    /// Next: the name.
    Near,
}

/// The names that numbers in the log stand for, as far as they are known: learnt from the log, from a snapshot, or copied
/// from an engine's live directory. A number never changes its meaning.
#[derive(Default)]
pub struct Names {
    accounts: Numbered,
    clouds: Numbered,
    enterprises: Numbered,
    strings: Strings,
    /// The directory's newest record that is known.
    directory_sequence: u64,
}

impl Names {
    /// Those that a snapshot holds: perhaps more than the log up to its mark.
    pub(super) fn of_snapshot(snapshot: &SnapshotNames) -> Self {
        let mut names = Self { directory_sequence: snapshot.directory.sequence, ..Self::default() };
        snapshot.directory.accounts.iter().for_each(|id| names.accounts.push(id));
        snapshot.directory.clouds.iter().for_each(|(id, _)| names.clouds.push(id));
        snapshot.directory.enterprises.iter().for_each(|id| names.enterprises.push(id));
        for (number, text) in snapshot.strings.iter() {
            names.strings.restore(number, text);
        }
        names
    }

    /// Learns the names that a record gives, before anything in it is shown.
    pub fn learn(&mut self, frame: &Frame<'_>) -> Result<(), JournalFault> {
        match frame.kind {
            Kind::ChargesPosted => self.learn_strings(&ChargesPosted::decode(frame)?),
            Kind::Directory => {
                self.learn_directory(&DirectoryRecord::decode(frame)?);
                Ok(())
            }
            Kind::Account | Kind::CreditControl | Kind::AdminAuthorization => Ok(()),
        }
    }

    pub(super) fn learn_strings(&mut self, posted: &ChargesPosted<'_>) -> Result<(), JournalFault> {
        let known = posted.strings.iter().all(|(number, text)| self.strings.restore(*number, text));
        if known { Ok(()) } else { Err(JournalFault::Malformed("strings")) }
    }

    pub(super) fn learn_directory(&mut self, record: &DirectoryRecord) {
        if record.sequence <= self.directory_sequence {
            return; // a snapshot knew it
        }
        self.directory_sequence = record.sequence;
        for event in &record.events {
            match event {
                DirectoryEvent::AccountOpened { id, .. } => self.accounts.push(id),
                DirectoryEvent::CloudAccountRegistered { id, .. } => self.clouds.push(id),
                DirectoryEvent::EnterpriseOpened { ecid, .. } => self.enterprises.push(ecid),
                _ => {}
            }
        }
    }

    /// Copies what is new in a live directory; it is locked for some names at a time.
    pub(super) fn copy_directory(&mut self, directory: &parking_lot::RwLock<Directory>) {
        loop {
            let directory = directory.read();
            let known = [self.accounts.len(), self.clouds.len(), self.enterprises.len()];
            for _ in 0..COPIED_AT_ONCE {
                if let Some(id) = directory.account_id(AccountIndex(number(self.accounts.len()))) {
                    self.accounts.push(id);
                }
                if let Some(id) = directory.cloud_id(CloudIndex(number(self.clouds.len()))) {
                    self.clouds.push(id);
                }
                if let Some(id) = directory.enterprise_id(EnterpriseIndex(number(self.enterprises.len()))) {
                    self.enterprises.push(id);
                }
            }
            if known == [self.accounts.len(), self.clouds.len(), self.enterprises.len()] {
                return;
            }
        }
    }

    /// Whether both have names.
    #[inline]
    pub(super) fn know(&self, account: AccountIndex, cloud: CloudIndex) -> bool {
        (account.0 as usize) < self.accounts.len() && (cloud.0 as usize) < self.clouds.len()
    }

    /// Asks memory for the names of a row that is `Ahead` of the one in hand.
    #[inline]
    pub(super) fn prefetch(&self, (account, cloud): (AccountIndex, CloudIndex), ahead: Ahead) {
        match ahead {
            Ahead::Far => {
                self.accounts.prefetch_end(account.0);
                self.clouds.prefetch_end(cloud.0);
            }
            Ahead::Near => {
                self.accounts.prefetch_text(account.0);
                self.clouds.prefetch_text(cloud.0);
            }
        }
    }

    /// Whether a text has to be looked up.
    #[inline]
    pub(super) fn lacks(&self, label: Label<'_>) -> bool {
        label.number != StringId::INLINE && self.strings.text(label.number).is_none()
    }

    /// Copies a text of the live table.
    pub(super) fn copy_string(&mut self, label: Label<'_>, strings: &Strings) {
        if let Some(text) = strings.text(label.number) {
            self.strings.restore(label.number, text);
        }
    }

    /// A billing account's id; `None` where the log that gave it was not read.
    #[inline]
    pub fn account(&self, account: AccountIndex) -> Option<&str> {
        self.accounts.get(account.0)
    }

    /// A cloud account's id.
    #[inline]
    pub fn cloud(&self, cloud: CloudIndex) -> Option<&str> {
        self.clouds.get(cloud.0)
    }

    /// An enterprise's id; `None` outside of enterprises.
    pub fn enterprise(&self, enterprise: EnterpriseIndex) -> Option<&str> {
        self.enterprises.get(enterprise.0)
    }

    /// A text of a charge; `None` where the log that gave it was not read.
    #[inline]
    pub fn label<'a>(&'a self, label: Label<'a>) -> Option<&'a str> {
        match label.number {
            StringId::INLINE => Some(label.inline),
            number => self.strings.text(number),
        }
    }
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
