//! Reads one field of an ELF file: which loader the kernel will run it with. Nothing else about ELF.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};

const PT_INTERP: u32 = 3;

/// The loader named by a 64-bit little-endian ELF program; none for a static one or for anything else.
pub(super) fn interpreter(program: &Path) -> Option<PathBuf> {
    let mut head = Vec::new();
    File::open(program).ok()?.take(8 << 10).read_to_end(&mut head).ok()?;
    parse(&head)
}

fn parse(head: &[u8]) -> Option<PathBuf> {
    let is_elf64_le = head.starts_with(b"\x7fELF\x02\x01");
    if !is_elf64_le {
        return None;
    }
    let table = usize::try_from(word(head, 32, 8)?).ok()?;
    let entry_bytes = word(head, 54, 2)? as usize;
    let entries = word(head, 56, 2)? as usize;
    (0..entries).find_map(|n| {
        let entry = table.checked_add(n.checked_mul(entry_bytes)?)?;
        if word(head, entry, 4)? != u64::from(PT_INTERP) {
            return None;
        }
        let start = usize::try_from(word(head, entry.checked_add(8)?, 8)?).ok()?;
        let bytes = usize::try_from(word(head, entry.checked_add(32)?, 8)?).ok()?;
        let name = head.get(start..start.checked_add(bytes)?)?.split(|&b| b == 0).next()?;
        Some(PathBuf::from(OsString::from_vec(name.to_vec())))
    })
}

/// An unsigned little-endian number of up to eight bytes.
fn word(head: &[u8], at: usize, bytes: usize) -> Option<u64> {
    let slice = head.get(at..at.checked_add(bytes)?)?;
    Some(slice.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loader_of_this_very_program_exists() {
        let me = std::env::current_exe().unwrap();
        assert!(interpreter(&me).is_some_and(|loader| loader.exists()));
    }

    #[test]
    fn a_script_or_a_cut_header_has_no_loader() {
        assert_eq!(parse(b"#!/bin/sh\n"), None);
        assert_eq!(parse(b"\x7fELF\x02\x01"), None);
        assert_eq!(parse(&[b"\x7fELF\x02\x01".as_slice(), &[0xff; 100]].concat()), None);
    }
}
