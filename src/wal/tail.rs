//! Following a log forwards, block by block, while its writer goes on: in this process or in another one.
//!
//! Nothing is locked and nothing changed. Each block is checked as recovery checks it (length, checksums, chain, lsn,
//! epoch), in a buffer that nobody else writes to; so a file that is recycled meanwhile can at worst end the reading.
//! What is not whole yet at the end of the log is nothing new yet.

use std::io;
use std::sync::Arc;

use super::block::{self, BLOCK_HEADER_BYTES, BlockHeader, Kind};
use super::fault::{OpenFault, StorageFault};
use super::identity::Identity;
use super::log_files::LogFiles;
use super::lsn::Lsn;
use super::piece::Piece;
use super::read::BlockRef;
use super::reader::{Window, scan};
use super::segment::{self, BLOCKS_AT, SEGMENT_HEADER_BYTES, SegmentHeader};
use super::storage::{Storage, StorageFile};
use crate::limits::BLOCK_BYTES_MAX;

/// How often the oldest segments are listed again where one is gone before it could be opened.
const LISTINGS_MAX: u32 = 16;

/// Which blocks may be shown: those that survive a power loss.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shown {
    /// Those up to this one, which is durable: one that is not there is damaged, or gone.
    Until(Lsn),
    /// Those that something follows: the next block, a segment or a seal. The writer goes on only from what is durable.
    Followed,
    /// The last one too: it is made durable first, by a sync of the segment.
    Synced,
}

/// A reader that stays at the end of a log.
pub struct LogTail {
    storage: Arc<dyn Storage>,
    identity: Identity,
    seed: u32,
    from: Lsn,
    /// The block to come, the CRC of the one before, and the latest epoch so far.
    expected: Lsn,
    chain: u32,
    epoch: u64,
    /// None until the log has a segment.
    segment: Option<Segment>,
    piece: Piece,
    /// The block that is shown.
    shown: Option<Shape>,
}

struct Segment {
    file: Box<dyn StorageFile>,
    path: String,
    first: Lsn,
    /// Where the next block goes.
    offset: u64,
}

/// A segment that was opened, and its header.
type Opened = (Box<dyn StorageFile>, SegmentHeader);

/// A block's place in its segment.
#[derive(Clone, Copy)]
struct Shape {
    header: BlockHeader,
    offset: u64,
}

/// What is at a place.
enum Found {
    /// The expected block.
    Block(BlockHeader),
    /// Another whole block, which is of no former life of the segment.
    Forked,
    /// Nothing that counts.
    Nothing,
}

impl LogTail {
    /// Follows the log from block `from` on (0: from the first). It need not be there yet.
    pub fn open(storage: Arc<dyn Storage>, identity: &Identity, from: Lsn) -> Result<Self, OpenFault> {
        Self::at_segment(storage, identity, from, |files| {
            let after = files.segments.partition_point(|(first, _)| *first <= from.max(Lsn::FIRST));
            match (after.checked_sub(1), files.segments.first()) {
                (Some(place), _) => Ok(Some(place)),
                (None, None) => Ok(None),
                (None, Some((oldest, _))) => Err(OpenFault::Trimmed { expected: from, oldest: *oldest }),
            }
        })
    }

    /// The last durable block of a log that another process may be writing (0: there is none); all up to it are durable
    /// from then on. Damage after it is a fault.
    pub fn last_durable(storage: Arc<dyn Storage>, identity: &Identity) -> Result<Lsn, OpenFault> {
        let mut tail = Self::at_segment(storage, identity, Lsn::NOTHING, |files| {
            Ok(files.segments.len().checked_sub(1))
        })?;
        let mut attempt = 0;
        loop {
            while tail.advance(Shown::Followed)? {}
            let more = tail.advance(Shown::Synced)?;
            if !more || attempt == LISTINGS_MAX {
                break;
            }
            attempt += 1; // whoever writes without a pause is not followed for ever
        }
        if attempt < LISTINGS_MAX {
            tail.check_end()?;
        }
        Ok(tail.last())
    }

    /// The oldest block that the log has, or will have first.
    pub fn oldest(storage: &dyn Storage) -> Result<Lsn, OpenFault> {
        Ok(LogFiles::list(storage)?.segments.first().map_or(Lsn::FIRST, |(first, _)| *first))
    }

