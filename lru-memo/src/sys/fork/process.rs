//! The number of this process, counted along the line of forks.
//!
//! The number is on a page that the kernel wipes in the child of a fork (`MADV_WIPEONFORK`). The handlers give the
//! child its number at once. If they did not run, the number is missing, and the first use takes the next number. If
//! the kernel cannot wipe pages, only the handlers notice a fork.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU64};

use alloc::boxed::Box;

/// A process: the first one that uses the crate, or a descendant by forks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(pub(super) u32);

/// Points to two numbers in one word. The lower half is the number of this process. The upper half is the number of the
/// first process in the line whose caches this one may use. Zero means that the number is missing.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(core::ptr::null_mut());

/// A copy of the page, in memory that forks do not wipe.
static LAST: AtomicU64 = AtomicU64::new(0);

impl Process {
    /// Stands for any process, where the process does not matter.
    pub(crate) const ANY: Self = Self(0);

    /// The number, which no other process of the line has.
    #[inline]
    pub(crate) fn number(self) -> u32 {
        self.0
    }
}

/// Returns both numbers. A process without one gets it, after the handlers were installed.
#[inline]
pub(super) fn word(install: fn()) -> u64 {
    // SAFETY: a page that was published stays.
    match unsafe { PAGE.load(Acquire).as_ref() }.map(|word| word.load(Relaxed)) {
        Some(word) if word != 0 => word,
        _ => missing(install),
    }
}

/// Gives a number to a process that got none from the handlers. It uses no caches of its ancestors.
#[cold]
#[inline(never)]
fn missing(install: fn()) -> u64 {
    let page = page(install);
    // Threads that come here at the same time read the same number, because it changes after the page.
    let number = u64::from(LAST.load(Acquire) as u32) + 1;
    let word = number << 32 | number;
    match page.compare_exchange(0, word, AcqRel, Acquire) {
        Ok(_) => {
            LAST.store(word, Release);
            word
        }
        Err(word) => word,
    }
}

/// Gives the child of a fork its number. It may use the caches that its parent may use.
#[cfg(unix)]
pub(super) fn hand_over() {
    // SAFETY: a page that was published stays.
    if let Some(page) = unsafe { PAGE.load(Acquire).as_ref() } {
        let word = LAST.load(Relaxed) + 1;
        LAST.store(word, Relaxed);
        page.store(word, Release);
    }
}

fn page(install: fn()) -> &'static AtomicU64 {
    let published = || {
        // SAFETY: a page that was published stays.
        unsafe { PAGE.load(Acquire).as_ref() }
    };
    if let Some(page) = published() {
        return page;
    }
    install();
    let page = wiped_page().unwrap_or_else(|| Box::leak(Box::default()));
    // Two threads may both have made a page; one of the pages is not used.
    let _ =
        PAGE.compare_exchange(core::ptr::null_mut(), core::ptr::from_ref(page).cast_mut(), AcqRel, Acquire);
    published().unwrap_or(page)
}

/// Maps a page of zeros, which forks wipe if the kernel supports it.
#[cfg(all(target_os = "linux", not(miri)))]
fn wiped_page() -> Option<&'static AtomicU64> {
    const PAGE: usize = 4096;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping, at an address of the kernel's choice, takes no memory from anybody.
    let page = unsafe { libc::mmap(core::ptr::null_mut(), PAGE, protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page is ours. Where the kernel cannot wipe, it is a page like others.
    unsafe { libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) };
    // SAFETY: the page is mapped for good, aligned, and zero, which is an `AtomicU64`.
    unsafe { page.cast::<AtomicU64>().as_ref() }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn wiped_page() -> Option<&'static AtomicU64> {
    None
}
