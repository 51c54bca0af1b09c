//! Keys for rows that have none: the running digest of all rows up to each (rule C7).
//!
//! ```text
//! digest 0 = SipHash-2-4-128(key "exchequer/rows/1", header names)
//! digest n = SipHash-2-4-128(key digest n-1,         fields of row n)
//! ```
//! Of a row's fields, their unescaped text is hashed, and then where each field ends in it (8 bytes, little endian).
//! The last end is the size of the text, so that no two rows are hashed as the same bytes; and neither quotes, line
//! terminators nor how the bytes arrive make a difference.

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

    /// Takes a piece of the current row's text.
    pub(super) fn update(&mut self, piece: &[u8]) {
        self.hasher.write(piece);
    }

    /// Ends the current row, whose fields end there in its text, and with it its key.
    pub(super) fn finish_row(&mut self, ends: &[usize]) {
        for end in ends {
            self.hasher.write_u64((*end as u64).to_le());
        }
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

    fn keys(rows: &[&[&str]]) -> Vec<String> {
        let mut digest = RowDigest::new();
        rows.iter()
            .map(|row| {
                let mut size = 0;
                let ends = row.iter().map(|field| {
                    size += field.len();
                    size
                });
                let ends: Vec<usize> = ends.collect();
                digest.update(row.concat().as_bytes());
                digest.finish_row(&ends);
                digest.key().to_owned()
            })
            .collect()
    }

    #[test]
    fn keys_are_uuids_and_stay_the_same_for_ever() {
        // rule C7: a changed key would post every re-imported file again
        assert_eq!(
            keys(&[&["a", "b"], &["1", "2"], &["1", "2"]]),
            [
                "264612b3-7869-4e65-5b93-08acecde9439",
                "de339593-4df5-077b-2b42-0e64b8369da3",
                "4071e8b7-098c-dd94-361c-c12b0e1172a2",
            ]
        );
    }

    #[test]
    fn keys_depend_on_every_row_before_and_on_where_fields_and_rows_end() {
        let base = keys(&[&["h"], &["a", "b"], &["c"]]);
        let others: [&[&[&str]]; 6] = [
            &[&["h"], &["a"], &["c"]],
            &[&["H"], &["a", "b"], &["c"]],
            &[&["h"], &["ab"], &["c"]],
            &[&["h"], &["", "ab"], &["c"]],
            &[&["h"], &["a", "b", ""], &["c"]],
            &[&["h"], &["a"], &["b", "c"]],
        ];
        for other in others {
            assert_ne!(base[2], keys(other)[2], "{other:?}");
        }
        assert_ne!(keys(&[&["a"]]), keys(&[&["a\0"]]));
        let mut pieces = RowDigest::new();
        pieces.update(b"");
        pieces.update(b"h");
        pieces.finish_row(&[1]);
        assert_eq!(pieces.key(), base[0]);
    }
}
