//! Surgery on MP4: finds, replaces and adds boxes, and mends the lengths around them. For files whose `moov` comes last, so
//! that no offset into the pictures moves.

/// A box of a kind around a body.
pub(crate) fn boxed(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
    let bytes = u32::try_from(8 + body.len()).unwrap();
    [&bytes.to_be_bytes()[..], kind, body].concat()
}

/// Big-endian words, one after the other.
pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

/// Start and end of the boxes below `path`, from the outermost one to the box itself; of several of a kind the first is
/// taken, or the one after so many others where the kind is followed by `+` and a digit.
fn find(bytes: &[u8], path: &str) -> Vec<(usize, usize)> {
    let (mut found, mut at, mut end) = (Vec::new(), 0, bytes.len());
    for step in path.split('/') {
        let (kind, mut skip) =
            step.split_once('+').map_or((step, 0), |(kind, n)| (kind, n.parse::<usize>().unwrap()));
        loop {
            assert!(at + 8 <= end, "no {step} of {path}");
            let length = u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
            if &bytes[at + 4..at + 8] == kind.as_bytes() {
                if skip == 0 {
                    found.push((at, at + length));
                    end = at + length;
                    // A sample description has a count before its boxes.
                    at += if kind == "stsd" { 16 } else { 8 };
                    break;
                }
                skip -= 1;
            }
            at += length;
        }
    }
    found
}

/// The body of a box.
pub(crate) fn body(bytes: &[u8], path: &str) -> std::ops::Range<usize> {
    let (start, end) = *find(bytes, path).last().unwrap();
    start + 8..end
}

/// The file with the box at `path` replaced by `new`, which may be none or several boxes.
pub(crate) fn replaced(bytes: &[u8], path: &str, new: &[u8]) -> Vec<u8> {
    let found = find(bytes, path);
    let (start, end) = *found.last().unwrap();
    let mut done = [&bytes[..start], new, &bytes[end..]].concat();
    for &(outer, outer_end) in &found[..found.len() - 1] {
        let length = outer_end - outer + new.len() - (end - start);
        done[outer..outer + 4].copy_from_slice(&u32::try_from(length).unwrap().to_be_bytes());
    }
    done
}

/// The file with `new` at the end of the box at `path`.
pub(crate) fn added(bytes: &[u8], path: &str, new: &[u8]) -> Vec<u8> {
    let (start, end) = *find(bytes, path).last().unwrap();
    let grown = [&bytes[start + 8..end], new].concat();
    let kind: [u8; 4] = bytes[start + 4..start + 8].try_into().unwrap();
    replaced(bytes, path, &boxed(&kind, &grown))
}

/// The file with some bytes of a box's body overwritten, from `at` on.
pub(crate) fn patched(bytes: &[u8], path: &str, at: usize, new: &[u8]) -> Vec<u8> {
    let start = body(bytes, path).start + at;
    let mut done = bytes.to_vec();
    done[start..start + new.len()].copy_from_slice(new);
    done
}
