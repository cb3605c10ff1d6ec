//! A clock that all processors agree on, which is read in a few nanoseconds and written by nobody.

/// Whether there is one.
pub(crate) fn exists() -> bool {
    clock::exists()
}

/// What it shows; of two that are read one after the other, by whatever threads, the second is not less. Of 60 bits.
pub(crate) fn stamp() -> u64 {
    clock::now() & ((1 << 60) - 1)
}

/// The time stamp counter, where it runs always and at one speed.
#[cfg(all(target_arch = "x86_64", not(miri), not(all(test, loom))))]
mod clock {
    use core::arch::x86_64::{__cpuid, _mm_lfence, _rdtsc};
    use core::sync::atomic::{AtomicU8, Ordering::Relaxed};

    #[allow(unused_unsafe, reason = "in older Rust they are unsafe")]
    pub(super) fn exists() -> bool {
        const UNKNOWN: u8 = 2;
        static EXISTS: AtomicU8 = AtomicU8::new(UNKNOWN);
        match EXISTS.load(Relaxed) {
            UNKNOWN => {
                // SAFETY: every processor with 64 bits has the instruction, and the first leaf.
                let exists = unsafe {
                    __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx >> 8 & 1 == 1
                };
                EXISTS.store(exists.into(), Relaxed);
                exists
            }
            exists => exists == 1,
        }
    }

    #[inline]
    #[allow(unused_unsafe, reason = "in older Rust they are unsafe")]
    pub(super) fn now() -> u64 {
        // SAFETY: every processor with 64 bits has these instructions.
        unsafe {
            // The counter is read after all that was read before.
            _mm_lfence();
            _rdtsc()
        }
    }
}

/// Loom runs one thread at a time.
#[cfg(all(test, loom))]
mod clock {
    use core::sync::atomic::{AtomicU64, Ordering::Relaxed};

    pub(super) fn exists() -> bool {
        true
    }

    pub(super) fn now() -> u64 {
        static NOW: AtomicU64 = AtomicU64::new(0);
        NOW.fetch_add(1, Relaxed)
    }
}

#[cfg(all(not(all(target_arch = "x86_64", not(miri))), not(all(test, loom))))]
mod clock {
    pub(super) fn exists() -> bool {
        false
    }

    pub(super) fn now() -> u64 {
        0
    }
}
