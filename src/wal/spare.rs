//! Files that are filled with zeros before they become segments: a block then overwrites allocated bytes, and its
//! sync has no size and no allocation to make durable.

use super::fault::StorageFault;
use super::lsn::Lsn;
use super::reader::ZEROS;
use super::segment::spare_path;
use super::storage::{Storage, StorageFile};
use crossbeam::channel::{Receiver, Sender, bounded, unbounded};
use std::io;
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

/// Zeros are synced after so many bytes, so that a commit never waits behind a whole segment of them.
const SYNC_BYTES: u64 = 512 * 1024;

/// When segments are filled with zeros.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Preallocation {
    /// By a thread of its own, a little at a time as the current segment fills: all at once, it would take the disk
    /// and a processor from whoever waits for a commit.
    #[default]
    Ahead,
    /// By the writer, at rotation: for simulations, which must be deterministic.
    Inline,
}

/// A zero-filled, synced file under a name of its own.
pub(super) struct Spare {
    pub path: String,
    pub file: Box<dyn StorageFile>,
    pub size: u64,
}

/// A file to fill with zeros.
struct Job {
    path: String,
    /// It exists: a trimmed segment.
    recycled: bool,
    size: u64,
}

/// Makes spares, ahead of use if it can.
pub(super) struct Spares {
    storage: Arc<dyn Storage>,
    size: u64,
    recycled_max: usize,
    numbered: u64,
    recycled: Vec<String>,
    helper: Option<Helper>,
    /// What the helper is at work on, or has done.
    requested: Option<Requested>,
}

/// A spare that the helper makes.
struct Requested {
    path: String,
    /// How many bytes of it the helper may fill by now.
    allowed: u64,
}

impl Spares {
    pub fn new(
        storage: Arc<dyn Storage>,
        size: u64,
        recycled_max: usize,
        preallocation: Preallocation,
    ) -> Self {
        // Now, so that its thread has the priority of whoever opens the log, not that of who writes it.
        let ahead = preallocation == Preallocation::Ahead;
        let started = ahead.then(|| Helper::start(&storage)).transpose();
        let helper = started.unwrap_or_else(|error| {
            tracing::warn!(%error, "segments are filled with zeros only when they are needed");
            None
        });
        Self { storage, size, recycled_max, numbered: 0, recycled: Vec::new(), helper, requested: None }
    }

    /// Has the next spare made ahead, as far as the current segment of `size` bytes is full: `filled`.
    pub fn keep_pace(&mut self, filled: u64, size: u64) {
        if self.helper.is_none() {
            return; // the writer does it at rotation
        }
        // Ahead by an eighth, so that it is whole in time.
        let share = u128::from(self.size) * u128::from(filled) * 9 / 8 / u128::from(size);
        let allowed = u64::try_from(share).unwrap_or(self.size).min(self.size);
        let so_far = self.requested.as_ref().map_or(0, |requested| requested.allowed);
        if allowed < so_far + SYNC_BYTES && (allowed < self.size || allowed == so_far) {
            return;
        }
        if self.requested.is_none() {
            self.request();
        }
        if let (Some(requested), Some(helper)) = (&mut self.requested, &self.helper) {
            requested.allowed = allowed;
            helper.tell(Step::Until(allowed));
        }
    }

    fn request(&mut self) {
        let job = self.job(self.size);
        self.requested = Some(Requested { path: job.path.clone(), allowed: 0 });
        if let Some(helper) = &self.helper {
            helper.tell(Step::Begin(job));
        }
    }

    /// A spare of that size: one made ahead, or made now.
    pub fn take(&mut self, size: u64) -> Result<Spare, StorageFault> {
        if size == self.size
            && self.requested.take().is_some()
            && let Some(made) = self.helper.as_ref().and_then(|helper| helper.wait(size))
        {
            return made;
        }
        let job = self.job(size);
        let mut filling = Filling::begin(&*self.storage, job)?;
        filling.fill(size)?;
        Ok(filling.spare)
    }

    fn job(&mut self, size: u64) -> Job {
        if size == self.size
            && let Some(path) = self.recycled.pop()
        {
            return Job { path, recycled: true, size };
        }
        Job { path: self.next_path(), recycled: false, size }
    }

    fn next_path(&mut self) -> String {
        self.numbered += 1;
        spare_path(self.numbered)
    }

    /// The name that a trimmed segment should get to be used again; `None` if there are enough.
    pub fn recycle(&mut self) -> Option<String> {
        (self.recycled.len() < self.recycled_max).then(|| self.next_path())
    }

