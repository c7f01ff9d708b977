//! `telecine webhook`: made, listed, removed; its URL is not taken for the server's.

use super::program::{Ran, Server, ran, telecine};

#[test]
fn a_webhook_is_made_at_a_url_which_is_not_taken_for_the_servers() {
    let home = tempfile::tempdir().unwrap();
    let server = Server::start(home.path(), &[]);
    let key = server.key();
    let run = |args: &[&str]| -> Ran {
        let mut command = telecine(home.path());
        command.env("TELECINE_URL", &server.url).env("TELECINE_API_KEY", &key);
        ran(command.args(args).output().unwrap())
    };
    let made = run(&["webhook", "add", "https://hooks.example.test/films"]);
    assert_eq!(made.status, 0, "{made:?}");
    assert!(made.stdout.contains("whsec_"), "the secret is shown once: {made:?}");
    let listed = run(&["webhook", "list"]);
    assert!(listed.stdout.contains("https://hooks.example.test/films"), "{listed:?}");
    assert!(!listed.stdout.contains("whsec_"), "and never again: {listed:?}");
    let refused = run(&["webhook", "add", "http://127.0.0.1/films"]);
    assert_ne!(refused.status, 0, "{refused:?}");
    assert!(!refused.stderr.contains("no Telecine server answers"), "{refused:?}");
}
