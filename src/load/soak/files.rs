//! What the data directory holds while a ledger runs, seen from outside.

use std::fs;
use std::path::{Path, PathBuf};

/// Watches the files of a ledger's log and snapshots.
pub(super) struct Files {
    log: Newest,
    snapshots: Newest,
}

/// Files whose names rise, and the newest one seen so far.
struct Newest {
    directory: PathBuf,
    extension: &'static str,
    last: String,
    /// How many have appeared since watching began.
    begun: u64,
}

/// What there is now.
#[derive(Clone, Copy, Default, Debug)]
pub(super) struct Seen {
    /// Segments of the log.
    pub segments: u64,
    /// Bytes of their files, and of spare ones.
    pub log_bytes: u64,
    /// Segments begun since watching began.
    pub segments_begun: u64,
    /// Snapshots finished since watching began.
    pub snapshots: u64,
    /// A snapshot is being written.
    pub writing_snapshot: bool,
}

impl Files {
    /// Watches from now on.
    pub fn watch(data_dir: &Path) -> Self {
        let newest = |folder: &str, extension| {
            let mut newest =
                Newest { directory: data_dir.join(folder), extension, last: String::new(), begun: 0 };
            newest.look();
            newest.begun = 0;
            newest
        };
        Self { log: newest("wal", ".wal"), snapshots: newest("snapshots", ".snap") }
    }

    /// Looks.
    pub fn look(&mut self) -> Seen {
        let (segments, log_bytes, _) = self.log.look();
        let (_, _, writing_snapshot) = self.snapshots.look();
        Seen {
            segments,
            log_bytes,
            segments_begun: self.log.begun,
            snapshots: self.snapshots.begun,
            writing_snapshot,
        }
    }
}

impl Newest {
    /// Files with the extension, bytes of all, and whether there is another one. What vanishes meanwhile is not seen.
    fn look(&mut self) -> (u64, u64, bool) {
        let (mut count, mut bytes, mut other) = (0, 0, false);
        let mut newest = self.last.clone();
        for entry in fs::read_dir(&self.directory).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            bytes += entry.metadata().map_or(0, |metadata| metadata.len());
            if !name.ends_with(self.extension) {
                other = true;
                continue;
            }
            count += 1;
            self.begun += u64::from(name > self.last);
            newest = newest.max(name);
        }
        self.last = newest;
        (count, bytes, other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_new_and_forgets_what_is_gone() {
        let home = tempfile::tempdir().unwrap();
        let path = |name: &str| home.path().join(name);
        fs::create_dir(path("wal")).unwrap();
        fs::create_dir(path("snapshots")).unwrap();
        fs::write(path("wal/001.wal"), "12345").unwrap();
        let mut files = Files::watch(home.path());
        fs::write(path("wal/007.wal"), "123").unwrap();
        fs::write(path("snapshots/unfinished.tmp"), "").unwrap();
        let seen = files.look();
        assert_eq!((seen.segments, seen.log_bytes, seen.segments_begun), (2, 8, 1));
        assert!(seen.writing_snapshot && seen.snapshots == 0);
        fs::remove_file(path("wal/001.wal")).unwrap();
        fs::rename(path("snapshots/unfinished.tmp"), path("snapshots/005.snap")).unwrap();
        let seen = files.look();
        assert_eq!((seen.segments, seen.segments_begun, seen.snapshots), (1, 1, 1));
        assert!(!seen.writing_snapshot);
    }
}
