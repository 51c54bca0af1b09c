//! What is written reads back, and what is broken is refused.

use super::*;
use crate::domain::billing::asset::{Asset, Portion};
use crate::domain::money::Money;
use crate::domain::standing::{Changes, ChargeStanding, StandingChange};
use crate::journal::frame;

fn charge(row: u64) -> PostedCharge<'static> {
    PostedCharge {
        account: AccountIndex(3),
        sequence: row,
        cloud: CloudIndex(5),
        amount: Decimal::from_i128_with_scale(-79_228_162_514_264_337_593_543_950_335, 18),
        period_start: Timestamp::from_micros(-5),
        cycle: Cycle::new(2026, 5).unwrap(),
        original_cycle: Cycle::new(2026, 5).unwrap(),
        category: Category::Tax,
        correction: true,
        id: ChargeId::new("an id"),
        source: Label { number: StringId(4), inline: "" },
        service: Label { number: StringId::INLINE, inline: "rare service" },
        sku: Label::EMPTY,
        unit: Label { number: StringId::INLINE, inline: "rare unit" },
        quantity: (row == 2).then_some(Decimal::ONE_THOUSAND),
        description: if row == 1 { "words" } else { "" },
        tags: "{}",
        import_row: row,
    }
}

fn record() -> Vec<u8> {
    let mut builder = ChargesBuilder::default();
    builder.push_string(StringId(4), "focus");
    (1..=3).for_each(|row| builder.push(&charge(row)));
    let mut uuid = charge(4);
    uuid.id = ChargeId::new("67e55044-10b1-426f-9247-bb680e5fe0c8");
    builder.push(&uuid);
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    bytes
}

#[test]
fn reads_what_it_writes() {
    let bytes = record();
    let frame = frame::frames(&bytes).next().unwrap().unwrap();
    let posted = ChargesPosted::decode(&frame).unwrap();
    assert_eq!(posted.strings, [(StringId(4), "focus")]);
    let rows: Vec<_> = posted.iter().map(Result::unwrap).collect();
    assert_eq!(rows[..3], [charge(1), charge(2), charge(3)]);
    assert_eq!(rows[3].id.as_str(&mut [0; 36]), "67e55044-10b1-426f-9247-bb680e5fe0c8");
    assert_eq!(
        ChargeId::new("67E55044-10b1-426f-9247-bb680e5fe0c8").as_str(&mut [0; 36]),
        "67E55044-10b1-426f-9247-bb680e5fe0c8"
    );
}

fn deduction(number: u32, units: i128) -> Portion {
    Portion { asset: Asset::Coupon(number), amount: Money::from_units(units) }
}

fn late(row: u64) -> PostedCharge<'static> {
    PostedCharge { original_cycle: Cycle::new(2026, 4).unwrap(), ..charge(row) }
}

/// Five rows: the second and the last are late, coupons deduct from the first and, twice, from the fourth.
fn record_of_version_2() -> Vec<u8> {
    let mut builder = ChargesBuilder::default();
    builder.push(&charge(1));
    builder.push_deductions(&[deduction(0, 1)]);
    builder.push(&late(2));
    builder.push(&charge(3));
    builder.push_deductions(&[]);
    builder.push(&charge(4));
    builder.push_deductions(&[deduction(u32::MAX, i128::MAX), deduction(2, 3)]);
    builder.push(&late(5));
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    bytes
}

#[test]
fn late_rows_and_deductions_read_back() {
    let bytes = record_of_version_2();
    let frame = frame::frames(&bytes).next().unwrap().unwrap();
    assert_eq!(frame.version, 2);
    let posted = ChargesPosted::decode(&frame).unwrap();
    let rows: Vec<_> = posted.iter().map(Result::unwrap).collect();
    assert_eq!(rows, [charge(1), late(2), charge(3), charge(4), late(5)]);
    let deductions: Vec<_> = posted.deductions().collect();
    let expect = [(0, deduction(0, 1)), (3, deduction(u32::MAX, i128::MAX)), (3, deduction(2, 3))];
    assert_eq!(deductions, expect);
}

#[test]
fn either_list_makes_version_2_and_neither_is_left_over() {
    let mut builder = ChargesBuilder::default();
    let mut check = |charge: &PostedCharge<'_>, parts: &[Portion], version| {
        let mut bytes = Vec::new();
        builder.push(charge);
        builder.push_deductions(parts);
        builder.finish(&mut bytes);
        let frame = frame::frames(&bytes).next().unwrap().unwrap();
        assert_eq!(frame.version, version);
        let posted = ChargesPosted::decode(&frame).unwrap();
        assert_eq!(posted.iter().next().unwrap().unwrap(), *charge);
        assert_eq!(posted.deductions().map(|(_, part)| part).collect::<Vec<_>>(), parts);
        bytes
    };
    let before = check(&charge(1), &[], 1);
    check(&late(1), &[], 2);
    check(&charge(1), &[deduction(1, 1)], 2);
    check(&late(1), &[deduction(1, 1)], 2);
    assert_eq!(check(&charge(1), &[], 1), before);
}

const INSTANTS: [i64; 3] = [i64::MIN, -1, i64::MAX];

fn standing(nth: usize) -> ChargeStanding {
    let changes = [Changes::ALERTED, Changes::OVERDUE.and(Changes::SUSPENDED), Changes::REARMED][nth];
    let (available_credit, threshold) =
        (Money::from_units([i128::MIN, -1, i128::MAX][nth]), Money::from_units([0, 1, i128::MAX][nth]));
    let change = StandingChange { changes, available_credit, threshold };
    ChargeStanding { change, at: Timestamp::from_micros(INSTANTS[nth]) }
}

