use super::super::tests::mix;
use super::super::{Identities, Seen};
use super::*;
use crate::domain::time::Cycle;

#[test]
fn a_table_grows_a_little_at_a_time() {
    let (mut table, mut keys) = (Table::default(), Vec::new());
    let (mut grew, mut slow) = (0, 0);
    for round in 0..60_000 {
        let waiting = |table: &Table| table.leaving.as_ref().map_or(0, |it| it.entries.len() - it.moved);
        let before = waiting(&table);
        let key = IdentityKey::new(mix(round), 0);
        table.insert(key, Partition(3), false);
        keys.push(key);
        let after = waiting(&table);
        grew += usize::from(after > before);
        // Places that are empty are passed over.
        assert!(before.saturating_sub(after) <= 2 * Table::MOVED_AT_ONCE, "{round}: {before}, {after}");
        slow += usize::from(before > after && after > 0);
        if after > 0 && round % 16 == 0 {
            assert!(keys.iter().all(|key| table.look_up(*key) == Seen::Duplicate), "{round}");
            assert!(table.after(None).is_sorted_by_key(|key| key.0), "{round}");
            assert_eq!(table.after(None).count(), keys.len(), "{round}");
            let behind = keys.iter().filter(|one| one.0 > key.0).count();
            assert_eq!(table.after(Some(key)).count(), behind, "{round}");
        }
    }
    assert!(grew > 10 && slow > 50, "{grew}, {slow}");
}

#[test]
fn a_table_grows_into_the_memory_that_it_wished_for_and_without_it_at_last() {
    let (partition, cycle) = (Partition(1), Cycle::from_index(7));
    for fulfilled in [true, false] {
        let mut identities = Identities::default();
        identities.wish_for_memory();
        let mut wishes = 0;
        for round in 0..100_000 {
            identities.insert(partition, cycle, IdentityKey::new(mix(round), 0));
            for wish in identities.take_wishes().collect::<Vec<_>>() {
                wishes += 1;
                if fulfilled {
                    let memory = Vec::with_capacity(wish.entries);
                    let provided = memory.as_ptr();
                    assert_eq!(identities.provide(&wish, Vec::new()).capacity(), 0, "too small");
                    assert_eq!(identities.provide(&wish, memory).capacity(), 0);
                    identities.insert(partition, cycle, IdentityKey::new(mix(1 << 40 | round), 0));
                    let (_, table) = &identities.partitions[1][0];
                    assert_eq!(table.entries.as_ptr(), provided);
                    assert!(table.leaving.is_some() && table.entries.capacity() >= wish.entries);
                    let late = Vec::with_capacity(wish.entries);
                    assert!(identities.provide(&wish, late).capacity() >= wish.entries, "it has grown");
                }
            }
        }
        assert!(wishes > 5, "{wishes}");
        let all = (0..100_000).map(|round| IdentityKey::new(mix(round), 0));
        assert!(all.into_iter().all(|key| identities.look_up(partition, key) == Seen::Duplicate));
    }
}
