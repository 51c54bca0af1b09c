//! Files that are filled with zeros before they become segments: a block then overwrites allocated bytes, and its
//! sync has no size and no allocation to make durable.

use super::fault::StorageFault;
use super::lsn::Lsn;
use super::reader::ZEROS;
use super::segment::spare_path;
use super::storage::{Storage, StorageFile};
use crossbeam::channel::{Receiver, Sender, bounded};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{Builder, JoinHandle};

/// The helper syncs after so many bytes, so that a commit never waits behind a whole segment of zeros.
const SYNC_BYTES: u64 = 512 * 1024;

/// When segments are filled with zeros.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub enum Preallocation {
    /// By a thread of its own, once an eighth of the current segment is full.
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
    preallocation: Preallocation,
    numbered: u64,
    recycled: Vec<String>,
    helper: Option<Helper>,
    /// The path that the helper is at work on, or has done.
    requested: Option<String>,
}

impl Spares {
    pub fn new(
        storage: Arc<dyn Storage>,
        size: u64,
        recycled_max: usize,
        preallocation: Preallocation,
    ) -> Self {
        Self {
            storage,
            size,
            recycled_max,
            preallocation,
            numbered: 0,
            recycled: Vec::new(),
            helper: None,
            requested: None,
        }
    }

    /// Has the next spare made ahead, unless that is under way.
    pub fn request(&mut self) {
        if self.preallocation == Preallocation::Inline || self.requested.is_some() {
            return;
        }
        let job = self.job(self.size);
        let path = job.path.clone();
        if self.helper.is_none() {
            self.helper = Helper::start(&self.storage).ok();
        }
        match &self.helper {
            Some(helper) if helper.hand_over(job) => self.requested = Some(path),
            _ => {} // no helper to be had: the writer does it at rotation
        }
    }

    /// A spare of that size: one made ahead, or made now.
    pub fn take(&mut self, size: u64) -> Result<Spare, StorageFault> {
        if size == self.size
            && self.requested.take().is_some()
            && let Some(made) = self.helper.as_ref().and_then(Helper::wait)
        {
            return made;
        }
        let job = self.job(size);
        make(&*self.storage, job, &AtomicBool::new(false))
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
        for path in self.recycled.drain(..).chain(self.requested.take()) {
            if let Err(error) = self.storage.delete(&path)
                && error.kind() != io::ErrorKind::NotFound
            {
                tracing::warn!(file = path, %error, "cannot delete a spare segment");
            }
        }
    }
}

struct Helper {
    jobs: Option<Sender<Job>>,
    spares: Receiver<Result<Spare, StorageFault>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Helper {
    fn start(storage: &Arc<dyn Storage>) -> io::Result<Self> {
        let (jobs, todo) = bounded::<Job>(1);
        let (done, spares) = bounded(1);
        let stop = Arc::new(AtomicBool::new(false));
        let thread = Builder::new().name("wal-spare".to_owned()).spawn({
            let (storage, stop) = (Arc::clone(storage), Arc::clone(&stop));
            move || {
                for job in todo {
                    if done.send(make(&*storage, job, &stop)).is_err() {
                        break;
                    }
                }
            }
        })?;
        Ok(Self { jobs: Some(jobs), spares, stop, thread: Some(thread) })
    }

    fn hand_over(&self, job: Job) -> bool {
        self.jobs.as_ref().is_some_and(|jobs| jobs.try_send(job).is_ok())
    }

    fn wait(&self) -> Option<Result<Spare, StorageFault>> {
        self.spares.recv().ok()
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join(); // its panic was reported by the panic hook, and there is nothing to undo
        }
    }
}

fn make(storage: &dyn Storage, job: Job, stop: &AtomicBool) -> Result<Spare, StorageFault> {
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
    zero_out(&mut *file, &path, 0, size, stop)?;
    Ok(Spare { path, file, size })
}

/// Writes zeros from `from` to `to` and syncs them; leaves off early if told to stop.
pub(super) fn zero_out(
    file: &mut dyn StorageFile,
    path: &str,
    from: u64,
    to: u64,
    stop: &AtomicBool,
) -> Result<(), StorageFault> {
    let mut at = from;
    let mut unsynced = 0;
    while at < to && !stop.load(Ordering::Relaxed) {
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