/// Five rows: the first, the third, which is late, and the last, from which coupons deduct, change a standing.
fn record_of_version_3() -> Vec<u8> {
    let mut builder = ChargesBuilder::default();
    for row in 1..=5 {
        builder.push(&if row == 3 { late(row) } else { charge(row) });
        if row == 5 {
            builder.push_deductions(&[deduction(7, 8)]);
        }
        if row % 2 == 1 {
            builder.push_standing(&standing(usize::try_from(row / 2).unwrap()));
        }
    }
    let mut bytes = Vec::new();
    builder.finish(&mut bytes);
    // Nothing is left over.
    let mut next = Vec::new();
    builder.push(&charge(1));
    builder.finish(&mut next);
    assert_eq!(frame::frames(&next).next().unwrap().unwrap().version, 1);
    bytes
}

#[test]
fn changed_standings_read_back() {
    let bytes = record_of_version_3();
    let frame = frame::frames(&bytes).next().unwrap().unwrap();
    assert_eq!(frame.version, 3);
    let posted = ChargesPosted::decode(&frame).unwrap();
    let rows: Vec<_> = posted.iter().map(Result::unwrap).collect();
    assert_eq!(rows, [charge(1), charge(2), late(3), charge(4), charge(5)]);
    assert_eq!(posted.deductions().collect::<Vec<_>>(), [(4, deduction(7, 8))]);
    let expect = [0, 1, 2].map(|nth| (nth * 2, standing(nth)));
    assert_eq!(posted.standings(), expect);
}

#[test]
fn changed_standings_that_no_row_has_are_refused() {
    let check = |items: &[(u32, u8)], cut: usize| {
        let mut builder = ChargesBuilder::default();
        (1..=3).for_each(|row| builder.push(&charge(row)));
        for (row, changes) in items {
            let head = [&row.to_le_bytes()[..], &[0; 8], &[*changes]].concat();
            builder.standings.extend([head, vec![0; STANDING_SIZE - 13]].concat());
        }
        builder.standings.truncate(builder.standings.len() - cut);
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        let frame = frame::frames(&bytes).next().unwrap().unwrap();
        ChargesPosted::decode(&frame).map(|_| ()).map_err(|fault| fault.to_string())
    };
    assert_eq!(check(&[(0, 1), (2, 63)], 0), Ok(()));
    let refused = Err("malformed changed standings".to_owned());
    for items in [
        &[(3, 1)][..],
        &[(u32::MAX, 1)],
        &[(1, 1), (0, 1)],
        &[(1, 1), (1, 1)],
        &[(0, 0)],
        &[(0, 64)],
        &[(2, 255)],
    ] {
        assert_eq!(check(items, 0), refused, "{items:?}");
    }
    for cut in [1, 4, 41, 44] {
        assert_eq!(check(&[(0, 1), (1, 1)], cut), refused);
    }
}

#[test]
fn lists_that_no_rows_have_are_refused() {
    let check = |late: &[u32], deductions: &[u32], cut: usize| {
        let mut builder = ChargesBuilder::default();
        (1..=3).for_each(|row| builder.push(&charge(row)));
        let list = |rows: &[u32], size: usize| {
            let item = |row: &u32| [&row.to_le_bytes()[..], &vec![0; size - 4]].concat();
            rows.iter().flat_map(item).collect::<Vec<u8>>()
        };
        builder.late = list(late, LATE_SIZE);
        builder.late.truncate(builder.late.len().saturating_sub(cut));
        builder.deductions = list(deductions, DEDUCTION_SIZE);
        builder.deductions.truncate(builder.deductions.len().saturating_sub(cut));
        let mut bytes = Vec::new();
        builder.finish(&mut bytes);
        let frame = frame::frames(&bytes).next().unwrap().unwrap();
        ChargesPosted::decode(&frame).map(|_| ()).map_err(|fault| fault.to_string())
    };
    let (bad_late, bad_deductions) = (Err("malformed late rows".into()), Err("malformed deductions".into()));
    assert_eq!(check(&[0, 2], &[0, 0, 2], 0), Ok(()));
    for late in [&[3][..], &[u32::MAX], &[1, 0], &[1, 1], &[0, 3]] {
        assert_eq!(check(late, &[], 0), bad_late, "{late:?}");
    }
    for deductions in [&[3][..], &[u32::MAX], &[1, 0], &[0, 1, 0], &[0, 3]] {
        assert_eq!(check(&[], deductions, 0), bad_deductions, "{deductions:?}");
    }
    for cut in [1, 7] {
        assert_eq!(check(&[0, 1], &[], cut), bad_late);
        assert_eq!(check(&[], &[0, 1], cut), bad_deductions);
    }
}

#[test]
fn hostile_bytes_are_refused_never_a_panic() {
    check_hostile(&record());
    check_hostile(&record_of_version_2());
    check_hostile(&record_of_version_3());
}

fn check_hostile(bytes: &[u8]) {
    for at in 0..bytes.len() {
        for flip in [1, 0x80, 0xff] {
            let mut hostile = bytes.to_vec();
            hostile[at] ^= flip;
            for frame in frame::frames(&hostile).map_while(Result::ok) {
                if let Ok(posted) = ChargesPosted::decode(&frame) {
                    posted.iter().for_each(|row| drop(row.map(|row| row.amount)));
                    assert!(posted.deductions().all(|(row, _)| row < posted.rows()));
                    assert!(posted.standings().iter().all(|(row, ..)| *row < posted.rows()));
                }
            }
        }
    }
}
