//! How records stand in a block of the log.
//!
//! ```text
//!  0        4      5         6        8
//! +--------+------+---------+--------+----------------------+
//! | length | kind | version |   0    | body (length bytes)  |
//! +--------+------+---------+--------+----------------------+
//! ```
//!
//! `length` is a little-endian u32. The body is MessagePack, in the form that kind and version name. Blocks are
//! checked by their CRC before a record is looked at.

use super::JournalFault;

/// What a record is about.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Kind {
    /// Charges posted to many accounts.
    ChargesPosted = 1,
    /// A change of one account.
    Account = 2,
    /// A change of the directory.
    Directory = 3,
    /// A change of an enterprise's credit control.
    CreditControl = 4,
    /// A change of an enterprise's authorization, or of that outside of enterprises.
    AdminAuthorization = 5,
}

impl Kind {
    /// The name, as `wal dump` prints it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ChargesPosted => "charges_posted",
            Self::Account => "account",
            Self::Directory => "directory",
            Self::CreditControl => "credit_control",
            Self::AdminAuthorization => "admin_authorization",
        }
    }

    /// The highest version that this program reads. It writes a lower one where that says everything, so that an older
    /// program reads on until it meets what it does not know, and says so then.
    pub const fn version_max(self) -> u8 {
        match self {
            Self::Account | Self::Directory => 4,
            Self::ChargesPosted => 3,
            Self::CreditControl | Self::AdminAuthorization => 1,
        }
    }
}

const HEADER_BYTES: usize = 8;

/// One record of a block, undecoded.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// What it is about.
    pub kind: Kind,
    /// Its form.
    pub version: u8,
    /// MessagePack.
    pub body: &'a [u8],
}

/// Appends a record of that version, whose body `write` encodes.
pub fn append(
    bytes: &mut Vec<u8>,
    kind: Kind,
    version: u8,
    write: impl FnOnce(&mut Vec<u8>) -> Result<(), rmp_serde::encode::Error>,
) {
    debug_assert!((1..=kind.version_max()).contains(&version), "invariant: what is written can be read");
    let start = bytes.len();
    bytes.extend_from_slice(&[0, 0, 0, 0, kind as u8, version, 0, 0]);
    write(bytes).expect("invariant: encoding into memory can't fail");
    let length =
        u32::try_from(bytes.len() - start - HEADER_BYTES).expect("invariant: a record is far below 4 GiB");
    bytes[start..start + 4].copy_from_slice(&length.to_le_bytes());
}

/// The records of one block's bytes, in order.
pub fn frames(mut bytes: &[u8]) -> impl Iterator<Item = Result<Frame<'_>, JournalFault>> {
    std::iter::from_fn(move || {
        if bytes.is_empty() {
            return None;
        }
        let frame = split_frame(bytes);
        bytes = frame.as_ref().map_or(&[], |(_, rest)| rest);
        Some(frame.map(|(frame, _)| frame))
    })
}

fn split_frame(bytes: &[u8]) -> Result<(Frame<'_>, &[u8]), JournalFault> {
    let (header, rest) =
        bytes.split_first_chunk::<HEADER_BYTES>().ok_or(JournalFault::Malformed("record header"))?;
    let length = u32::from_le_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let kind = match header[4] {
        1 => Kind::ChargesPosted,
        2 => Kind::Account,
        3 => Kind::Directory,
        4 => Kind::CreditControl,
        5 => Kind::AdminAuthorization,
        kind => return Err(JournalFault::UnknownKind(kind)),
    };
    if header[5] > kind.version_max() || header[5] == 0 {
        return Err(JournalFault::NewerRecord { kind: kind.name(), version: header[5] });
    }
    if rest.len() < length {
        return Err(JournalFault::Malformed("record length"));
    }
    let (body, rest) = rest.split_at(length);
    Ok((Frame { kind, version: header[5], body }, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_reads_up_to_its_own_version() {
        let kinds = [
            Kind::ChargesPosted,
            Kind::Account,
            Kind::Directory,
            Kind::CreditControl,
            Kind::AdminAuthorization,
        ];
        for kind in kinds {
            let mut bytes = Vec::new();
            append(&mut bytes, kind, kind.version_max(), |bytes| rmp_serde::encode::write(bytes, &7));
            let frame = frames(&bytes).next().unwrap().unwrap();
            assert_eq!((frame.kind, frame.version), (kind, kind.version_max()));
            for version in [0, kind.version_max() + 1] {
                bytes[5] = version;
                let read = frames(&bytes).next().unwrap();
                assert!(
                    matches!(read, Err(JournalFault::NewerRecord { version: found, .. }) if found == version)
                );
            }
        }
    }
}
