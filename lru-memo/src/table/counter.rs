//! The clock of a crowd: a counter that all processors agree on. A read takes a few nanoseconds, and no thread writes it.

/// Returns whether this system has such a counter.
pub(crate) fn exists() -> bool {
    clock::exists()
}

/// Returns the counter. Of two reads one after the other, in any threads, the second returns no less than the first.
pub(crate) fn now() -> u64 {
    clock::now()
}

/// The time stamp counter. It serves if the processor says that it always runs at one speed, and if all processors agree:
/// Linux compares them all the time, and uses another clock once they differ.
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
                let is_steady = unsafe {
                    __cpuid(0x8000_0000).eax >= 0x8000_0007 && __cpuid(0x8000_0007).edx >> 8 & 1 == 1
                };
                let exists = is_steady && is_used_by_system();
                EXISTS.store(exists.into(), Relaxed);
                exists
            }
            exists => exists == 1,
        }
    }

    /// Returns whether the system itself uses the counter. On other systems than Linux, the processor's word must do.
    fn is_used_by_system() -> bool {
        const CLOCK: &str = "/sys/devices/system/clocksource/clocksource0/current_clocksource";
        !cfg!(target_os = "linux") || std::fs::read(CLOCK).is_ok_and(|name| is_counter(&name))
    }

    fn is_counter(name: &[u8]) -> bool {
        name.trim_ascii() == b"tsc"
    }

    #[test]
    fn only_the_counter_itself_is_trusted() {
        assert!(is_counter(b"tsc\n"));
        for other in ["kvm-clock\n", "hyperv_clocksource_tsc_page\n", "hpet\n", ""] {
            assert!(!is_counter(other.as_bytes()), "{other}");
        }
    }

    #[inline]
    #[allow(unused_unsafe, reason = "in older Rust they are unsafe")]
    pub(super) fn now() -> u64 {
        // SAFETY: every processor with 64 bits has these instructions.
        unsafe {
            // The fence orders this read after all reads before it.
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
        // The counter grows faster than stamps do.
        NOW.fetch_add(1 << 10, Relaxed)
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
