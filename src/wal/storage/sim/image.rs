//! What a disk holds of files and names, and what a power loss leaves of it.

use std::collections::BTreeMap;

const SECTOR_BYTES: usize = 512;

#[derive(Clone, Default, Debug)]
pub(super) struct FileImage {
    pub(super) live: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) unsynced: Vec<Change>,
}

#[derive(Clone, Debug)]
pub(super) enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    Size(usize),
}

#[derive(Clone, Debug)]
pub(super) enum NameChange {
    Created { path: String, file: usize },
    Renamed { from: String, to: String, file: usize },
    Deleted { path: String },
}

/// `SplitMix64`: enough chance for a simulation, and the same on every machine.
pub(super) struct Chance(pub(super) u64);

impl Chance {
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    pub(super) fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

impl Change {
    pub(super) fn apply(&self, image: &mut Vec<u8>) {
        match self {
            Self::Write { offset, bytes } => put(image, *offset, bytes),
            Self::Size(size) => image.resize(*size, 0),
        }
    }

    /// Applies what a power loss leaves of the change: all, nothing, or some sectors.
    pub(super) fn apply_some(&self, image: &mut Vec<u8>, chance: &mut Chance) {
        match (chance.below(4), self) {
            (0, _) => {}
            (1, _) | (_, Self::Size(_)) => self.apply(image),
            (_, Self::Write { offset, bytes }) => {
                let end = offset + bytes.len();
                if chance.below(2) == 0 && image.len() < end {
                    image.resize(end, 0); // the size came through, the data perhaps not
                }
                let mut from = *offset;
                while from < end {
                    let to = ((from / SECTOR_BYTES + 1) * SECTOR_BYTES).min(end);
                    if chance.below(2) == 0 {
                        put(image, from, &bytes[from - offset..to - offset]);
                    }
                    from = to;
                }
            }
        }
    }
}

pub(super) fn put(image: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    let end = offset + bytes.len();
    if image.len() < end {
        image.resize(end, 0);
    }
    image[offset..end].copy_from_slice(bytes);
}

impl NameChange {
    pub(super) fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Created { path, file } => {
                names.insert(path.clone(), *file);
            }
            Self::Renamed { from, to, file } => {
                if names.get(from) == Some(file) {
                    names.remove(from);
                }
                names.insert(to.clone(), *file);
            }
            Self::Deleted { path } => {
                names.remove(path);
            }
        }
    }

    pub(super) fn directory(&self) -> &str {
        match self {
            Self::Created { path, .. } | Self::Deleted { path } | Self::Renamed { to: path, .. } => {
                split(path).0
            }
        }
    }
}

/// A path's directory and name.
pub(super) fn split(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}
