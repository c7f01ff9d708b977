//! Fetches the models (all sets with `all`, else the default ones) and the sample photos into the cache folder.

use std::{env, path::PathBuf, process::ExitCode};

use telecine_engines::models::{FetchOptions, Manifest, ModelFolder, Progress, Selection, fetch, verify};

fn main() -> ExitCode {
    let home = || PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(".cache/telecine");
    let cache = env::var_os("TELECINE_CACHE").map_or_else(home, PathBuf::from);
    let models = env::var_os("TELECINE_MODELS").map_or_else(|| cache.join("models"), PathBuf::from);
    let selection = match env::args().nth(1).as_deref() {
        Some("all") => Selection::All,
        _ => Selection::Defaults,
    };
    let jobs = [
        (ModelFolder::new(models), Manifest::models(), selection),
        (ModelFolder::new(cache.join("media")), Manifest::photos(), Selection::All),
    ];
    for (folder, manifest, selection) in jobs {
        let mut print = |progress: Progress<'_>| println!("{progress:?}");
        if let Err(error) = fetch(&folder, &manifest, &selection, &FetchOptions::default(), &mut print) {
            eprintln!("{error}");
            return ExitCode::FAILURE;
        }
        let report = verify(&folder, &manifest, &selection).expect("the sets are known");
        println!("{}: {} files are good, {:?}", folder.path().display(), report.good.len(), report.bad);
    }
    ExitCode::SUCCESS
}
