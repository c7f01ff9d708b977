//! The manifest: a JSON array of entries, read as a stream in constant memory, whatever its size. What is wrong with
//! its form is told with entry, field, line and column. Asks no store whether the entries make sense.

mod meter;
mod visit;

#[cfg(test)]
mod tests;

use std::io::Read;

use serde::de::DeserializeSeed;
use serde_json::error::Category;

use self::meter::{Meter, Metered, ReadFault};
use self::visit::Entries;
use super::address::Address;
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::IndexId;

/// Bytes that an entry may have, with the space before it.
pub const MAX_ENTRY_BYTES: u64 = 64 << 10;
/// Bytes that a text in an entry may have, in fields that are not looked at too.
pub const MAX_TEXT_BYTES: usize = 16 << 10;

/// One video of a manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the manifest, from 0.
    pub number: u64,
    /// The line that it begins on, from 1.
    pub line: u64,
    /// The index to enter.
    pub index: IndexId,
    /// BCP 47 tag of what is spoken; `en` unless given.
    pub language: String,
    /// The video.
    pub object: Address,
    /// Its captions.
    pub transcription: Option<Address>,
}

impl Entry {
    /// A fault of this entry; `what` goes on from "Manifest, entry 41 (line 43): ".
    pub fn fault(&self, code: Code, what: impl std::fmt::Display) -> Fault {
        Fault::because(code, format!("Manifest, entry {} (line {}): {what}", self.number, self.line))
    }
}

/// What a manifest is, for those who sent something else.
const SHAPE: &str = "a manifest is a JSON array of objects with `index_id`, `object`, and optionally `language` and \
                     `transcription`";
const CHECK_JSON: &str = "Check the file, for example with `python3 -m json.tool FILE`.";

/// Why parsing ended early.
enum Stop {
    /// The manifest is not well-formed; where, and what is wrong.
    Problem(String, Problem),
    /// Whoever takes the entries wants no more.
    Enough,
}

/// What is wrong with an entry, before its place is added.
#[derive(Debug)]
struct Problem {
    what: String,
    value: Option<String>,
    rule: Option<String>,
    remedy: Option<String>,
}

/// Reads a manifest and gives its entries to `each` until it says no. The number of entries that were read.
///
/// # Errors
/// `parameter_invalid`; or whatever the reader fails with.
pub fn parse(manifest: impl Read, each: impl FnMut(Entry) -> bool) -> Result<u64> {
    let meter = Meter::default();
    let reader = Metered::new(manifest, &meter).map_err(|fault| read_error(fault, &meter))?;
    let mut json = serde_json::Deserializer::from_reader(reader);
    let read = Entries { meter: &meter, each }.deserialize(&mut json);
    match read.and_then(|()| json.end()) {
        Ok(()) if meter.entries() == 0 => {
            Err(Fault::parameter("The manifest has no entries.").rule(SHAPE).into())
        }
        Ok(()) => Ok(meter.entries()),
        Err(error) => match meter.take_stop() {
            Some(Stop::Enough) => Ok(meter.entries()),
            Some(Stop::Problem(place, problem)) => Err(problem.at(&place).into()),
            None => match meter.take_read_fault() {
                Some(fault) => Err(read_error(fault, &meter)),
                None => Err(syntax(&error, &meter).into()),
            },
        },
    }
}

impl Problem {
    fn at(self, place: &str) -> Fault {
        let mut fault = Fault::parameter(format!("{place}: {}", self.what));
        fault.value = self.value.map(|value| cut(&value));
        fault.rule = self.rule;
        fault.remedy = self.remedy;
        fault
    }
}

/// "Manifest, entry 41 (line 43, column 17)".
fn place(meter: &Meter) -> String {
    let (line, column) = meter.position();
    match meter.inside() {
        Some(entry) => format!("Manifest, entry {entry} (line {line}, column {column})"),
        None => format!("Manifest, line {line}, column {column}"),
    }
}

fn read_error(fault: ReadFault, meter: &Meter) -> Error {
    match fault {
        ReadFault::EntryTooLong => Fault::parameter(format!("{}: the entry is too long.", place(meter)))
            .rule(format!("an entry has at most {MAX_ENTRY_BYTES} bytes, with the space before it"))
            .into(),
        ReadFault::Utf16 => Fault::parameter("The manifest is UTF-16.")
            .rule("a manifest is UTF-8")
            .remedy("Save it as UTF-8.")
            .into(),
        ReadFault::Io(error) => cut_off(error),
    }
}

/// A failure to read: the fault that it wraps, or that the connection was cut.
pub(super) fn cut_off(error: std::io::Error) -> Error {
    error.downcast::<Error>().unwrap_or_else(|error| {
        Fault::because(Code::RequestTimedOut, format!("The manifest ended too early: {error}.")).into()
    })
}

fn syntax(error: &serde_json::Error, meter: &Meter) -> Fault {
    let text = error.to_string();
    let what = text.split(" at line ").next().unwrap_or(&text);
    let not_json = |what: &str| Fault::parameter(format!("{}: {what}.", place(meter))).remedy(CHECK_JSON);
    match error.classify() {
        Category::Eof if meter.is_blank() => Fault::parameter("The manifest is empty.").rule(SHAPE),
        Category::Eof => not_json("the JSON ends too early, as if the file had been cut"),
        _ if what == "recursion limit exceeded" => {
            not_json("the JSON is nested too deeply").rule("at most 120 levels")
        }
        _ if what == "trailing characters" => not_json("the array has ended, but more text follows"),
        _ => not_json(&format!("not JSON: {what}")),
    }
}

/// A value for a message: a readable length, on one line.
pub(super) fn cut(value: &str) -> String {
    const READABLE: usize = 200;
    let mut text: String =
        value.chars().take(READABLE).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if value.chars().nth(READABLE).is_some() {
        text.push_str(&format!("… ({} bytes)", value.len()));
    }
    text
}
