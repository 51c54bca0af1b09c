//! The simulated disk, which notes at what kind of call the power was lost.

use std::io;
use std::sync::Arc;

use exchequer::wal::{LockFault, SimFault, SimStorage, Storage, StorageFile};
use parking_lot::Mutex;

/// One life of the disk: from power on to power off.
#[derive(Clone)]
pub struct Disk {
    /// What is behind it.
    pub sim: SimStorage,
    tape: Arc<Mutex<Tape>>,
}

#[derive(Default)]
struct Tape {
    /// The call at which the power goes off.
    fatal: Option<u64>,
    /// What kind of call it was.
    crashed: Option<String>,
}

impl Disk {
    pub fn new(sim: SimStorage) -> Self {
        Self { sim, tape: Arc::default() }
    }

    /// Power goes off at the call that comes after so many others.
    pub fn lose_power_in(&self, calls: u64) {
        let call = self.sim.calls() + calls.max(1);
        self.sim.fail_at(call, SimFault::Crash);
        self.tape.lock().fatal = Some(call);
    }

    /// The kind of call at which power was lost, if it was.
    pub fn crashed(&self) -> Option<String> {
        self.tape.lock().crashed.clone()
    }

    fn note(&self, call: &str, path: &str) {
        let mut tape = self.tape.lock();
        if tape.crashed.is_none() && tape.fatal.is_some_and(|fatal| self.sim.calls() >= fatal) {
            tape.crashed = Some(format!("{call} {}", kind_of(path)));
        }
    }

    fn noted<T>(&self, call: &str, path: &str, result: T) -> T {
        self.note(call, path);
        result
    }

    fn file(&self, path: &str, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        Box::new(DiskFile { disk: self.clone(), kind: kind_of(path), file })
    }
}

/// What a file is for.
fn kind_of(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, kind)| kind) {
        Some("wal") => "segment",
        Some("spare") => "spare segment",
        Some("snap") => "snapshot",
        _ if path.contains("snap") => "snapshot aside",
        _ if path.contains("wal/") => "spare segment",
        _ if path.contains("wal") => "log directory",
        _ => "identity",
    }
}

impl Storage for Disk {
    fn open(&self, path: &str) -> io::Result<Box<dyn StorageFile>> {
        let file = self.noted("open", path, self.sim.open(path))?;
        Ok(self.file(path, file))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn StorageFile>> {
        let file = self.noted("create", path, self.sim.create(path))?;
        Ok(self.file(path, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.noted("rename", to, self.sim.rename(from, to))
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        self.noted("delete", path, self.sim.delete(path))
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.noted("list", directory, self.sim.list(directory))
    }

    fn create_directory(&self, path: &str) -> io::Result<()> {
        self.noted("create directory", path, self.sim.create_directory(path))
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        self.noted("sync directory", path, self.sim.sync_directory(path))
    }

    fn lock(&self) -> Result<(), LockFault> {
        self.noted("lock", "", self.sim.lock())
    }
}

struct DiskFile {
    disk: Disk,
    kind: &'static str,
    file: Box<dyn StorageFile>,
}

impl DiskFile {
    fn noted<T>(&self, call: &str, result: T) -> T {
        let mut tape = self.disk.tape.lock();
        if tape.crashed.is_none() && tape.fatal.is_some_and(|fatal| self.disk.sim.calls() >= fatal) {
            tape.crashed = Some(format!("{call} {}", self.kind));
        }
        result
    }
}

impl StorageFile for DiskFile {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        let result = self.file.read_at(bytes, offset);
        self.noted("read", result)
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let result = self.file.write_all_at(bytes, offset);
        self.noted("write", result)
    }

    fn sync(&mut self) -> io::Result<()> {
        let result = self.file.sync();
        self.noted("sync", result)
    }

    fn size(&self) -> io::Result<u64> {
        let result = self.file.size();
        self.noted("size", result)
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        let result = self.file.set_size(size);
        self.noted("set size", result)
    }
}
