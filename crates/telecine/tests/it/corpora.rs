//! The corpora that fuzzing keeps, and cuts and flips of each of their files, against what must hold for any input. The
//! fuzz targets themselves need nightly Rust (`make fuzz`).

#[path = "../../../../fuzz/checks.rs"]
mod checks;

use std::panic::AssertUnwindSafe;
use std::path::PathBuf;

/// Runs a check, and says which bytes broke it.
fn holds(name: &str, check: fn(&[u8]), input: &[u8]) {
    let ran = std::panic::catch_unwind(AssertUnwindSafe(|| check(input)));
    assert!(ran.is_ok(), "{name} does not hold for {:?}", input.escape_ascii().to_string());
}

#[test]
fn what_fuzzing_kept_is_taken_or_refused_in_words() {
    let corpora = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    for (name, check) in checks::CHECKS {
        let mut files = 0;
        for file in std::fs::read_dir(corpora.join(name)).expect("a corpus of each target") {
            let input = std::fs::read(file.unwrap().path()).unwrap();
            holds(name, check, &input);
            let step = input.len().div_ceil(40).max(1);
            for at in (0..input.len()).step_by(step) {
                holds(name, check, &input[..at]);
                let mut flipped = input.clone();
                flipped[at] ^= 0x21;
                holds(name, check, &flipped);
            }
            files += 1;
        }
        assert!(files > 0, "{name} has a corpus");
    }
}
