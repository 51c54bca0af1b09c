//! Keys for rows that have none: the running digest of all rows up to each (rule C7).
//!
//! ```text
//! digest 0 = SipHash-2-4-128(key "exchequer/rows/1", header row)
//! digest n = SipHash-2-4-128(key digest n-1,         row n)
//! ```
//! A row is hashed as it is written, without its line terminator: that is unambiguous whatever its quotes and commas,
//! and doesn't depend on how the bytes arrive.

use std::hash::Hasher;

use siphasher::sip128::{Hasher128, SipHasher24};

/// The key under which the header is hashed; another one would be another version of the row keys.
const HEADER_KEY: [u8; 16] = *b"exchequer/rows/1";

/// Bytes of a row key's text.
const TEXT_BYTES: usize = 36;

/// Where the dashes of a UUID are.
const DASHES: [usize; 4] = [8, 13, 18, 23];

/// The running digest.
#[derive(Debug)]
pub(super) struct RowDigest {
    hasher: SipHasher24,
    text: [u8; TEXT_BYTES],
}

impl RowDigest {
    /// Before the header row.
    pub(super) fn new() -> Self {
        Self { hasher: SipHasher24::new_with_key(&HEADER_KEY), text: [b'-'; TEXT_BYTES] }
    }

    /// Takes a piece of the current row.
    pub(super) fn update(&mut self, piece: &[u8]) {
        self.hasher.write(piece);
    }

    /// Ends the current row, and with it its key.
    pub(super) fn finish_row(&mut self) {
        let digest = self.hasher.finish128().as_bytes();
        self.hasher = SipHasher24::new_with_key(&digest);
        let mut at = 0;
        for byte in digest {
            if DASHES.contains(&at) {
                at += 1;
            }
            self.text[at] = hex(byte >> 4);
            self.text[at + 1] = hex(byte & 15);
            at += 2;
        }
    }

    /// The key of the last ended row, as the text of a UUID.
    pub(super) fn key(&self) -> &str {
        str::from_utf8(&self.text).expect("invariant: hexadecimal digits and dashes are ASCII")
    }
}

const fn hex(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'a' + nibble - 10 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(rows: &[&str]) -> Vec<String> {
        let mut digest = RowDigest::new();
        rows.iter()
            .map(|row| {
                digest.update(row.as_bytes());
                digest.finish_row();
                digest.key().to_owned()
            })
            .collect()
    }

    #[test]
    fn keys_are_uuids_and_stay_the_same_for_ever() {
        // rule C7: a changed key would post every re-imported file again
        assert_eq!(
            keys(&["a,b", "1,2", "1,2"]),
            [
                "dea01e8f-e57b-9ef9-763f-9f96da9a8f66",
                "42c6a7d1-dcf7-363c-16cd-14ef0a32a658",
                "b524bd80-9bb6-b90c-5ad7-89b5a2dd013e",
            ]
        );
    }

    #[test]
    fn keys_depend_on_every_row_before_and_on_where_rows_end() {
        let base = keys(&["h", "ab", "c"]);
        assert_ne!(base[2], keys(&["h", "a", "c"])[2]);
        assert_ne!(base[2], keys(&["H", "ab", "c"])[2]);
        assert_ne!(base[2], keys(&["h", "a", "bc"])[2]);
        assert_ne!(keys(&["a"]), keys(&["a\0"]));
        let mut pieces = RowDigest::new();
        pieces.update(b"");
        pieces.update(b"h");
        pieces.finish_row();
        assert_eq!(pieces.key(), base[0]);
    }
}
