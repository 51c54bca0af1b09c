//! The one hint to the processor.

/// Asks for the cache line of `value` ahead of its use; changes nothing else.
///
/// Worth a third of the throughput of a shard whose accounts and identities don't fit the caches.
#[inline]
#[allow(unsafe_code)]
pub fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the instruction is part of every x86-64 processor, has no effect but on caches, and the address is
    // that of a live reference.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}
