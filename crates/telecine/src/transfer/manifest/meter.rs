//! Counts what the parser reads: line and column, bytes since the last entry (so that no entry grows without bound),
//! and what stopped it. Shared by reader and visitor through cells, for they live on one thread.

use std::cell::{Cell, RefCell};
use std::io::{self, BufReader, Chain, Cursor, Read};

use super::{MAX_ENTRY_BYTES, Stop};

/// Why the reader gave no byte.
#[derive(Debug)]
pub(super) enum ReadFault {
    EntryTooLong,
    Utf16,
    Io(io::Error),
}

#[derive(Default)]
pub(super) struct Meter {
    /// Lines that have ended.
    lines: Cell<u64>,
    /// Bytes of the line so far.
    column: Cell<u64>,
    since_entry: Cell<u64>,
    /// Whether nothing but space was read.
    has_text: Cell<bool>,
    entries: Cell<u64>,
    is_in_array: Cell<bool>,
    stop: RefCell<Option<Stop>>,
    read_fault: RefCell<Option<ReadFault>>,
}

impl Meter {
    /// Line and column of the last byte that was read, from 1.
    pub(super) fn position(&self) -> (u64, u64) {
        (self.lines.get() + 1, self.column.get().max(1))
    }

    /// Entries that have ended.
    pub(super) fn entries(&self) -> u64 {
        self.entries.get()
    }

    /// The number of the entry that is being read.
    pub(super) fn inside(&self) -> Option<u64> {
        self.is_in_array.get().then(|| self.entries.get())
    }

    pub(super) fn is_blank(&self) -> bool {
        !self.has_text.get()
    }

    pub(super) fn begin_array(&self) {
        self.is_in_array.set(true);
        self.since_entry.set(0);
    }

    pub(super) fn end_array(&self) {
        self.is_in_array.set(false);
    }

    pub(super) fn end_entry(&self) {
        self.entries.set(self.entries.get() + 1);
        self.since_entry.set(0);
    }

    /// Notes why parsing must end; the visitor then returns any error.
    pub(super) fn stop(&self, stop: Stop) {
        self.stop.borrow_mut().get_or_insert(stop);
    }

    pub(super) fn take_stop(&self) -> Option<Stop> {
        self.stop.borrow_mut().take()
    }

    pub(super) fn take_read_fault(&self) -> Option<ReadFault> {
        self.read_fault.borrow_mut().take()
    }

    /// Counts a byte; no, when the entry has had its share.
    fn count(&self, byte: u8) -> bool {
        if byte == b'\n' {
            self.lines.set(self.lines.get() + 1);
            self.column.set(0);
        } else {
            self.column.set(self.column.get() + 1);
        }
        if !self.has_text.get() && !byte.is_ascii_whitespace() {
            self.has_text.set(true);
        }
        self.since_entry.set(self.since_entry.get() + 1);
        self.since_entry.get() <= MAX_ENTRY_BYTES
    }
}

/// Gives the manifest's bytes one by one, without a byte order mark.
pub(super) struct Metered<'a, R> {
    inner: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    meter: &'a Meter,
}

impl<'a, R: Read> Metered<'a, R> {
    pub(super) fn new(mut manifest: R, meter: &'a Meter) -> Result<Self, ReadFault> {
        let mut start = Vec::with_capacity(3);
        manifest.by_ref().take(3).read_to_end(&mut start).map_err(ReadFault::Io)?;
        match start.as_slice() {
            [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => return Err(ReadFault::Utf16),
            [0xef, 0xbb, 0xbf] => start.clear(),
            _ => (),
        }
        Ok(Self { inner: BufReader::with_capacity(32 << 10, Cursor::new(start).chain(manifest)), meter })
    }

    fn fail(&self, fault: ReadFault) -> io::Error {
        self.meter.read_fault.borrow_mut().get_or_insert(fault);
        io::Error::other("the reader says why")
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let Some(first) = out.get_mut(..1) else { return Ok(0) };
        // One byte at a time, which is how the parser reads, so that the position is the parser's own.
        let got = self.inner.read(first).map_err(|error| self.fail(ReadFault::Io(error)))?;
        if got == 1 && !self.meter.count(first[0]) {
            return Err(self.fail(ReadFault::EntryTooLong));
        }
        Ok(got)
    }
}
