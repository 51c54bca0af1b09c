//! The bytes that a program holds, counted by its allocator: exact, where the size of the process is a guess.

#![allow(unsafe_code)] // an allocator can't be written without; every call is handed on as it came

use std::alloc::{GlobalAlloc, Layout};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use mimalloc::MiMalloc;

static COUNTS: AtomicBool = AtomicBool::new(false);
static LIVE: AtomicUsize = AtomicUsize::new(0);

/// mimalloc, which counts live bytes from [`CountingAllocator::begin`] on. Until then it costs a load of a flag that
/// nobody writes.
pub struct CountingAllocator;

impl CountingAllocator {
    /// Begins to count. What was allocated before is not in the count, and wrong by its size when it is freed.
    pub fn begin() {
        COUNTS.store(true, Ordering::Relaxed);
    }

    /// Bytes allocated since it began and not freed; meaningful as a difference.
    pub fn live() -> usize {
        LIVE.load(Ordering::Relaxed)
    }
}

#[inline]
fn count(freed: usize, allocated: usize) {
    if COUNTS.load(Ordering::Relaxed) {
        LIVE.fetch_add(allocated.wrapping_sub(freed), Ordering::Relaxed);
    }
}

// SAFETY: mimalloc keeps the contract; counting touches two atomics and allocates nothing.
unsafe impl GlobalAlloc for CountingAllocator {
    #[inline]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: the caller keeps the contract of this very method.
        unsafe { MiMalloc.alloc(layout) }
    }

    #[inline]
    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(0, layout.size());
        // SAFETY: as above.
        unsafe { MiMalloc.alloc_zeroed(layout) }
    }

    #[inline]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout.size(), 0);
        // SAFETY: as above.
        unsafe { MiMalloc.dealloc(pointer, layout) }
    }

    #[inline]
    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        count(layout.size(), new_size);
        // SAFETY: as above.
        unsafe { MiMalloc.realloc(pointer, layout, new_size) }
    }
}
