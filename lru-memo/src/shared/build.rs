//! Identifies the build of a program.

/// Returns the build id of the program or library with the code at this address: a hash of everything linked, which the
/// linker has written into it. Returns `None` if there is none.
#[cfg(target_os = "linux")]
pub(super) fn build_of(address: usize) -> Option<alloc::vec::Vec<u8>> {
    let mut search = linux::Search { address, found: None };
    let _inside = linux::INSIDE_LOADER.lock();
    // SAFETY: `visit` is called before this returns, with the pointer that is given here, and with objects that stay
    // loaded meanwhile.
    unsafe { libc::dl_iterate_phdr(Some(linux::visit), (&raw mut search).cast()) };
    search.found
}

/// On other systems, the build is not known.
#[cfg(not(target_os = "linux"))]
pub(super) fn build_of(_: usize) -> Option<alloc::vec::Vec<u8>> {
    None
}

#[cfg(target_os = "linux")]
mod linux {
    use alloc::vec::Vec;
    use core::ffi::{c_int, c_void};
    use core::slice;

    use crate::sys::fork::{Heritage, Inherited};

    /// The lock of a thread that asks the loader. Each fork takes it too, so no fork happens meanwhile: the loader's own lock would
    /// stay locked in the child.
    pub(super) static INSIDE_LOADER: Inherited<InsideLoader> = Inherited::new(|| InsideLoader);

    pub(super) struct InsideLoader;

    impl Heritage for InsideLoader {}

    /// The type of a note that holds a build id, with the name `GNU`; see `elf(5)`.
    const NT_GNU_BUILD_ID: u32 = 3;

    pub(super) struct Search {
        pub(super) address: usize,
        pub(super) found: Option<Vec<u8>>,
    }

    /// Visits one object. Ends the search at the one that holds the address.
    ///
    /// # Safety
    /// `info` describes a loaded object, and `search` points to a [`Search`] that nothing else uses.
    pub(super) unsafe extern "C" fn visit(
        info: *mut libc::dl_phdr_info,
        _size: usize,
        search: *mut c_void,
    ) -> c_int {
        // SAFETY: as the caller promises.
        let search = unsafe { &mut *search.cast::<Search>() };
        // SAFETY: as the caller promises; these three fields are in every version of the structure.
        let (base, headers) = unsafe {
            let count = usize::from((*info).dlpi_phnum);
            ((*info).dlpi_addr as usize, slice::from_raw_parts((*info).dlpi_phdr, count))
        };
        let holds = |address: usize, length: usize| {
            headers.iter().any(|header| {
                let start = base.wrapping_add(header.p_vaddr as usize);
                let end = (header.p_memsz as usize).checked_sub(length);
                header.p_type == libc::PT_LOAD
                    && header.p_flags & libc::PF_R != 0
                    && end.is_some_and(|end| address.wrapping_sub(start) <= end)
            })
        };
        if !holds(search.address, 1) {
            return 0;
        }
        let notes = headers.iter().filter(|header| header.p_type == libc::PT_NOTE);
        search.found = notes
            .filter_map(|header| {
                let (start, length) = (base.wrapping_add(header.p_vaddr as usize), header.p_memsz as usize);
                // SAFETY: it lies in a segment of the object that is loaded and may be read.
                let notes = holds(start, length)
                    .then(|| unsafe { slice::from_raw_parts(start as *const u8, length) });
                build_id(notes?).map(<[u8]>::to_vec)
            })
            .next();
        1
    }

    /// Finds the build id among notes.
    pub(super) fn build_id(mut notes: &[u8]) -> Option<&[u8]> {
        loop {
            let (head, rest) = notes.split_first_chunk::<12>()?;
            let word = |at: usize| head[at..].first_chunk().map(|word| u32::from_ne_bytes(*word));
            let (name_length, length, kind) = (word(0)? as usize, word(4)? as usize, word(8)?);
            let (name, rest) = rest.split_at_checked(name_length.checked_next_multiple_of(4)?)?;
            let (content, _) = rest.split_at_checked(length)?;
            if kind == NT_GNU_BUILD_ID && name == b"GNU\0" {
                return Some(content);
            }
            notes = rest.get(length.checked_next_multiple_of(4)?..)?;
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::build_of;
    use super::linux::build_id;

    fn note(name: &[u8], kind: u32, content: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for number in [name.len() as u32, content.len() as u32, kind] {
            bytes.extend(number.to_ne_bytes());
        }
        for part in [name, content] {
            bytes.extend_from_slice(part);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn a_build_id_is_found_among_other_notes() {
        let others = [note(b"GNU\0", 1, &[7; 16]), note(b"Go\0", 3, &[8; 5])].concat();
        let notes = [&others[..], &note(b"GNU\0", 3, &[9; 20])].concat();
        assert_eq!(build_id(&notes), Some(&[9; 20][..]));
        assert_eq!(build_id(&others), None);
        for end in 0..notes.len() {
            assert_eq!(build_id(&notes[..end]), None);
        }
        assert_eq!(build_id(&[255; 100]), None);
    }

    #[test]
    fn code_and_the_code_of_another_library_are_of_two_builds() {
        fn code() {}
        let own = build_of(code as fn() as usize);
        assert_eq!(own, build_of(build_of as fn(usize) -> _ as usize));
        assert_ne!(own, build_of(libc::malloc as unsafe extern "C" fn(_) -> _ as usize));
        assert_eq!(build_of(0), None);
    }
}
