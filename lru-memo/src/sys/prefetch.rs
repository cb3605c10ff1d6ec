//! Prefetching: memory that is needed soon is loaded into the processor's cache meanwhile.

/// Prefetches the cache line at an address. If the address is not valid, this does nothing.
#[inline(always)]
pub(crate) fn fetch<T>(address: *const T) {
    #[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom))))]
    // SAFETY: a prefetch of an address that is not valid does nothing.
    unsafe {
        use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(address.cast());
    }
    #[cfg(not(all(target_arch = "x86_64", not(miri), not(all(test, loom)))))]
    let _ = address;
}
