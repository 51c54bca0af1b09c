//! Simulated storage: it counts calls, fails where it is told to, and loses power.
//!
//! Every file has a *live* image (what programs read: the page cache) and a *durable* one (the disk), and the changes
//! between the two; so have the names. [`SimStorage::crash`] gives the disk after a power loss: each change that was
//! not synced is kept, lost, or torn at 512-byte sectors, whatever became of the others. Same seed, same disk.

mod image;

use super::{LockFault, Storage, StorageFile};
use image::{Chance, Change, FileImage, NameChange, split};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

/// What goes wrong at a call.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SimFault {
    /// Power is lost during the call: it may or may not have happened, and every later call fails.
    Crash,
    /// The call does nothing and reports an I/O error.
    Io,
    /// The call does nothing and reports a full disk.
    NoSpace,
    /// A sync fails as Linux fails it: what was not yet on disk can still be read, but some of it never gets there,
    /// even if a later sync succeeds. Any other call does nothing and reports an I/O error.
    SyncFails,
    /// A write writes only its first half and reports a full disk. Any other call does nothing and reports the same.
    ShortWrite,
}

/// Storage in memory with faults and power loss; clones are the same storage. Usable from many threads.
#[derive(Clone, Debug)]
pub struct SimStorage {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug)]
struct State {
    seed: u64,
    calls: u64,
    faults: BTreeMap<u64, SimFault>,
    crashed: bool,
    ignores_syncs: bool,
    lock_holder: Option<u32>,
    files: Vec<FileImage>,
    live: BTreeMap<String, usize>,
    durable: BTreeMap<String, usize>,
    unsynced_names: Vec<NameChange>,
}

fn index(offset: u64) -> io::Result<usize> {
    usize::try_from(offset).map_err(|_| io::ErrorKind::FileTooLarge.into())
}

/// What a call has to do beyond its usual work.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Twist {
    None,
    /// Do it, then fail: power was lost meanwhile.
    Crash,
    /// Write half, then fail.
    Short,
    /// Fail, and lose some of what was to be synced.
    LoseSync,
}

impl Twist {
    fn outcome(self) -> io::Result<()> {
        match self {
            Self::None => Ok(()),
            Self::Crash => Err(power_lost()),
            Self::Short => Err(io::ErrorKind::StorageFull.into()),
            Self::LoseSync => Err(input_output()),
        }
    }
}

fn power_lost() -> io::Error {
    io::Error::other("simulated power loss")
}

fn input_output() -> io::Error {
    io::Error::other("simulated input/output error")
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Call {
    Write,
    Sync,
    Other,
}

impl State {
    fn begin(&mut self, call: Call) -> io::Result<Twist> {
        if self.crashed {
            return Err(power_lost());
        }
        self.calls += 1;
        match (self.faults.get(&self.calls), call) {
            (None, _) => Ok(Twist::None),
            (Some(SimFault::Crash), _) => {
                self.crashed = true;
                Ok(Twist::Crash)
            }
            (Some(SimFault::ShortWrite), Call::Write) => Ok(Twist::Short),
            (Some(SimFault::SyncFails), Call::Sync) => Ok(Twist::LoseSync),
            (Some(SimFault::NoSpace | SimFault::ShortWrite), _) => Err(io::ErrorKind::StorageFull.into()),
            (Some(SimFault::Io | SimFault::SyncFails), _) => Err(input_output()),
        }
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.live);
        self.unsynced_names.push(change);
    }

    fn change_file(&mut self, file: usize, change: Change) {
        let image = &mut self.files[file];
        change.apply(&mut image.live);
        image.unsynced.push(change);
    }

    fn chance(&self, salt: u64) -> Chance {
        Chance(self.seed ^ salt.wrapping_mul(0xd6e8_feb8_6659_fd93) ^ self.calls.rotate_left(32))
    }
}

