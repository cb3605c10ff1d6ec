//! Whether this program may do what whoever has started it may not: then that one does not choose its store.

/// Whether the program has another user's, or another group's, privileges, or capabilities of its own file.
#[cfg(unix)]
pub(super) fn are_not_the_callers() -> bool {
    // SAFETY: these calls only read, and cannot fail.
    let ids = unsafe { [(libc::getuid(), libc::geteuid()), (libc::getgid(), libc::getegid())] };
    ids.iter().any(|(real, effective)| real != effective) || is_secure()
}

/// What the kernel says of a program that it has given privileges.
#[cfg(target_os = "linux")]
fn is_secure() -> bool {
    // SAFETY: this only reads.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn is_secure() -> bool {
    false
}

#[cfg(not(unix))]
pub(super) fn are_not_the_callers() -> bool {
    false
}
