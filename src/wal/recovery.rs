//! What recovery makes of the place where the next block should be: one truth table.
//!
//! The writer writes a block only after the one before is durable, and a segment only after everything before it. So
//! whatever is valid *after* a place proves that a whole block once was *at* it, and only the very last block can have
//! been torn by a crash.
//!
//! | # | evidence | verdict |
//! |---|---|---|
//! | 1 | whole, expected lsn, follows the chain, sane epoch | [`Accept`](Verdict::Accept) |
//! | 2 | whole, expected or later lsn, but something else is wrong | [`Forked`](Verdict::Forked) |
//! | 3 | the next segment continues exactly here | [`NextSegment`](Verdict::NextSegment) |
//! | 4 | nothing but zeros here, and the next segment starts later | [`Gap`](Verdict::Gap) |
//! | 5 | anything valid later | [`Damaged`](Verdict::Damaged) |
//! | 6 | nothing valid later, but the log was once closed at or after this lsn | [`SealedDamaged`](Verdict::SealedDamaged) |
//! | 7 | the file is shorter than its header says | [`Truncated`](Verdict::Truncated) |
//! | 8 | zeros to the end | [`End`](Verdict::End) |
//! | 9 | a whole block of older lsn: a segment's former life | [`Stale`](Verdict::Stale) |
//! | 10 | other bytes after the seal of a closed log | [`SealedDamaged`](Verdict::SealedDamaged) |
//! | 11 | other bytes | [`Torn`](Verdict::Torn) |

/// A block's lsn compared to the expected one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum LsnOrder {
    Older,
    Expected,
    Later,
}

/// What comes after the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Later {
    /// Nothing valid.
    Nothing,
    /// A segment that starts with the expected lsn and names the last block's CRC.
    Continuation,
    /// A segment that starts with a later lsn.
    Jump,
    /// A valid block in the same segment, or a segment that neither continues nor comes later.
    Block,
}

/// What is read at the place itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::struct_excessive_bools)] // a row of a truth table
pub(super) struct BlockEvidence {
    /// The header's own checksum is right, and the length fits into the segment.
    pub header_sane: bool,
    /// The block's checksum is right.
    pub crc_ok: bool,
    /// It names the CRC of the block before.
    pub chain_ok: bool,
    /// Its lsn.
    pub lsn: LsnOrder,
    /// Its epoch is not before the last one, nor after that of the directory.
    pub epoch_sane: bool,
}

/// What is read around the place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[allow(clippy::struct_excessive_bools)] // a row of a truth table
pub(super) struct Surroundings {
    /// From here to the end of the segment there are only zeros, or nothing.
    pub rest_zero: bool,
    /// The file is shorter than its header says.
    pub file_short: bool,
    /// What comes after it.
    pub later: Later,
    /// The log was once closed cleanly with a block of this lsn or later.
    pub promised: bool,
    /// The block before is the seal of a log that is still closed.
    pub after_seal: bool,
}

/// What to do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// The next block of the log.
    Accept,
    /// The log goes on in the next segment.
    NextSegment,
    /// The log ends here.
    End,
    /// The log ends here, before blocks of the segment's former life.
    Stale,
    /// The log ends here, after a block that a crash tore: cut it.
    Torn,
    /// Refuse: a whole block that cannot be the next one.
    Forked,
    /// Refuse: segments are missing.
    Gap,
    /// Refuse: a block is damaged that was durable.
    Damaged,
    /// Refuse: the file was cut.
    Truncated,
    /// Refuse: the log was closed cleanly, and is not whole.
    SealedDamaged,
}

impl BlockEvidence {
    /// Nothing that could be a block.
    pub const NONE: Self = Self {
        header_sane: false,
        crc_ok: false,
        chain_ok: false,
        lsn: LsnOrder::Expected,
        epoch_sane: false,
    };

    /// Whether it is a whole block, though perhaps not the next one.
    pub const fn is_whole(self) -> bool {
        self.header_sane && self.crc_ok
    }

    /// Whether it is the next block: then nothing around it matters.
    pub const fn is_next(self) -> bool {
        self.is_whole() && self.chain_ok && matches!(self.lsn, LsnOrder::Expected) && self.epoch_sane
    }
}

