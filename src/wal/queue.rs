//! Group commit: the loop of the thread that owns the log's writer.
//!
//! One FIFO, one block after the other; a block is a prefix of the FIFO. While one block is synced, the next one's
//! buffers queue up.

use super::fault::LogFault;
use super::lsn::Lsn;
use super::watermark::Watermark;
use super::writer::LogWriter;
use crate::limits::BLOCK_BYTES_TARGET;
use crossbeam::channel::{Receiver, RecvError, after, never};
use crossbeam::select;
use std::time::Duration;

/// One buffer that a producer handed over.
pub trait Commit: Send + 'static {
    /// What is written. If empty nothing is, and it only waits for what was queued before it.
    fn bytes(&self) -> &[u8];
    /// How many records it holds.
    fn records(&self) -> u32;
    /// It has left the FIFO: its producer may queue the next one.
    fn taken(&mut self);
    /// It, and all before it, survives a power loss. Called once, in FIFO order; never after a fault.
    fn durable(self, lsn: Lsn);
}

/// What the writer's thread is asked to do.
#[derive(Clone, Debug)]
pub enum Order<C> {
    /// Make this durable.
    Commit(C),
    /// Drop the segments whose blocks are all below that one, once everything queued before is durable.
    Trim(Lsn),
    /// Make everything queued before durable, close the log cleanly, and end.
    Seal,
}

/// How buffers are gathered into blocks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct QueueOptions {
    /// Once a block has so many bytes, no more buffers are added to it.
    pub block_bytes_max: usize,
    /// How long a block that is not full waits for more; not at all by default.
    pub max_commit_delay: Option<Duration>,
}

impl Default for QueueOptions {
    fn default() -> Self {
        Self { block_bytes_max: BLOCK_BYTES_TARGET, max_commit_delay: None }
    }
}

/// A buffer of fewer bytes waits for those that are about to come.
const SMALL_BYTES: usize = 4_096;

/// Gives the calling thread, which writes a log, a higher priority than others, if the process may do that
/// (`CAP_SYS_NICE` or `RLIMIT_NICE`).
///
/// All wait for it, and it needs a processor for microseconds only, but many times for each block.
fn go_first() {
    // Elsewhere it would be the whole process.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(-19) {
        tracing::debug!(%error, "the log's thread has no higher priority than the others");
    }
}

/// Writes what is ordered until the log is sealed, or all senders are gone (then it is not sealed), and returns the
/// last lsn. On a fault it returns at once, drops what it has in hand, and has retried nothing.
pub fn run<C: Commit>(
    writer: LogWriter,
    orders: &Receiver<Order<C>>,
    options: &QueueOptions,
    watermark: &Watermark,
) -> Result<Lsn, LogFault> {
    go_first();
    let mut committer = Committer::new(writer);
    while let Ok(first) = orders.recv() {
        // A small block: whoever is about to hand over does so first. Where nobody wants the processor this takes no time.
        if matches!(&first, Order::Commit(commit) if commit.bytes().len() < SMALL_BYTES) {
            std::thread::yield_now();
        }
        if let Some(sealed) = committer.step(first, orders, options, watermark)? {
            return Ok(sealed);
        }
    }
    Ok(committer.writer.last())
}

/// The body of [`run`], for whoever drives the log himself: a simulation that has one thread only.
pub struct Committer<C> {
    writer: LogWriter,
    in_hand: Vec<C>,
}

impl<C: Commit> Committer<C> {
    /// Nothing in hand yet.
    pub fn new(writer: LogWriter) -> Self {
        Self { writer, in_hand: Vec::new() }
    }

    /// Does what is queued now, as one block at most, without waiting for anything.
    pub fn pump(
        &mut self,
        orders: &Receiver<Order<C>>,
        options: &QueueOptions,
        watermark: &Watermark,
    ) -> Result<Pumped, LogFault> {
        let Ok(first) = orders.try_recv() else { return Ok(Pumped::Idle) };
        let options = QueueOptions { max_commit_delay: None, ..*options };
        let sealed = self.step(first, orders, &options, watermark)?;
        Ok(sealed.map_or(Pumped::Worked, Pumped::Sealed))
    }

    /// Gathers a block, beginning with that order, and commits it. Returns the last lsn if the log is sealed now.
    fn step(
        &mut self,
        first: Order<C>,
        orders: &Receiver<Order<C>>,
        options: &QueueOptions,
        watermark: &Watermark,
    ) -> Result<Option<Lsn>, LogFault> {
        let deadline = options.max_commit_delay.map_or_else(never, after);
        let waits = options.max_commit_delay.is_some();
        let mut bytes = 0;
        let mut next = Some(first);
        let last = loop {
            match next {
                Some(Order::Commit(mut commit)) => {
                    bytes += commit.bytes().len();
                    commit.taken();
                    self.in_hand.push(commit);
                }
                Some(order) => break Some(order),
                None => break None,
            }
            if bytes >= options.block_bytes_max {
                break None;
            }
            next = orders.try_recv().ok();
            if next.is_none() && waits {
                next = select! {
                    recv(orders) -> order => order.map_err(|RecvError| ()).ok(),
                    recv(deadline) -> _ => None,
                };
            }
        };
        self.commit(watermark)?;
        match last {
            Some(Order::Trim(below)) => self.writer.trim(below).map(|_| None),
            Some(Order::Seal) => self.seal(watermark).map(Some),
            _ => Ok(None),
        }
    }

    /// Writes and syncs what is in hand as one block, and tells everybody.
    fn commit(&mut self, watermark: &Watermark) -> Result<(), LogFault> {
        // Dropped on a fault, in whatever state: nobody is told that it is durable.
        let mut in_hand = std::mem::take(&mut self.in_hand);
        if in_hand.iter().any(|commit| !commit.bytes().is_empty()) {
            watermark.accept(self.writer.last().next());
            let records = in_hand.iter().fold(0_u32, |sum, commit| sum.saturating_add(commit.records()));
            watermark.submit(self.writer.write(in_hand.iter().map(Commit::bytes), records)?);
            watermark.sync(self.writer.flush()?);
        }
        let lsn = self.writer.last();
        for commit in in_hand.drain(..) {
            commit.durable(lsn);
        }
        self.in_hand = in_hand; // for its allocation
        Ok(())
    }

    fn seal(&mut self, watermark: &Watermark) -> Result<Lsn, LogFault> {
        watermark.accept(self.writer.last().next());
        let lsn = self.writer.seal_now()?;
        watermark.submit(lsn);
        watermark.sync(lsn);
        Ok(lsn)
    }
}

/// What [`Committer::pump`] did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Pumped {
    /// Nothing was queued.
    Idle,
    /// A block, a trim, or both.
    Worked,
    /// The log is closed cleanly; this is its last lsn.
    Sealed(Lsn),
}
