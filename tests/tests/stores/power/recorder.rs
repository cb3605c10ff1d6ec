//! Records what this process writes to one file, by functions in the place of the C library's.

use std::io::Error;
use std::os::fd::RawFd;
use std::path::{Path, PathBuf};
use std::slice;
use std::sync::Mutex;

use libc::{c_int, c_long, c_void, iovec, off_t, size_t, ssize_t};

/// What happened to the file.
#[derive(Debug)]
pub enum Event {
    /// It is on the disk when it returns, or some time after that.
    Write { at: usize, bytes: Vec<u8>, is_synced: bool },
    /// All writes before are on the disk.
    Sync,
    /// An operation of the test has returned.
    Done,
}

static RECORDED: Mutex<Option<(PathBuf, Vec<Event>)>> = Mutex::new(None);

/// Records what is written to a file meanwhile.
pub fn record(file: &Path, act: impl FnOnce(&dyn Fn())) -> Vec<Event> {
    *RECORDED.lock().expect("no panic") = Some((file.to_owned(), Vec::new()));
    act(&|| {
        if let Some((_, events)) = &mut *RECORDED.lock().expect("no panic") {
            events.push(Event::Done);
        }
    });
    RECORDED.lock().expect("no panic").take().expect("it was recorded").1
}

fn note(file: RawFd, event: impl FnOnce() -> Event) {
    let mut recorded = RECORDED.lock().expect("no panic");
    if let Some((path, events)) = &mut *recorded {
        if std::fs::read_link(format!("/proc/self/fd/{file}")).is_ok_and(|of| of == *path) {
            events.push(event());
        }
    }
}

/// Notes what was written.
///
/// # Safety
/// So many bytes are there.
unsafe fn note_write(file: RawFd, from: *const c_void, written: ssize_t, at: off_t) {
    if written <= 0 {
        return;
    }
    note(file, || {
        // SAFETY: the caller's.
        let bytes = unsafe { slice::from_raw_parts(from.cast::<u8>(), written as usize) }.to_vec();
        // SAFETY: takes numbers only.
        let flags = unsafe { libc::fcntl(file, libc::F_GETFL) };
        Event::Write { at: at as usize, bytes, is_synced: flags & libc::O_DSYNC != 0 }
    });
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn pwrite(file: c_int, from: *const c_void, length: size_t, at: off_t) -> ssize_t {
    // SAFETY: the same as the caller's.
    let written = unsafe { libc::syscall(libc::SYS_pwrite64, file, from, length, at) } as ssize_t;
    // SAFETY: the system has read so many bytes from there.
    unsafe { note_write(file, from, written, at) };
    written
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn writev(file: c_int, parts: *const iovec, count: c_int) -> ssize_t {
    // SAFETY: takes numbers only.
    let at = unsafe { libc::lseek(file, 0, libc::SEEK_CUR) };
    // SAFETY: the same as the caller's.
    let written = unsafe { libc::syscall(libc::SYS_writev, file, parts, count as c_long) } as ssize_t;
    let (mut at, mut left) = (at, written);
    // SAFETY: the caller has so many parts there.
    for part in unsafe { slice::from_raw_parts(parts, count as usize) } {
        let some = left.min(part.iov_len as ssize_t);
        // SAFETY: the system has read so many bytes from there.
        unsafe { note_write(file, part.iov_base, some, at) };
        (at, left) = (at + some as off_t, left - some);
    }
    written
}

/// # Safety
/// As the C library's.
#[unsafe(no_mangle)]
unsafe extern "C" fn fdatasync(file: c_int) -> c_int {
    // SAFETY: takes numbers only.
    let result = unsafe { libc::syscall(libc::SYS_fdatasync, file) } as c_int;
    if result == 0 {
        note(file, || Event::Sync);
    }
    result
}

/// To make a file longer is to write nothing at its end.
#[unsafe(no_mangle)]
extern "C" fn posix_fallocate(file: c_int, at: off_t, length: off_t) -> c_int {
    // SAFETY: takes numbers only.
    if unsafe { libc::syscall(libc::SYS_fallocate, file, 0, at, length) } != 0 {
        return Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    }
    note(file, || Event::Write { at: (at + length) as usize, bytes: Vec::new(), is_synced: false });
    0
}
