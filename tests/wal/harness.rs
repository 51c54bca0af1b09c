//! Opening and reading logs in one line.

use exchequer::wal::{
    Identity, LogOptions, LogWriter, Lsn, OpenFault, Preallocation, Recovered, SimStorage, Storage, open_log,
    read_log,
};
use std::sync::Arc;

pub const RANDOM: [u8; 32] = *b"directory id 16.hash key 16 byte";

/// Small segments, made inline.
pub fn options(segment_bytes: u64) -> LogOptions {
    LogOptions { segment_bytes, preallocation: Preallocation::Inline, ..LogOptions::default() }
}

/// Blocks by lsn, as a visitor saw them.
pub type Blocks = Vec<(u64, Vec<u8>)>;

pub struct Opened {
    pub writer: LogWriter,
    pub recovered: Recovered,
    pub blocks: Blocks,
    pub identity: Identity,
}

pub fn open_from(storage: &SimStorage, segment_bytes: u64, from: u64) -> Result<Opened, OpenFault> {
    let identity = Identity::open_or_create(storage, || RANDOM)?;
    let mut blocks = Blocks::new();
    let storage: Arc<dyn Storage> = Arc::new(storage.clone());
    let (writer, recovered) =
        open_log(storage, &identity, options(segment_bytes), Lsn::new(from), &mut |block| {
            blocks.push((block.lsn.number(), block.bytes.to_vec()));
            Ok(())
        })?;
    assert_eq!(recovered.blocks, blocks.len() as u64);
    assert_eq!(recovered.bytes, blocks.iter().map(|(_, bytes)| bytes.len() as u64).sum::<u64>());
    Ok(Opened { writer, recovered, blocks, identity })
}

pub fn open(storage: &SimStorage, segment_bytes: u64) -> Result<Opened, OpenFault> {
    open_from(storage, segment_bytes, 0)
}

/// Reads without changing anything.
pub fn read(storage: &SimStorage, from: u64, until: Option<u64>) -> Result<(Recovered, Blocks), OpenFault> {
    let identity = Identity::read(storage)?.expect("the test made one");
    let mut blocks = Blocks::new();
    let recovered = read_log(storage, &identity, Lsn::new(from), until.map(Lsn::new), &mut |block| {
        blocks.push((block.lsn.number(), block.bytes.to_vec()));
        Ok(())
    })?;
    Ok((recovered, blocks))
}

/// A payload that tells its lsn, of that many bytes.
pub fn payload(lsn: u64, size: usize) -> Vec<u8> {
    (0..size).map(|index| ((lsn as usize * 31 + index * 7) % 251) as u8 + 1).collect()
}

pub fn segments(storage: &SimStorage) -> Vec<String> {
    storage.paths().into_iter().filter(|path| path.ends_with(".wal")).collect()
}