    /// The newest block that was passed.
    pub fn last(&self) -> Lsn {
        self.expected.previous()
    }

    /// The next block from `from` on; `None` if there is nothing new yet.
    pub fn next(&mut self, shown: Shown) -> Result<Option<BlockRef<'_>>, OpenFault> {
        Ok(if self.advance(shown)? { self.block() } else { None })
    }

    /// The block that [`LogTail::advance`] came to.
    pub fn block(&self) -> Option<BlockRef<'_>> {
        let (Shape { header, offset }, segment) = (self.shown?, self.segment.as_ref()?);
        let bytes = self.piece.at(offset + BLOCK_HEADER_BYTES as u64, header.length as usize)?;
        Some(BlockRef { lsn: header.lsn, records: header.records, bytes, segment: &segment.path, offset })
    }

    /// Goes to the next block from `from` on; `false` if there is nothing new yet.
    pub fn advance(&mut self, shown: Shown) -> Result<bool, OpenFault> {
        self.shown = None;
        loop {
            if matches!(shown, Shown::Until(until) if self.expected > until) {
                return Ok(false);
            }
            let Some(header) = self.find(shown)? else {
                self.piece.forget();
                return Ok(false);
            };
            let seal = header.kind == Kind::Seal;
            match shown {
                Shown::Until(_) => {}
                Shown::Followed | Shown::Synced if seal || self.is_followed(&header)? => {}
                Shown::Followed => {
                    self.piece.forget();
                    return Ok(false);
                }
                Shown::Synced => self.sync(header.lsn)?,
            }
            let segment = self.segment.as_mut().expect("invariant: a block was found in a segment");
            let shape = Shape { header, offset: segment.offset };
            segment.offset += header.block_bytes();
            self.expected = header.lsn.next();
            self.chain = header.crc;
            self.epoch = header.epoch;
            if header.lsn >= self.from {
                self.shown = Some(shape);
                return Ok(true);
            }
        }
    }

    /// The expected block, where it is whole.
    fn find(&mut self, shown: Shown) -> Result<Option<BlockHeader>, OpenFault> {
        loop {
            let mut forked = false;
            // What was read before may be older than the block.
            for fresh in [false, true] {
                match self.examine(fresh)? {
                    Found::Block(header) if self.learn_epoch(header.epoch)? => return Ok(Some(header)),
                    Found::Block(_) | Found::Forked => forked = true,
                    Found::Nothing => forked = false,
                }
            }
            if self.enter_next()? {
                continue;
            }
            let due = matches!(shown, Shown::Until(until) if self.expected <= until);
            if !forked && !due {
                self.check_still_there()?;
                return Ok(None);
            }
            self.check_still_there()?;
            let what = if forked {
                "the block there does not follow the one before it"
            } else {
                "the block is not valid, though it was durable"
            };
            return Err(self.corrupt(what));
        }
    }

    fn corrupt(&self, what: &'static str) -> OpenFault {
        let (segment, offset) = match &self.segment {
            Some(segment) => (segment.path.clone(), segment.offset),
            None => (segment::path(self.expected), 0),
        };
        OpenFault::Corrupt { segment, offset, lsn: self.expected, what }
    }

    /// What is there where the next block should be; `fresh`: by now.
    fn examine(&mut self, fresh: bool) -> Result<Found, OpenFault> {
        let Some(segment) = &self.segment else { return Ok(Found::Nothing) };
        let fault = || StorageFault::of("read", &segment.path, segment.offset, self.expected);
        if fresh || self.piece.at(segment.offset, BLOCK_HEADER_BYTES).is_none() {
            self.piece.read(&*segment.file, segment.offset, BLOCK_HEADER_BYTES, fresh).map_err(fault())?;
        }
        let header = self.piece.at(segment.offset, BLOCK_HEADER_BYTES);
        let header = header.and_then(|bytes| BlockHeader::decode(bytes, self.seed));
        let Some(header) = header.filter(|header| header.block_bytes() <= BLOCK_BYTES_MAX) else {
            return Ok(Found::Nothing);
        };
        let bytes = usize::try_from(header.block_bytes()).expect("invariant: bounded by BLOCK_BYTES_MAX");
        if self.piece.at(segment.offset, bytes).is_none() {
            self.piece.read(&*segment.file, segment.offset, bytes, false).map_err(fault())?;
        }
        let whole = self.piece.at(segment.offset, bytes);
        // Read again, it may start with another header.
        if !whole.is_some_and(|block| {
            BlockHeader::decode(block, self.seed) == Some(header) && header.sums_up(block, self.seed)
        }) {
            return Ok(Found::Nothing);
        }
        Ok(match header.lsn.cmp(&self.expected) {
            std::cmp::Ordering::Less => Found::Nothing,
            std::cmp::Ordering::Equal if header.chain == self.chain && header.epoch >= self.epoch => {
                Found::Block(header)
            }
            _ => Found::Forked,
        })
    }

    /// Whether that is an epoch of the directory: somebody may have opened it again meanwhile.
    fn learn_epoch(&mut self, epoch: u64) -> Result<bool, OpenFault> {
        if epoch > self.identity.epoch {
            self.read_identity()?;
        }
        Ok(epoch <= self.identity.epoch)
    }

    fn read_identity(&mut self) -> Result<(), OpenFault> {
        if let Some(identity) = Identity::read(&*self.storage)?
            && identity.directory_id == self.identity.directory_id
        {
            self.identity = identity;
        }
        Ok(())
    }

    /// Whether the writer has gone on after that block, which is in the piece: with a block or a segment. A header is
    /// enough, since nothing of what follows is written before the block is durable.
    fn is_followed(&mut self, header: &BlockHeader) -> Result<bool, OpenFault> {
        let Some(segment) = &self.segment else { return Ok(false) };
        let follows = |found: BlockHeader| found.lsn == header.lsn.next() && found.chain == header.crc;
        let after = segment.offset + header.block_bytes();
        let mut bytes = [0; BLOCK_HEADER_BYTES];
        let there = if let Some(bytes) = self.piece.at(after, BLOCK_HEADER_BYTES) {
            BlockHeader::decode(bytes, self.seed)
        } else {
            let fault = StorageFault::of("read", &segment.path, after, header.lsn.next());
            let count = segment.file.read_at(&mut bytes, after).map_err(fault)?;
            BlockHeader::decode(&bytes[..count], self.seed)
        };
        if there.is_some_and(follows) {
            return Ok(true);
        }
        let next = self.open_segment(header.lsn.next())?;
        Ok(next.is_some_and(|(_, next)| next.chain == header.crc))
    }

    /// Makes the segment durable as it is.
    fn sync(&mut self, lsn: Lsn) -> Result<(), OpenFault> {
        let Some(segment) = &mut self.segment else { return Ok(()) };
        Ok(segment.file.sync().map_err(StorageFault::of("sync", &segment.path, segment.offset, lsn))?)
    }

    /// Goes on in the segment that begins with the expected block, if there is one.
    fn enter_next(&mut self) -> Result<bool, OpenFault> {
        if self.segment.as_ref().is_some_and(|segment| segment.first == self.expected) {
            return Ok(false);
        }
        let Some((file, header)) = self.open_segment(self.expected)? else { return Ok(false) };
        if header.chain != self.chain {
            return Err(self.corrupt("the next segment does not follow the block before it"));
        }
        self.enter(file, &header);
        Ok(true)
    }

    fn enter(&mut self, file: Box<dyn StorageFile>, header: &SegmentHeader) {
        let path = segment::path(header.first);
        self.segment = Some(Segment { file, path, first: header.first, offset: BLOCKS_AT });
        self.epoch = self.epoch.max(header.epoch);
        self.piece.forget();
    }

    /// The segment that begins with that block; `None` if there is none, or its header is not readable.
    fn open_segment(&mut self, first: Lsn) -> Result<Option<Opened>, OpenFault> {
        let path = segment::path(first);
        let file = match self.storage.open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file.map_err(StorageFault::of("open", &path, 0, first))?,
        };
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        let count = file.read_at(&mut bytes, 0).map_err(StorageFault::of("read", &path, 0, first))?;
        // Of a later epoch, the identity is too.
        if SegmentHeader::decode(&bytes[..count], &path, first, &self.identity).is_err() {
            self.read_identity()?;
        }
        match SegmentHeader::decode(&bytes[..count], &path, first, &self.identity) {
            Ok(header) => Ok(header.map(|header| (file, header))),
            // Between opening and reading it was recycled.
            Err(OpenFault::Corrupt { .. }) if self.name_is_gone(&path)? => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    fn name_is_gone(&self, path: &str) -> Result<bool, OpenFault> {
        match self.storage.open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
            file => Ok(file.map(|_| false).map_err(StorageFault::of("open", path, 0, Lsn::NOTHING))?),
        }
    }

    /// Refuses to go on in a segment that was trimmed.
    fn check_still_there(&self) -> Result<(), OpenFault> {
        let Some(segment) = &self.segment else { return Ok(()) };
        if self.name_is_gone(&segment.path)? {
            let oldest = Self::oldest(&*self.storage)?;
            return Err(OpenFault::Trimmed { expected: self.expected, oldest });
        }
        Ok(())
    }

    /// Tells damage from the end of the log: nothing valid comes after the end. Whatever does was written after the
    /// block that is missing, so that a live log has that block by then.
    fn check_end(&mut self) -> Result<(), OpenFault> {
        self.read_identity()?;
        let mut after = self.identity.sealed >= self.expected;
        let sealed = after;
        after |=
            LogFiles::list(&*self.storage)?.segments.last().is_some_and(|(first, _)| *first > self.expected);
        if let Some(segment) = &self.segment
            && !after
        {
            let fault = || StorageFault::of("read", &segment.path, segment.offset, self.expected);
            let file = self.storage.open(&segment.path).map_err(fault())?;
            let size = file.size().map_err(fault())?;
            let mut window = Window::new(file, size, Vec::new());
            let rest = scan(&mut window, segment.offset, self.seed, self.expected, u64::MAX);
            after = rest.map_err(fault())?.valid_block;
        }
        if !after || self.find(Shown::Followed)?.is_some() {
            return Ok(());
        }
        match &self.segment {
            Some(Segment { path, offset, .. }) if sealed => {
                Err(OpenFault::SealedDamaged { segment: path.clone(), offset: *offset, lsn: self.expected })
            }
            Some(_) => Err(self.corrupt("the block is not valid, but something after it is")),
            None => Err(OpenFault::Gap { expected: self.expected, found: Lsn::NOTHING }),
        }
    }

    /// At the beginning of the segment that `choose` names; before the first one if there is none.
    fn at_segment(
        storage: Arc<dyn Storage>,
        identity: &Identity,
        from: Lsn,
        choose: impl Fn(&LogFiles) -> Result<Option<usize>, OpenFault>,
    ) -> Result<Self, OpenFault> {
        let seed = block::seed(&identity.directory_id);
        let mut tail = Self {
            storage,
            identity: identity.clone(),
            seed,
            from,
            expected: Lsn::FIRST,
            chain: seed,
            epoch: 0,
            segment: None,
            piece: Piece::default(),
            shown: None,
        };
        for _ in 0..LISTINGS_MAX {
            let files = LogFiles::list(&*tail.storage)?;
            let Some(mut place) = choose(&files)? else { return Ok(tail) };
            let last = files.segments.len() - 1;
            let mut first = files.segments[place].0;
            let mut opened = tail.open_segment(first)?;
            // A last segment whose header a power loss has torn never held a block: the log goes on before it.
            if opened.is_none() && place == last && !tail.name_is_gone(&files.segments[place].1)? {
                if first == Lsn::FIRST {
                    return Ok(tail);
                }
                if let Some(before) = place.checked_sub(1) {
                    place = before;
                    first = files.segments[place].0;
                    opened = tail.open_segment(first)?;
                }
            }
            if let Some((file, header)) = opened {
                tail.expected = first;
                tail.chain = header.chain;
                tail.enter(file, &header);
                return Ok(tail);
            }
            if !tail.name_is_gone(&files.segments[place].1)? {
                let (segment, what) = (files.segments[place].1.clone(), "the segment's header is damaged");
                return Err(OpenFault::Corrupt { segment, offset: 0, lsn: first, what });
            }
        }
        let oldest = Self::oldest(&*tail.storage)?;
        Err(OpenFault::Trimmed { expected: from, oldest })
    }
}
