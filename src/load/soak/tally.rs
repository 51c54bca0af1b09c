//! What the engine has answered, counted by the threads that wait and read by the one that watches.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::engine::PostReport;
use crate::load::figures::Latency;

/// Answers to batches.
#[derive(Clone, Default, Debug)]
pub struct Counts {
    /// Charges posted.
    pub accepted: u64,
    /// Charges that were posted before.
    pub duplicate: u64,
    /// Batches that were not answered as they had to be.
    pub wrong_batches: u64,
    /// From the hand-over of a batch (or when it was due) until its answer.
    pub latency: Latency,
    /// The same of those batches that were answered while a snapshot was taken.
    pub beside_snapshot: Latency,
}

impl Counts {
    /// Charges answered.
    pub const fn charges(&self) -> u64 {
        self.accepted + self.duplicate
    }

    /// Counts what another one counted.
    pub fn merge(&mut self, other: &Self) {
        self.accepted += other.accepted;
        self.duplicate += other.duplicate;
        self.wrong_batches += other.wrong_batches;
        self.latency.merge(&other.latency);
        self.beside_snapshot.merge(&other.beside_snapshot);
    }

    /// Counts from nothing again, in the same memory.
    pub fn clear(&mut self) {
        (self.accepted, self.duplicate, self.wrong_batches) = (0, 0, 0);
        self.latency.clear();
        self.beside_snapshot.clear();
    }
}

/// Where all threads count.
#[derive(Default)]
pub(super) struct Tally {
    counts: Mutex<Counts>,
    /// The first wrong answer, in words.
    wrong: Mutex<Option<String>>,
    /// A snapshot is being taken.
    pub snapshot: AtomicBool,
}

impl Tally {
    /// A batch of so many charges was answered; `resent` are the places of those that were posted before.
    pub fn answered(&self, charges: usize, resent: &[u32], report: &PostReport, latency: Duration) {
        let fresh = (charges - resent.len()) as u64;
        let right = report.accepted == fresh && report.duplicates == resent && report.items.is_empty();
        if !right {
            let words = format!(
                "{} of {fresh} new charges were accepted and {} of {} sent again called duplicates; {} in conflict, {} rejected",
                report.accepted,
                report.duplicate,
                resent.len(),
                report.conflict,
                report.rejected
            );
            self.wrong.lock().get_or_insert(words);
        }
        let mut counts = self.counts.lock();
        counts.accepted += report.accepted;
        counts.duplicate += report.duplicate;
        counts.wrong_batches += u64::from(!right);
        counts.latency.record(latency);
        if self.snapshot.load(Ordering::Relaxed) {
            counts.beside_snapshot.record(latency);
        }
    }

    /// Takes the counts since the last time.
    pub fn take(&self, counts: &mut Counts) {
        counts.clear();
        std::mem::swap(&mut *self.counts.lock(), counts);
    }

    /// The first wrong answer.
    pub fn first_wrong(&self) -> Option<String> {
        self.wrong.lock().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_right_only_if_it_names_the_places_sent_again() {
        let check = |report: PostReport, wrong: u64| {
            let tally = Tally::default();
            tally.answered(3, &[1], &report, Duration::from_micros(5));
            let mut counts = Counts::default();
            tally.take(&mut counts);
            assert_eq!((counts.wrong_batches, tally.first_wrong().is_some()), (wrong, wrong > 0));
            assert_eq!(counts.latency.count(), 1);
        };
        let report = PostReport { accepted: 2, duplicate: 1, duplicates: vec![1], ..PostReport::default() };
        check(report.clone(), 0);
        check(PostReport { duplicates: vec![2], ..report.clone() }, 1);
        check(PostReport { accepted: 3, duplicate: 0, duplicates: Vec::new(), ..report }, 1);
    }
}
