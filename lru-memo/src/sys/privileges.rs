//! Finds out whether the program is privileged. The caller of such a program controls its environment, and must choose
//! neither its store nor its bounds.

/// Whether the program is setuid or setgid, or its file has capabilities.
#[cfg(unix)]
pub(crate) fn are_not_the_callers() -> bool {
    // SAFETY: these calls only read, and cannot fail.
    let ids = unsafe { [(libc::getuid(), libc::geteuid()), (libc::getgid(), libc::getegid())] };
    ids.iter().any(|(real, effective)| real != effective) || is_secure()
}

/// The kernel sets this flag when it starts a privileged program.
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
pub(crate) fn are_not_the_callers() -> bool {
    false
}
