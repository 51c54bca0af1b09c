//! From block to block and from segment to segment: every way to read the log goes through here.

use super::block::{self, BLOCK_HEADER_BYTES, BlockHeader, Kind};
use super::fault::{OpenFault, StorageFault, VisitStop};
use super::identity::Identity;
use super::log_files::{LogFiles, is_headless, read_header};
use super::lsn::Lsn;
use super::read::{BlockRef, Recovered, SegmentInfo, TornTail};
use super::reader::{Scan, Window, scan};
use super::recovery::{BlockEvidence, Later, LsnOrder, Surroundings, Verdict, decide};
use super::segment::{BLOCKS_AT, SegmentHeader};
use super::storage::{Storage, StorageFile};

/// The last segment after a walk to the end: where the writer goes on.
pub(super) struct Tail {
    pub file: Box<dyn StorageFile>,
    pub path: String,
    pub header: SegmentHeader,
    /// Where the next block goes.
    pub offset: u64,
    /// Where the last block starts, if the segment has one.
    pub last_block: Option<u64>,
    /// The CRC of the last block.
    pub chain: u32,
    /// Until where there is something to cut.
    pub content_end: u64,
}

/// What a walk found.
pub(super) struct Walked {
    pub recovered: Recovered,
    pub segments: Vec<SegmentInfo>,
    /// None if the walk stopped before the end, or there is no segment.
    pub tail: Option<Tail>,
    /// A last segment that never held a block and whose header is damaged.
    pub headless: Option<(Lsn, String)>,
}

/// Reads the log. Nothing is changed.
pub(super) fn walk(
    storage: &dyn Storage,
    identity: &Identity,
    files: &LogFiles,
    from: Lsn,
    until: Option<Lsn>,
    visit: &mut dyn FnMut(BlockRef<'_>) -> Result<(), VisitStop>,
) -> Result<Walked, OpenFault> {
    if let Some(until) = until
        && until < from.max(Lsn::FIRST)
    {
        let recovered = Recovered { last: until, ..Recovered::default() };
        return Ok(Walked { recovered, segments: Vec::new(), tail: None, headless: None });
    }
    let mut entries: Vec<&(Lsn, String)> =
        files.segments.iter().filter(|(first, _)| until.is_none_or(|until| *first <= until)).collect();
    let headless = match entries.last() {
        Some((first, path)) if is_headless(storage, identity, *first, path)? => {
            entries.pop();
            Some((*first, path.clone()))
        }
        _ => None,
    };
    // A segment is begun only after everything before it is durable.
    let promised = headless.as_ref().map_or(Lsn::NOTHING, |(first, _)| first.previous()).max(identity.sealed);
    let start = match entries.first() {
        None => {
            let expected = from.max(promised).max(until.unwrap_or_default());
            if expected > Lsn::FIRST || promised > Lsn::NOTHING || until.is_some() {
                return Err(OpenFault::Gap { expected, found: Lsn::NOTHING });
            }
            let recovered = Recovered { torn: headless.as_ref().map(headless_tear), ..Recovered::default() };
            return Ok(Walked { recovered, segments: Vec::new(), tail: None, headless });
        }
        Some(_) if from == Lsn::NOTHING => 0,
        Some((first, _)) => entries
            .partition_point(|(first, _)| *first <= from)
            .checked_sub(1)
            .ok_or(OpenFault::Gap { expected: from, found: *first })?,
    };
    // All the headers first: a log with a bad one is refused before anybody has seen a block.
    let mut segments = Vec::with_capacity(entries.len() - start);
    for (first, path) in &entries[start..] {
        segments.push((path.as_str(), read_header(storage, identity, *first, path)?));
    }
    let (_, first) = *segments.first().expect("invariant: `start` is an index");
    let mut walker = Walker {
        identity,
        seed: block::seed(&identity.directory_id),
        from,
        until,
        promised,
        chain: first.chain,
        epoch: first.epoch,
        after_seal: false,
        recovered: Recovered { last: first.first.previous(), ..Recovered::default() },
        infos: Vec::new(),
        buffer: Vec::new(),
    };
    let tail = walker.run(storage, &segments, visit)?;
    let mut recovered = walker.recovered;
    if recovered.last < until.unwrap_or(from.previous()) {
        return Err(OpenFault::Gap { expected: until.unwrap_or(from), found: recovered.last });
    }
    if let (None, Some(headless)) = (&recovered.torn, &headless) {
        recovered.torn = Some(headless_tear(headless));
    }
    Ok(Walked { recovered, segments: walker.infos, tail, headless })
}

fn headless_tear((first, path): &(Lsn, String)) -> TornTail {
    TornTail { lsn: *first, segment: path.clone(), offset: 0, bytes: BLOCKS_AT }
}

/// How a segment ended.
enum Ended {
    NextSegment,
    Log(Scan),
    Until,
}

struct Walker<'a> {
    identity: &'a Identity,
    seed: u32,
    from: Lsn,
    until: Option<Lsn>,
    promised: Lsn,
    chain: u32,
    epoch: u64,
    after_seal: bool,
    recovered: Recovered,
    infos: Vec<SegmentInfo>,
    buffer: Vec<u8>,
}

