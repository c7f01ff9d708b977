//! What a process does: a worker and a server without work on videos need a database that they share.

use super::program::run;

#[test]
fn a_worker_needs_a_database_that_it_shares() {
    let home = tempfile::tempdir().unwrap();
    for (args, told) in [
        (&["worker", "--listen", "127.0.0.1:0"][..], "a worker needs a database that it shares with a server"),
        (&["serve", "--listen", "127.0.0.1:0", "--role", "api"], "`--role api` leaves the work on videos to workers"),
    ] {
        let ended = run(home.path(), args);
        assert_eq!(ended.status, 2, "{ended:?}");
        assert!(ended.stderr.contains(told) && ended.stderr.contains("--database"), "{ended:?}");
    }
    assert!(!home.path().join("telecine-data").exists(), "nothing was made");
}

#[test]
fn flags_name_what_is_shared_and_no_password_is_printed() {
    let home = tempfile::tempdir().unwrap();
    let args = [
        "serve", "--print-config", "--database", "postgres://telecine:geheim@db/telecine", "--queue", "nats://mq:4222",
        "--media", "s3://films/media",
    ];
    let printed = run(home.path(), &args);
    assert_eq!(printed.status, 0, "{printed:?}");
    for line in ["telecine:***@db/telecine", "\"nats://mq:4222\"", "\"s3://films/media\""] {
        assert!(printed.stdout.contains(line), "{line}: {}", printed.stdout);
    }
    assert!(!format!("{printed:?}").contains("geheim"));
}