/// The truth table; its rows are numbered above.
pub(super) const fn decide(block: BlockEvidence, around: Surroundings) -> Verdict {
    let older = matches!(block.lsn, LsnOrder::Older);
    match around.later {
        _ if block.is_next() => Verdict::Accept,
        _ if block.is_whole() && !older => Verdict::Forked,
        Later::Continuation => Verdict::NextSegment,
        Later::Jump if around.rest_zero && !around.file_short => Verdict::Gap,
        Later::Jump | Later::Block => Verdict::Damaged,
        Later::Nothing if around.promised => Verdict::SealedDamaged,
        Later::Nothing if around.file_short => Verdict::Truncated,
        Later::Nothing if around.rest_zero => Verdict::End,
        Later::Nothing if block.is_whole() => Verdict::Stale,
        Later::Nothing if around.after_seal => Verdict::SealedDamaged,
        Later::Nothing => Verdict::Torn,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row: `1`, `0` or `-` (any) for header, crc, chain, epoch | zeros, short, promised, after seal; then the
    /// lsn orders and what comes later that it holds for.
    type Row = (&'static str, &'static str, &'static [LsnOrder], &'static [Later], Verdict);

    use Later::{Block, Continuation, Jump, Nothing};
    use LsnOrder::{Expected, Later as Newer, Older};

    const ANY_LSN: &[LsnOrder] = &[Older, Expected, Newer];
    const ANY_LATER: &[Later] = &[Nothing, Continuation, Jump, Block];

    /// Every way in which a block is not whole, or is whole but older: all that rows 3 to 11 speak about.
    const NOT_WHOLE: [(&str, &[LsnOrder]); 3] = [("0---", ANY_LSN), ("10--", ANY_LSN), ("11--", &[Older])];

    fn rows() -> Vec<Row> {
        let mut rows: Vec<Row> = vec![
            ("1111", "----", &[Expected], ANY_LATER, Verdict::Accept),
            ("110-", "----", &[Expected], ANY_LATER, Verdict::Forked),
            ("1110", "----", &[Expected], ANY_LATER, Verdict::Forked),
            ("11--", "----", &[Newer], ANY_LATER, Verdict::Forked),
        ];
        for (block, lsn) in NOT_WHOLE {
            let stale = block == "11--";
            rows.extend([
                (block, "----", lsn, &[Continuation][..], Verdict::NextSegment),
                (block, "10--", lsn, &[Jump], Verdict::Gap),
                (block, "0---", lsn, &[Jump], Verdict::Damaged),
                (block, "11--", lsn, &[Jump], Verdict::Damaged),
                (block, "----", lsn, &[Block], Verdict::Damaged),
                (block, "--1-", lsn, &[Nothing], Verdict::SealedDamaged),
                (block, "-10-", lsn, &[Nothing], Verdict::Truncated),
                (block, "100-", lsn, &[Nothing], Verdict::End),
                (block, "0001", lsn, &[Nothing], if stale { Verdict::Stale } else { Verdict::SealedDamaged }),
                (block, "0000", lsn, &[Nothing], if stale { Verdict::Stale } else { Verdict::Torn }),
            ]);
        }
        rows
    }

    fn matches(pattern: &str, bits: [bool; 4]) -> bool {
        pattern.bytes().zip(bits).all(|(wanted, bit)| wanted == b'-' || (wanted == b'1') == bit)
    }

    #[test]
    fn decides_every_combination_as_the_table_says() {
        let rows = rows();
        let mut combinations = 0;
        for bits in 0..1_u32 << 8 {
            let bit = |index: u32| bits & (1 << index) != 0;
            for lsn in ANY_LSN {
                for later in ANY_LATER {
                    let block = BlockEvidence {
                        header_sane: bit(0),
                        crc_ok: bit(1),
                        chain_ok: bit(2),
                        lsn: *lsn,
                        epoch_sane: bit(3),
                    };
                    let around = Surroundings {
                        rest_zero: bit(4),
                        file_short: bit(5),
                        later: *later,
                        promised: bit(6),
                        after_seal: bit(7),
                    };
                    let holds: Vec<&Row> = rows
                        .iter()
                        .filter(|(block, around, lsns, laters, _)| {
                            matches(block, [bit(0), bit(1), bit(2), bit(3)])
                                && matches(around, [bit(4), bit(5), bit(6), bit(7)])
                                && lsns.contains(lsn)
                                && laters.contains(later)
                        })
                        .collect();
                    assert_eq!(holds.len(), 1, "exactly one row for {block:?} {around:?}: {holds:?}");
                    assert_eq!(decide(block, around), holds[0].4, "{block:?} {around:?}");
                    combinations += 1;
                }
            }
        }
        assert_eq!(combinations, 256 * 3 * 4);
    }

    #[test]
    fn never_cuts_what_was_durable() {
        for bits in 0..1_u32 << 8 {
            let bit = |index: u32| bits & (1 << index) != 0;
            for lsn in ANY_LSN {
                for later in ANY_LATER {
                    let block = BlockEvidence {
                        header_sane: bit(0),
                        crc_ok: bit(1),
                        chain_ok: bit(2),
                        lsn: *lsn,
                        epoch_sane: bit(3),
                    };
                    let around = Surroundings {
                        rest_zero: bit(4),
                        file_short: bit(5),
                        later: *later,
                        promised: bit(6),
                        after_seal: bit(7),
                    };
                    let verdict = decide(block, around);
                    if matches!(verdict, Verdict::Torn | Verdict::End | Verdict::Stale) {
                        assert_eq!(*later, Nothing);
                        assert!(!around.promised && !around.file_short);
                    }
                    assert_eq!(verdict == Verdict::Accept, block.is_next());
                }
            }
        }
    }
}
