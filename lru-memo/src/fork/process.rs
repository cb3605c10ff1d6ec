//! Which process this is, counted along the line of forks.
//!
//! The number is on a page that the kernel wipes in the child of a fork (`MADV_WIPEONFORK`). The handlers of a fork
//! give the child its number at once. Where they did not run, the number is missing, and whoever asks for it first
//! takes the next one. Where the kernel cannot wipe, the handlers alone tell.

use core::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};
use core::sync::atomic::{AtomicPtr, AtomicU64};

use alloc::boxed::Box;

/// A process: the first one that uses the crate, or one that descends from it by forks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Process(u32);

/// Points to the number of this process, in the lower half, and in the upper one the number of the first process in the
/// line whose caches it may use. Zero when the number is missing.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(core::ptr::null_mut());

/// What is on the page, in memory that is not wiped.
static LAST: AtomicU64 = AtomicU64::new(0);

impl Process {
    /// The process that asks.
    #[inline]
    pub(crate) fn here() -> Self {
        Self(word() as u32)
    }

    /// Stands for whatever process it is, where that does not matter.
    pub(crate) const ANY: Self = Self(0);

    /// Whether it is the one that asks.
    #[inline]
    pub(crate) fn is_here(self) -> bool {
        self == Self::here()
    }

    /// Whether the process that asks may use the caches of this one: it is the same, or each fork in between has taken
    /// their locks.
    #[inline]
    pub(crate) fn is_inherited(self) -> bool {
        self.inherited().is_some()
    }

    /// The process that asks, if it [may use](Self::is_inherited) the caches of this one.
    #[inline]
    pub(crate) fn inherited(self) -> Option<Self> {
        let word = word();
        (self.0 >= (word >> 32) as u32).then_some(Self(word as u32))
    }
}

#[inline]
fn word() -> u64 {
    // SAFETY: a page that was published stays.
    match unsafe { PAGE.load(Acquire).as_ref() }.map(|word| word.load(Relaxed)) {
        Some(word) if word != 0 => word,
        _ => missing(),
    }
}

/// Gives a process its number that got none from a fork: it uses no caches of its ancestors.
#[cold]
#[inline(never)]
fn missing() -> u64 {
    let page = page();
    // All who come here at the same time read the same, for it changes after the page does.
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

/// Gives the child of a fork its number: it may use the caches that its parent may use.
#[cfg(unix)]
pub(super) fn hand_over() {
    // SAFETY: a page that was published stays.
    if let Some(page) = unsafe { PAGE.load(Acquire).as_ref() } {
        let word = LAST.load(Relaxed) + 1;
        LAST.store(word, Relaxed);
        page.store(word, Release);
    }
}

fn page() -> &'static AtomicU64 {
    let published = || {
        // SAFETY: a page that was published stays.
        unsafe { PAGE.load(Acquire).as_ref() }
    };
    if let Some(page) = published() {
        return page;
    }
    #[cfg(unix)]
    super::handlers::install();
    let page = wiped_page().unwrap_or_else(|| Box::leak(Box::default()));
    // Of two threads that come first, one has made a page in vain.
    let _ =
        PAGE.compare_exchange(core::ptr::null_mut(), core::ptr::from_ref(page).cast_mut(), AcqRel, Acquire);
    published().unwrap_or(page)
}

/// A page of zeros that is wiped by forks, if the kernel can do that.
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