    /// It has got that name.
    pub fn recycled(&mut self, path: String) {
        self.recycled.push(path);
    }

    /// Stops the helper and deletes what nobody will use. What can't be deleted is found at the next open.
    pub fn close(&mut self) {
        self.helper = None;
        for path in self.recycled.drain(..).chain(self.requested.take().map(|one| one.path)) {
            if let Err(error) = self.storage.delete(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(file = path, %error, "cannot delete a spare segment");
            }
        }
    }
}

/// What the helper is told.
enum Step {
    Begin(Job),
    /// Fill the file up to there.
    Until(u64),
}

struct Helper {
    steps: Option<Sender<Step>>,
    spares: Receiver<Result<Spare, StorageFault>>,
    thread: Option<JoinHandle<()>>,
}

impl Helper {
    fn start(storage: &Arc<dyn Storage>) -> io::Result<Self> {
        let (steps, todo) = unbounded();
        let (done, spares) = bounded(1);
        let storage = Arc::clone(storage);
        let thread =
            Builder::new().name("wal-spare".to_owned()).spawn(move || help(&*storage, &todo, &done))?;
        Ok(Self { steps: Some(steps), spares, thread: Some(thread) })
    }

    fn tell(&self, step: Step) {
        if let Some(steps) = &self.steps {
            drop(steps.send(step)); // without the helper, the wait for its spare ends at once
        }
    }

    /// The spare of `size` bytes that was begun.
    fn wait(&self, size: u64) -> Option<Result<Spare, StorageFault>> {
        self.tell(Step::Until(size));
        self.spares.recv().ok()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.steps = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // its panic was reported by the panic hook, and there is nothing to undo
        }
    }
}

/// The helper's life: spares one after the other, each told how far to fill it.
fn help(storage: &dyn Storage, todo: &Receiver<Step>, done: &Sender<Result<Spare, StorageFault>>) {
    let mut filling = None;
    for step in todo {
        let filled = match step {
            Step::Begin(job) => Filling::begin(storage, job).map(|begun| filling = Some(begun)),
            Step::Until(to) => filling.as_mut().map_or(Ok(()), |filling: &mut Filling| filling.fill(to)),
        };
        let ended = match (filled, filling.take_if(|filling| filling.is_full())) {
            (Err(fault), _) => {
                filling = None;
                Err(fault)
            }
            (Ok(()), Some(full)) => Ok(full.spare),
            (Ok(()), None) => continue,
        };
        if done.send(ended).is_err() {
            return;
        }
    }
}

/// A file that is being filled with zeros.
struct Filling {
    spare: Spare,
    at: u64,
}

impl Filling {
    fn begin(storage: &dyn Storage, job: Job) -> Result<Self, StorageFault> {
        let Job { path, recycled, size } = job;
        let fault = |attempt, offset| StorageFault::of(attempt, &path, offset, Lsn::NOTHING);
        let mut file = if recycled {
            storage.open(&path).map_err(fault("open", 0))?
        } else {
            storage.create(&path).map_err(fault("create", 0))?
        };
        if recycled && file.size().map_err(fault("measure", 0))? != size {
            file.set_size(size).map_err(fault("resize", size))?;
        }
        Ok(Self { spare: Spare { path, file, size }, at: 0 })
    }

    fn fill(&mut self, to: u64) -> Result<(), StorageFault> {
        let to = to.min(self.spare.size);
        if self.at < to {
            zero_out(&mut *self.spare.file, &self.spare.path, self.at, to)?;
            self.at = to;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.at == self.spare.size
    }
}

/// Writes zeros from `from` to `to` and syncs them.
pub(super) fn zero_out(
    file: &mut dyn StorageFile,
    path: &str,
    from: u64,
    to: u64,
) -> Result<(), StorageFault> {
    let mut at = from;
    let mut unsynced = 0;
    while at < to {
        let length = ZEROS.len().min(usize::try_from(to - at).unwrap_or(usize::MAX));
        file.write_all_at(&ZEROS[..length], at).map_err(StorageFault::of("fill", path, at, Lsn::NOTHING))?;
        at += length as u64;
        unsynced += length as u64;
        if unsynced >= SYNC_BYTES {
            file.sync().map_err(StorageFault::of("sync", path, at, Lsn::NOTHING))?;
            unsynced = 0;
        }
    }
    file.sync().map_err(StorageFault::of("sync", path, at, Lsn::NOTHING))
}
