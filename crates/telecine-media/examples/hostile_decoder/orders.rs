//! What it does with its time, memory and output when it was told to.
#![expect(unsafe_code, reason = "raw system calls, and writing to descriptors by number")]

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{FromRawFd, RawFd};
use std::path::Path;
use std::time::Duration;

use crate::{attempts, describe};

/// Orders for the one that looks at headers.
pub(super) fn probe(order: &str, rest: &str, input: &Path) {
    match order {
        "attempts" => describe(&attempts::all(input).iter().map(told).collect::<Vec<_>>().join(";")),
        "exec" => describe(&exec().to_string()),
        "sleep" => sleep(),
        "deaf-and-dumb" => {
            close(1);
            close(2);
            sleep();
        }
        "spin" => loop {
            std::hint::black_box(());
        },
        "memory" => take_all_memory(),
        "threads" => describe(&format!("threads={}", start_threads(rest.trim().parse().expect("a number")))),
        "stdout" => forever(io::stdout()),
        "stderr" => forever(io::stderr()),
        "deep" => print!("{}", "[".repeat(1_000_000)),
        "escape" => {
            eprintln!("[x @ 0x1] \u{1b}]0;owned\u{7}\u{1b}[2J{}", input.display());
            std::process::exit(1);
        }
        "crash" => std::process::abort(),
        _ => describe("a film"),
    }
}

/// Orders for the one that decodes: frames of 16 × 8 on standard output, times and sound on descriptors that it is told.
pub(super) fn decode(order: &str, args: &[String]) {
    let times = descriptor(args, "file='pipe\\:");
    let sound = descriptor(args, "pipe:");
    match order {
        "frames" => frames(times, |n| format!("{}", n * 40_000)),
        "backwards" => {
            let moments = ["0", "5000000", "-900000", "NOPTS", "9223372036854775807", "4000000", "1", "x"];
            write_frames(times, moments.iter().map(|moment| (*moment).to_owned()));
        }
        "no-times" => forever(io::stdout()),
        "no-pixels" => forever(open(times)),
        "endless-line" => {
            let mut pixels = io::stdout();
            pixels.write_all(&[0; FRAME]).expect("it is read");
            pixels.flush().expect("it is read");
            forever_with(open(times), &[b'x'; 65_536]);
        }
        "sound" => forever(open(sound)),
        "doze" => sleep(),
        _ => frames(times, |_| "0".to_owned()),
    }
}

const FRAME: usize = 16 * 8 * 3;

fn frames(times: RawFd, at: impl Fn(u64) -> String) {
    write_frames(times, (0..).map(at));
}

fn write_frames(times: RawFd, moments: impl Iterator<Item = String>) {
    let (mut pixels, mut times) = (io::stdout().lock(), open(times));
    for moment in moments {
        let written = writeln!(times, "frame:0 pts:{moment} pts_time:0\nt=1")
            .and_then(|()| pixels.write_all(&[9; FRAME]))
            .and_then(|()| pixels.flush());
        if written.is_err() {
            return;
        }
    }
}

/// The number behind these words in the last argument that has them.
fn descriptor(args: &[String], words: &str) -> RawFd {
    let number = |arg: &String| {
        let digits: String = arg.split(words).nth(1)?.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().ok()
    };
    args.iter().rev().find_map(number).unwrap_or(1)
}

fn open(fd: RawFd) -> File {
    // SAFETY: the descriptor was handed down for this very purpose.
    unsafe { File::from_raw_fd(fd) }
}

fn close(fd: RawFd) {
    // SAFETY: nothing is written to it any more.
    unsafe { libc::close(fd) };
}

fn told((name, result): &(&'static str, io::Result<()>)) -> String {
    match result {
        Ok(()) => format!("{name}=done"),
        Err(error) => format!("{name}={}", error.raw_os_error().unwrap_or(0)),
    }
}

fn sleep() {
    loop {
        std::thread::sleep(Duration::from_secs(3_600));
    }
}

fn forever(out: impl Write) {
    forever_with(out, &[b'\n'; 65_536]);
}

fn forever_with(mut out: impl Write, bytes: &[u8]) {
    while out.write_all(bytes).is_ok() {}
    sleep();
}

/// Becomes another program; comes back with the error where it may not.
fn exec() -> i32 {
    let arguments = [c"true".as_ptr(), std::ptr::null()];
    // SAFETY: a path and arguments that are terminated.
    unsafe { libc::execv(c"/bin/true".as_ptr(), arguments.as_ptr()) };
    io::Error::last_os_error().raw_os_error().unwrap_or(0)
}

/// Touches every page that it gets, and ends as ffmpeg does when it gets no more.
fn take_all_memory() {
    const PIECE: usize = 16 << 20;
    loop {
        // SAFETY: asks for new memory and writes into it alone.
        unsafe {
            let (prot, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
            let piece = libc::mmap(std::ptr::null_mut(), PIECE, prot, flags, -1, 0);
            if piece == libc::MAP_FAILED {
                eprintln!("Cannot allocate memory");
                std::process::exit(1);
            }
            std::ptr::write_bytes(piece.cast::<u8>(), 1, PIECE);
        }
    }
}

/// Starts threads that wait, as many as it gets up to `most`.
fn start_threads(most: usize) -> usize {
    let thread = || std::thread::Builder::new().stack_size(16 << 10).spawn(sleep);
    (0..most).take_while(|_| thread().is_ok()).count()
}
