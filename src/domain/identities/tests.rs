use super::*;
use std::collections::HashMap;

pub(super) fn mix(number: u128) -> u128 {
    let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
    mixed ^ (mixed >> 61) ^ (mixed << 67)
}

#[test]
fn tells_new_duplicate_and_conflict_like_a_plain_map() {
    // rule C2
    let mut identities = Identities::default();
    let mut model: HashMap<(u16, u128), u128> = HashMap::new();
    for round in 0..60_000_u128 {
        let partition = Partition((round % 3) as u16);
        let key = IdentityKey::new(mix(round / 2 * 3), (round % 5 / 4) as u32);
        let cycle = Cycle::from_index((round % 7) as u32);
        let expect = match model.get(&(partition.0, key.hash())) {
            None => Seen::New,
            Some(content) if *content == key.0 => Seen::Duplicate,
            Some(_) => Seen::Conflict,
        };
        assert_eq!(identities.look_up(partition, key), expect, "{round}");
        if expect == Seen::New {
            identities.insert(partition, cycle, key);
            model.insert((partition.0, key.hash()), key.0);
        }
    }
    assert_eq!(identities.count(), model.len());
    let listed: usize = (0..3)
        .map(Partition)
        .flat_map(|partition| identities.cycles(partition).into_iter().map(move |cycle| (partition, cycle)))
        .map(|(partition, cycle)| identities.after(partition, cycle, None, usize::MAX).count())
        .sum();
    assert_eq!(listed, model.len());
}

#[test]
fn every_value_is_legal_the_zero_one_too() {
    let mut identities = Identities::default();
    let (partition, cycle) = (Partition(0), Cycle::from_index(0));
    for key in [0, 1, u128::MAX, u128::from(u32::MAX) + 1] {
        let key = IdentityKey(key);
        let conflicts = key.0 == 1; // the hash of 0, another content
        assert_eq!(identities.look_up(partition, key), if conflicts { Seen::Conflict } else { Seen::New });
        if !conflicts {
            identities.insert(partition, cycle, key);
            assert_eq!(identities.look_up(partition, key), Seen::Duplicate);
        }
    }
    // The other way round: the hash of zero with a content stands in the table.
    let mut identities = Identities::default();
    identities.insert(partition, cycle, IdentityKey(7));
    assert_eq!(identities.look_up(partition, IdentityKey(0)), Seen::Conflict);
}

#[test]
fn an_identity_costs_at_most_24_bytes_on_average() {
    let mut identities = Identities::default();
    let (mut thousandths, mut samples) = (0, 0);
    for round in 0..200_000_u128 {
        let key = IdentityKey::new(mix(round), 0);
        identities.insert(Partition((round % 4) as u16), Cycle::from_index(0), key);
        if round > 20_000 && round % 500 == 0 {
            thousandths += identities.memory_bytes() * 1_000 / identities.count();
            samples += 1;
        }
    }
    assert!(thousandths / samples <= 24_000, "{}", thousandths / samples);
}

#[test]
fn the_number_of_cycles_is_bounded() {
    let mut identities = Identities::default();
    for index in (0..).take(CYCLES_REMEMBERED_MAX) {
        identities.insert(
            Partition(0),
            Cycle::from_index(index),
            IdentityKey::new(mix(u128::from(index)), 0),
        );
    }
    assert_eq!(identities.decide(Partition(0), Cycle::from_index(0)), Ok(()));
    assert_eq!(identities.decide(Partition(0), Cycle::from_index(9999)), Err(Refusal::TooManyOpenCycles));
}