impl SimStorage {
    /// An empty data directory; the seed decides what a failed sync loses.
    pub fn new(seed: u64) -> Self {
        Self::of(State {
            seed,
            calls: 0,
            faults: BTreeMap::new(),
            crashed: false,
            ignores_syncs: false,
            lock_holder: None,
            files: Vec::new(),
            live: BTreeMap::new(),
            durable: BTreeMap::new(),
            unsynced_names: Vec::new(),
        })
    }

    fn of(state: State) -> Self {
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// Makes the call with that number (the first one is 1; every call of every file counts) go wrong.
    pub fn fail_at(&self, call: u64, fault: SimFault) {
        self.state.lock().faults.insert(call, fault);
    }

    /// From now on syncs say that they worked and do nothing: a lying disk, to prove that a test notices.
    pub fn ignore_syncs(&self, ignore: bool) {
        self.state.lock().ignores_syncs = ignore;
    }

    /// Pretends that another process has the lock.
    pub fn lock_held_by(&self, pid: Option<u32>) {
        self.state.lock().lock_holder = pid;
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.state.lock().calls
    }

    /// The storage after a power loss now; `self` stays as it is. Calls are counted anew, faults are forgotten.
    #[must_use]
    pub fn crash(&self, seed: u64) -> Self {
        let state = self.state.lock();
        let mut chance = state.chance(seed.wrapping_add(1));
        let mut names = state.durable.clone();
        for change in &state.unsynced_names {
            if chance.below(2) == 0 {
                change.apply(&mut names);
            }
        }
        let files = state
            .files
            .iter()
            .map(|image| {
                let mut bytes = image.durable.clone();
                for change in &image.unsynced {
                    change.apply_some(&mut bytes, &mut chance);
                }
                FileImage { live: bytes.clone(), durable: bytes, unsynced: Vec::new() }
            })
            .collect();
        let fresh = Self::new(seed);
        {
            let mut after = fresh.state.lock();
            after.files = files;
            after.live.clone_from(&names);
            after.durable = names;
        }
        fresh
    }

    /// The storage after the process died and power did not: a copy with all that is live, synced or not. Calls are
    /// counted anew, faults are forgotten.
    #[must_use]
    pub fn restart(&self) -> Self {
        let mut state = self.state.lock().clone();
        state.calls = 0;
        state.crashed = false;
        state.faults.clear();
        Self::of(state)
    }

    /// Every file's path, sorted.
    pub fn paths(&self) -> Vec<String> {
        self.state.lock().live.keys().cloned().collect()
    }

    /// A file's live bytes.
    pub fn file(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state.lock();
        state.live.get(path).map(|file| state.files[*file].live.clone())
    }

    /// Puts a file there, durably.
    pub fn set_file(&self, path: &str, bytes: &[u8]) {
        let mut state = self.state.lock();
        let image = FileImage { live: bytes.to_vec(), durable: bytes.to_vec(), unsynced: Vec::new() };
        let file = state.files.len();
        state.files.push(image);
        state.live.insert(path.to_owned(), file);
        state.durable.insert(path.to_owned(), file);
    }

    /// Removes a file, durably; nothing if there is none.
    pub fn remove_file(&self, path: &str) {
        let mut state = self.state.lock();
        state.live.remove(path);
        state.durable.remove(path);
    }

    /// Flips one bit (0–7) of a file, durably; nothing if the file is not that long.
    pub fn flip_bit(&self, path: &str, offset: u64, bit: u8) {
        self.damage(path, |bytes| {
            if let Some(byte) = index(offset).ok().and_then(|offset| bytes.get_mut(offset)) {
                *byte ^= 1_u8 << (bit % 8);
            }
        });
    }

    /// Cuts a file, durably; nothing if it is not longer.
    pub fn truncate(&self, path: &str, size: u64) {
        self.damage(path, |bytes| bytes.truncate(index(size).unwrap_or(usize::MAX)));
    }

    fn damage(&self, path: &str, damage: impl Fn(&mut Vec<u8>)) {
        let mut state = self.state.lock();
        if let Some(file) = state.live.get(path).copied() {
            damage(&mut state.files[file].live);
            damage(&mut state.files[file].durable);
        }
    }
}

impl Storage for SimStorage {
    fn open(&self, path: &str) -> io::Result<Box<dyn StorageFile>> {
        let mut state = self.state.lock();
        state.begin(Call::Other)?.outcome()?;
        let file = state.live.get(path).copied().ok_or_else(not_found)?;
        Ok(Box::new(SimFile { state: Arc::clone(&self.state), file }))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn StorageFile>> {
        let mut state = self.state.lock();
        let twist = state.begin(Call::Other)?;
        if state.live.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let file = state.files.len();
        state.files.push(FileImage::default());
        state.change_names(NameChange::Created { path: path.to_owned(), file });
        twist.outcome()?;
        Ok(Box::new(SimFile { state: Arc::clone(&self.state), file }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let twist = state.begin(Call::Other)?;
        let file = state.live.get(from).copied().ok_or_else(not_found)?;
        state.change_names(NameChange::Renamed { from: from.to_owned(), to: to.to_owned(), file });
        twist.outcome()
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let twist = state.begin(Call::Other)?;
        if !state.live.contains_key(path) {
            return Err(not_found());
        }
        state.change_names(NameChange::Deleted { path: path.to_owned() });
        twist.outcome()
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        let mut state = self.state.lock();
        state.begin(Call::Other)?.outcome()?;
        let inside = state.live.keys().map(|path| split(path)).filter(|(parent, _)| *parent == directory);
        Ok(inside.map(|(_, name)| name.to_owned()).collect())
    }

    fn create_directory(&self, _path: &str) -> io::Result<()> {
        // Directories have no image of their own: a file's path is all there is.
        self.state.lock().begin(Call::Other)?.outcome()
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        let mut state = self.state.lock();
        let twist = state.begin(Call::Sync)?;
        if twist == Twist::None && !state.ignores_syncs {
            let (synced, rest): (Vec<_>, Vec<_>) = std::mem::take(&mut state.unsynced_names)
                .into_iter()
                .partition(|change| change.directory() == path);
            for change in synced {
                change.apply(&mut state.durable);
            }
            state.unsynced_names = rest;
        }
        twist.outcome()
    }

    fn lock(&self) -> Result<(), LockFault> {
        let mut state = self.state.lock();
        state.begin(Call::Other)?.outcome()?;
        match state.lock_holder {
            None => Ok(()),
            pid => Err(LockFault::Held { pid }),
        }
    }
}

struct SimFile {
    state: Arc<Mutex<State>>,
    file: usize,
}

impl StorageFile for SimFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut state = self.state.lock();
        state.begin(Call::Other)?.outcome()?;
        let there = state.files[self.file].live.get(index(offset)?..).unwrap_or_default();
        let count = there.len().min(bytes.len());
        bytes[..count].copy_from_slice(&there[..count]);
        Ok(count)
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        let twist = state.begin(Call::Write)?;
        let bytes = if twist == Twist::Short { &bytes[..bytes.len() / 2] } else { bytes };
        state.change_file(self.file, Change::Write { offset: index(offset)?, bytes: bytes.to_vec() });
        twist.outcome()
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.state.lock();
        let twist = state.begin(Call::Sync)?;
        let mut chance = state.chance(0);
        let ignores_syncs = state.ignores_syncs;
        let image = &mut state.files[self.file];
        match twist {
            Twist::None if !ignores_syncs => {
                for change in std::mem::take(&mut image.unsynced) {
                    change.apply(&mut image.durable);
                }
            }
            Twist::LoseSync => {
                for change in std::mem::take(&mut image.unsynced) {
                    change.apply_some(&mut image.durable, &mut chance);
                }
            }
            _ => {}
        }
        twist.outcome()
    }

    fn size(&self) -> io::Result<u64> {
        let mut state = self.state.lock();
        state.begin(Call::Other)?.outcome()?;
        Ok(state.files[self.file].live.len() as u64)
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        let mut state = self.state.lock();
        let twist = state.begin(Call::Write)?;
        if twist != Twist::Short {
            state.change_file(self.file, Change::Size(index(size)?));
        }
        twist.outcome()
    }
}

#[cfg(test)]
mod tests;
