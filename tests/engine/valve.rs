//! Simulated storage whose log can be held up at its next sync, for as long as a test wants to look at what is not
//! durable yet.

use std::io;
use std::sync::Arc;

use exchequer::wal::{LockFault, SimStorage, Storage, StorageFile};
use parking_lot::{Condvar, Mutex};

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Position {
    #[default]
    Open,
    Closed,
    /// Lets nobody pass any more: every sync fails.
    Broken,
}

#[derive(Default)]
struct State {
    position: Position,
    /// Syncs that wait.
    held: usize,
    /// A snapshot is being written.
    snapshot: bool,
}

#[derive(Clone)]
pub struct Valve {
    pub sim: SimStorage,
    state: Arc<(Mutex<State>, Condvar)>,
}

impl Valve {
    pub fn new() -> Self {
        Self { sim: SimStorage::new(0), state: Arc::default() }
    }

    /// Holds up the log's syncs from now on, at most as long as what is given back lives: a test that fails must not
    /// hang.
    #[must_use]
    pub fn close(&self) -> Held {
        self.turn(Position::Closed);
        Held(self.clone())
    }

    /// Lets what waits go on.
    pub fn open(&self) {
        self.turn(Position::Open);
    }

    /// Fails what waits, and all that comes.
    pub fn fail(&self) {
        self.turn(Position::Broken);
    }

    /// Waits until a sync is held up.
    pub fn wait_until_held(&self) {
        let (state, changed) = &*self.state;
        let mut state = state.lock();
        while state.held == 0 {
            changed.wait(&mut state);
        }
    }

    /// Waits until a snapshot is begun.
    pub fn wait_for_snapshot(&self) {
        let (state, changed) = &*self.state;
        let mut state = state.lock();
        while !state.snapshot {
            changed.wait(&mut state);
        }
    }

    fn turn(&self, position: Position) {
        let (state, changed) = &*self.state;
        state.lock().position = position;
        changed.notify_all();
    }

    fn turn_if_closed(&self) {
        let (state, changed) = &*self.state;
        let mut state = state.lock();
        if state.position == Position::Closed {
            state.position = Position::Open;
            changed.notify_all();
        }
    }

    fn pass(&self) -> io::Result<()> {
        let (state, changed) = &*self.state;
        let mut state = state.lock();
        state.held += 1;
        changed.notify_all();
        while state.position == Position::Closed {
            changed.wait(&mut state);
        }
        state.held -= 1;
        if state.position == Position::Broken { Err(io::Error::other("the valve is broken")) } else { Ok(()) }
    }

    fn file(&self, path: &str, file: Box<dyn StorageFile>) -> Box<dyn StorageFile> {
        if path.starts_with("wal/") { Box::new(File { file, valve: self.clone() }) } else { file }
    }
}

/// Lets what waits go on at its end.
pub struct Held(Valve);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.turn_if_closed();
    }
}

impl Storage for Valve {
    fn open(&self, path: &str) -> io::Result<Box<dyn StorageFile>> {
        Ok(self.file(path, self.sim.open(path)?))
    }

    fn create(&self, path: &str) -> io::Result<Box<dyn StorageFile>> {
        if path.starts_with("snapshots/") {
            let (state, changed) = &*self.state;
            state.lock().snapshot = true;
            changed.notify_all();
        }
        Ok(self.file(path, self.sim.create(path)?))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.sim.rename(from, to)
    }

    fn delete(&self, path: &str) -> io::Result<()> {
        self.sim.delete(path)
    }

    fn list(&self, directory: &str) -> io::Result<Vec<String>> {
        self.sim.list(directory)
    }

    fn create_directory(&self, path: &str) -> io::Result<()> {
        self.sim.create_directory(path)
    }

    fn sync_directory(&self, path: &str) -> io::Result<()> {
        self.sim.sync_directory(path)
    }

    fn lock(&self) -> Result<(), LockFault> {
        self.sim.lock()
    }
}

struct File {
    file: Box<dyn StorageFile>,
    valve: Valve,
}

impl StorageFile for File {
    fn read_at(&self, bytes: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(bytes, offset)
    }

    fn write_all_at(&mut self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.valve.pass()?;
        self.file.sync()
    }

    fn size(&self) -> io::Result<u64> {
        self.file.size()
    }

    fn set_size(&mut self, size: u64) -> io::Result<()> {
        self.file.set_size(size)
    }
}
