//! Tells whether a file was opened.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

/// Counts how often a file is opened, by inotify.
pub(crate) struct Watch(libc::c_int);

#[expect(unsafe_code, reason = "inotify is not in the standard library")]
impl Watch {
    pub(crate) fn on(file: &Path) -> Self {
        let name = CString::new(file.as_os_str().as_bytes()).unwrap();
        // SAFETY: plain calls with a valid, terminated path.
        let fd = unsafe {
            let fd = libc::inotify_init1(libc::IN_NONBLOCK);
            assert!(libc::inotify_add_watch(fd, name.as_ptr(), libc::IN_OPEN) >= 0);
            fd
        };
        Self(fd)
    }

    pub(crate) fn was_opened(&self) -> bool {
        let mut events = [0u8; 4096];
        // SAFETY: reads at most the buffer's length into it.
        unsafe { libc::read(self.0, events.as_mut_ptr().cast(), events.len()) > 0 }
    }
}