/// Where in a segment the walker is.
struct Place {
    offset: u64,
    last_block: Option<u64>,
    blocks: u64,
}

impl Walker<'_> {
    fn run(
        &mut self,
        storage: &dyn Storage,
        segments: &[(&str, SegmentHeader)],
        visit: &mut dyn FnMut(BlockRef<'_>) -> Result<(), VisitStop>,
    ) -> Result<Option<Tail>, OpenFault> {
        for (index, (path, header)) in segments.iter().enumerate() {
            let (path, header) = (*path, *header);
            let fault = || StorageFault::of("open", path, 0, header.first);
            let file = storage.open(path).map_err(fault())?;
            let file_size = file.size().map_err(fault())?;
            let limit = file_size.min(header.size);
            let mut window = Window::new(file, limit, std::mem::take(&mut self.buffer));
            let mut place = Place { offset: BLOCKS_AT, last_block: None, blocks: 0 };
            let next = segments.get(index + 1).map(|(_, header)| header);
            let file_short = file_size < header.size;
            let ended = self.segment(&mut window, path, file_short, next, &mut place, visit)?;
            self.infos.push(SegmentInfo {
                name: path.to_owned(),
                first: header.first,
                last: self.recovered.last,
                epoch: header.epoch,
                blocks: place.blocks,
                bytes_used: place.offset,
                size: file_size,
                sealed: place.blocks > 0 && self.recovered.sealed,
            });
            let (file, buffer) = window.into_parts();
            self.buffer = buffer;
            match ended {
                Ended::NextSegment => self.epoch = self.epoch.max(next.map_or(0, |next| next.epoch)),
                Ended::Until => return Ok(None),
                Ended::Log(rest) => {
                    return Ok(Some(Tail {
                        file,
                        path: path.to_owned(),
                        header,
                        offset: place.offset,
                        last_block: place.last_block,
                        chain: self.chain,
                        content_end: rest.content_end,
                    }));
                }
            }
        }
        Ok(None)
    }

    fn segment(
        &mut self,
        window: &mut Window,
        path: &str,
        file_short: bool,
        next: Option<&SegmentHeader>,
        place: &mut Place,
        visit: &mut dyn FnMut(BlockRef<'_>) -> Result<(), VisitStop>,
    ) -> Result<Ended, OpenFault> {
        loop {
            if self.until == Some(self.recovered.last) {
                return Ok(Ended::Until);
            }
            let expected = self.recovered.last.next();
            let fault = || StorageFault::of("read", path, place.offset, expected);
            let (evidence, header) = self.examine(window, place.offset, expected).map_err(fault())?;
            if evidence.is_next()
                && let Some(header) = header
            {
                self.accept(window, path, place, &header, visit)?;
                continue;
            }
            let rest =
                scan(window, place.offset, self.seed, expected, self.identity.epoch).map_err(fault())?;
            let around = Surroundings {
                rest_zero: rest.content_end == place.offset,
                file_short,
                later: self.later(&rest, next, expected),
                promised: expected <= self.promised,
                after_seal: self.after_seal && self.identity.closed,
            };
            return self.conclude(decide(evidence, around), evidence, path, place.offset, &rest, next);
        }
    }

    /// What is there where the next block should be.
    fn examine(
        &self,
        window: &mut Window,
        offset: u64,
        expected: Lsn,
    ) -> std::io::Result<(BlockEvidence, Option<BlockHeader>)> {
        let limit = window.limit();
        let header = BlockHeader::decode(window.at(offset, BLOCK_HEADER_BYTES as u64)?, self.seed);
        let Some(header) = header.filter(|header| header.block_bytes() <= limit.saturating_sub(offset))
        else {
            return Ok((BlockEvidence::NONE, None));
        };
        let block = window.at(offset, header.block_bytes())?;
        let evidence = BlockEvidence {
            header_sane: true,
            crc_ok: block.len() as u64 == header.block_bytes() && header.sums_up(block, self.seed),
            chain_ok: header.chain == self.chain,
            lsn: match header.lsn.cmp(&expected) {
                std::cmp::Ordering::Less => LsnOrder::Older,
                std::cmp::Ordering::Equal => LsnOrder::Expected,
                std::cmp::Ordering::Greater => LsnOrder::Later,
            },
            epoch_sane: (self.epoch..=self.identity.epoch).contains(&header.epoch),
        };
        Ok((evidence, Some(header)))
    }

    fn accept(
        &mut self,
        window: &mut Window,
        path: &str,
        place: &mut Place,
        header: &BlockHeader,
        visit: &mut dyn FnMut(BlockRef<'_>) -> Result<(), VisitStop>,
    ) -> Result<(), OpenFault> {
        let offset = place.offset;
        if header.lsn >= self.from {
            let start = offset + BLOCK_HEADER_BYTES as u64;
            let bytes = window
                .at(start, u64::from(header.length))
                .map_err(StorageFault::of("read", path, offset, header.lsn))?;
            self.recovered.blocks += 1;
            self.recovered.bytes += bytes.len() as u64;
            visit(BlockRef { lsn: header.lsn, records: header.records, bytes, segment: path, offset })
                .map_err(OpenFault::Stopped)?;
        }
        self.chain = header.crc;
        self.epoch = header.epoch;
        self.after_seal = header.kind == Kind::Seal;
        self.recovered.last = header.lsn;
        self.recovered.sealed = self.after_seal;
        place.last_block = Some(offset);
        place.blocks += 1;
        place.offset += header.block_bytes();
        Ok(())
    }

    fn later(&self, rest: &Scan, next: Option<&SegmentHeader>, expected: Lsn) -> Later {
        match next {
            _ if rest.valid_block => Later::Block,
            None => Later::Nothing,
            Some(next) if next.first > expected => Later::Jump,
            Some(next) if next.first == expected && next.chain == self.chain => Later::Continuation,
            Some(_) => Later::Block,
        }
    }

    fn conclude(
        &mut self,
        verdict: Verdict,
        evidence: BlockEvidence,
        path: &str,
        offset: u64,
        rest: &Scan,
        next: Option<&SegmentHeader>,
    ) -> Result<Ended, OpenFault> {
        let lsn = self.recovered.last.next();
        let segment = path.to_owned();
        match verdict {
            Verdict::Accept => unreachable!("invariant: a block that is next was accepted before"),
            Verdict::NextSegment => Ok(Ended::NextSegment),
            Verdict::End => Ok(Ended::Log(*rest)),
            // What follows is of the segment's former life and stays: it can never become valid.
            Verdict::Stale => Ok(Ended::Log(Scan { content_end: offset, ..*rest })),
            Verdict::Torn => {
                let bytes = rest.content_end - offset;
                self.recovered.torn = Some(TornTail { lsn, segment, offset, bytes });
                Ok(Ended::Log(*rest))
            }
            Verdict::Gap => {
                Err(OpenFault::Gap { expected: lsn, found: next.map_or(Lsn::NOTHING, |next| next.first) })
            }
            Verdict::SealedDamaged => Err(OpenFault::SealedDamaged { segment, offset, lsn }),
            Verdict::Forked => Err(OpenFault::Corrupt { segment, offset, lsn, what: forked(evidence) }),
            Verdict::Damaged => {
                let what = "the block is not valid, but something after it is";
                Err(OpenFault::Corrupt { segment, offset, lsn, what })
            }
            Verdict::Truncated => {
                let what = "the file is shorter than its header says";
                Err(OpenFault::Corrupt { segment, offset, lsn, what })
            }
        }
    }
}

fn forked(evidence: BlockEvidence) -> &'static str {
    if evidence.lsn == LsnOrder::Later {
        "the block there has a later lsn"
    } else if evidence.epoch_sane {
        "the block there does not follow the one before it"
    } else {
        "the block there has an epoch that does not fit the ones before it or the identity file"
    }
}
