//! The end of a thread's stack.

/// Returns the lowest address of the calling thread's stack, if it is known.
#[cfg(target_os = "linux")]
pub(crate) fn stack_end() -> Option<usize> {
    use core::cell::Cell;
    std::thread_local! {
        static END: Cell<Option<Option<usize>>> = const { Cell::new(None) };
    }
    // Remembered, because the system may have to read a file.
    let known = END.try_with(Cell::get).ok().flatten();
    known.unwrap_or_else(|| {
        let end = ask();
        let _ = END.try_with(|known| known.set(Some(end)));
        end
    })
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn stack_end() -> Option<usize> {
    None
}

#[cfg(target_os = "linux")]
fn ask() -> Option<usize> {
    use core::mem::MaybeUninit;
    use core::ptr;

    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    // SAFETY: the thread is the calling one, and there is room for its attributes.
    if unsafe { libc::pthread_getattr_np(libc::pthread_self(), attributes.as_mut_ptr()) } != 0 {
        return None;
    }
    let (mut end, mut size) = (ptr::null_mut(), 0);
    // SAFETY: the attributes were filled in, as the call before says.
    let told = unsafe { libc::pthread_attr_getstack(attributes.as_ptr(), &raw mut end, &raw mut size) };
    // SAFETY: as before; they are not used any more.
    unsafe { libc::pthread_attr_destroy(attributes.as_mut_ptr()) };
    (told == 0).then(|| end.addr())
}
