//! Huge pages: most accesses to a large table miss the processor's cache of page addresses (TLB). A huge page needs one
//! address instead of 512.

/// The size of a huge page on x86-64, and on most other systems.
pub(crate) const HUGE: usize = 1 << 21;

/// Asks the system to use huge pages for the part of a block from an offset on, in bytes. The system may refuse. It uses huge
/// pages for memory that nobody has written before, and for other memory later, if at all.
///
/// # Safety
/// The caller owns the block, which has so many bytes.
#[inline]
pub(crate) unsafe fn prefer<X>(block: *mut X, offset: usize, bytes: usize) {
    #[cfg(all(target_os = "linux", not(miri), not(all(test, loom))))]
    {
        let start = (block.addr() + offset).next_multiple_of(HUGE);
        let end = (block.addr() + bytes) / HUGE * HUGE;
        if start < end {
            let pages = block.with_addr(start).cast();
            // SAFETY: the pages are in the caller's block, and keep their content.
            unsafe { libc::madvise(pages, end - start, libc::MADV_HUGEPAGE) };
        }
    }
    #[cfg(not(all(target_os = "linux", not(miri), not(all(test, loom)))))]
    let _ = (block, offset, bytes);
}
