//! What a charge is known by.

use siphasher::sip128::SipHasher13;

use crate::domain::ids::CloudIndex;
use crate::domain::money::Money;
use crate::limits::ID_BYTES_MAX;

/// A charge's identity and content: 96 bits of hash above 32 bits of content.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct IdentityKey(pub u128);

impl IdentityKey {
    const CONTENT_BITS: u32 = 32;

    /// From 128 bits of hash, of which the upper 96 are kept, and 32 bits of content.
    pub const fn new(hash: u128, content: u32) -> Self {
        Self(hash >> Self::CONTENT_BITS << Self::CONTENT_BITS | content as u128)
    }

    #[inline]
    pub(super) const fn hash(self) -> u128 {
        self.0 >> Self::CONTENT_BITS
    }
}

/// Makes identity keys under a secret of the data directory, so that hostile ids can't be made to collide.
#[derive(Clone, Copy)]
pub struct IdentityHasher {
    keys: (u64, u64),
}

impl IdentityHasher {
    /// From 16 secret bytes.
    pub fn new(secret: [u8; 16]) -> Self {
        let (low, high) = secret.split_at(8);
        let number =
            |bytes: &[u8]| u64::from_le_bytes(bytes.try_into().expect("invariant: half of 16 bytes"));
        Self { keys: (number(low), number(high)) }
    }

    /// The key of the charge identity (cloud account, source, id) with that amount.
    #[inline]
    pub fn key(&self, cloud: CloudIndex, source: &str, id: &str, amount: Money) -> IdentityKey {
        const SPACE: usize = 5 + 2 * ID_BYTES_MAX;
        const USUAL: usize = 64;
        if 5 + source.len() + id.len() <= USUAL {
            self.key_in(&mut [0; USUAL], cloud, source, id, amount)
        } else {
            self.key_in(&mut [0; SPACE], cloud, source, id, amount)
        }
    }

    #[inline]
    fn key_in(
        self,
        space: &mut [u8],
        cloud: CloudIndex,
        source: &str,
        id: &str,
        amount: Money,
    ) -> IdentityKey {
        // Number, length, source and id, so that no two identities spell the same bytes.
        let length = 5 + source.len() + id.len();
        space[..4].copy_from_slice(&cloud.0.to_le_bytes());
        space[4] = u8::try_from(source.len()).expect("invariant: sources have at most 128 bytes");
        space[5..5 + source.len()].copy_from_slice(source.as_bytes());
        space[5 + source.len()..length].copy_from_slice(id.as_bytes());
        let hash = SipHasher13::new_with_keys(self.keys.0, self.keys.1).hash(&space[..length]);
        IdentityKey::new(hash.as_u128(), self.content(amount))
    }

    /// 32 bits that differ for different amounts, but for one pair in four thousand million.
    #[inline]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // bits to mix; keeps the well-mixed upper half
    fn content(self, amount: Money) -> u32 {
        let units = amount.units();
        let low = (units as u64 ^ self.keys.0).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let high = ((units >> 64) as u64 ^ self.keys.1).wrapping_mul(0xC2B2_AE3D_27D4_EB4F);
        ((low ^ high.rotate_left(29)).wrapping_mul(0xD6E8_FEB8_6659_FD93) >> 32) as u32
    }
}
