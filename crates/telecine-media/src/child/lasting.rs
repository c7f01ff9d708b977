//! Children that end with this process, however it ends. The kernel's word for that means the *thread* that started the
//! child; threads of a runtime come and go, so one of our own that never ends starts them all.

use std::process::Command;
use std::sync::{LazyLock, mpsc};
use std::thread;

type Work = Box<dyn FnOnce() + Send>;

static LASTING: LazyLock<mpsc::SyncSender<Work>> = LazyLock::new(|| {
    let (sender, receiver) = mpsc::sync_channel::<Work>(16);
    let work = move || receiver.iter().for_each(|work| work());
    thread::Builder::new().name("media-children".to_owned()).spawn(work).expect("a thread");
    sender
});

/// Does something short, such as starting a child, on the thread that never ends.
pub(super) fn on_lasting_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::sync_channel(1);
    let work = move || {
        let _ = done.send(work());
    };
    LASTING.send(Box::new(work)).expect("the thread never ends");
    result.recv().expect("the work does not panic")
}

/// Has the kernel kill the child when the thread that starts it ends.
#[expect(unsafe_code, reason = "pre_exec runs between fork and exec")]
pub(super) fn die_with_this_process(command: &mut Command) {
    use std::os::unix::process::CommandExt;
    let parent = std::process::id();
    let bind = move || {
        // SAFETY: takes plain integers.
        let (bound, now) = unsafe { (libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL), libc::getppid()) };
        // It may have ended before the kernel was told.
        if bound == -1 || u32::try_from(now).ok() != Some(parent) {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        Ok(())
    };
    // SAFETY: the closure makes two system calls and allocates nothing.
    unsafe { command.pre_exec(bind) };
}
