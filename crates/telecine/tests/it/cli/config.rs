//! Settings: which source wins, how mistakes are told, and that the printed form and the documentation are true.

use std::path::Path;

use telecine::config::{Config, ConfigError, Environment, Flags, load_from, to_commented_toml, to_markdown};

use super::program::{ran, run, telecine};

fn environment(pairs: &[(&str, &str)]) -> Environment {
    let mut environment: Environment = [("HOME".into(), "/home/somebody".into())].into();
    environment.extend(pairs.iter().map(|(name, value)| (name.into(), value.into())));
    environment
}

/// Loads a file with this text, this environment and these flags (`KEY=VALUE`).
fn load(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> Result<Config, ConfigError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("telecine.toml");
    std::fs::write(&path, file).unwrap();
    let mut given = Flags::default();
    for flag in flags {
        let (key, value) = flag.split_once('=').unwrap();
        given.set("--set", key, Some(value));
    }
    load_from(&given, &environment(variables), &path)
}

fn problem(file: &str, variables: &[(&str, &str)], flags: &[&str]) -> String {
    load(file, variables, flags).unwrap_err().to_string()
}

#[test]
fn flags_win_over_the_environment_over_the_file_over_defaults() {
    let file = "[pipeline]\ntasks = 3\nfetches = 3\nlease_s = 30\n";
    let variables = [("TELECINE_PIPELINE__TASKS", "4"), ("TELECINE_PIPELINE__FETCHES", "4")];
    let config = load(file, &variables, &["pipeline.tasks=5"]).unwrap();
    let pipeline = &config.pipeline;
    assert_eq!((pipeline.tasks, pipeline.fetches, pipeline.lease_s), (5, 4, 30));
    assert_eq!(pipeline.max_attempts, Config::default().pipeline.max_attempts);
}

#[test]
fn without_anything_all_is_as_the_defaults_say() {
    let config = load_from(&Flags::default(), &environment(&[]), Path::new("there/is/no/such.toml")).unwrap();
    let mut expected = Config::default();
    expected.engines.models_dir = Some("/home/somebody/.cache/telecine/models".into());
    assert_eq!(config, expected);
}

#[test]
fn every_kind_of_value_can_come_from_the_environment() {
    let variables = [
        ("TELECINE_LISTEN", "[::1]:9000"),
        ("TELECINE_ENGINES__WHISPER", "true"),
        ("TELECINE_ENGINES__OCR", "tiny"),
        ("TELECINE_PIPELINE__FRAMES_PER_SECOND", "0.5"),
        ("TELECINE_MEDIA__LIMITS__THREADS", "3"),
        ("TELECINE_FOLDERS__ROOTS", "/srv/films, /srv/more films"),
        ("TELECINE_SERVER__PUBLIC_URL", "https://films.example"),
        ("TELECINE_CACHE", "/var/cache/telecine"),
    ];
    let config = load("[server]\npublic_url = \"http://other\"", &variables, &[]).unwrap();
    assert_eq!(config.server.listen.to_string(), "[::1]:9000");
    assert_eq!(config.engines.whisper, Some(true));
    assert_eq!(config.engines.ocr, telecine::config::OcrModel::Tiny);
    assert!((config.pipeline.frames_per_second - 0.5).abs() < f64::EPSILON);
    assert_eq!(config.media.limits.threads, 3);
    assert_eq!(config.folders.roots, [Path::new("/srv/films"), Path::new("/srv/more films")]);
    assert_eq!(config.server.public_url.as_deref(), Some("https://films.example"));
    assert_eq!(config.engines.models_dir.as_deref(), Some(Path::new("/var/cache/telecine/models")));
}

#[test]
fn an_empty_variable_takes_an_optional_setting_back_and_the_long_name_wins_over_the_short_one() {
    let variables = [
        ("TELECINE_SERVER__PUBLIC_URL", ""),
        ("TELECINE_DATA_DIR", "short"),
        ("TELECINE_SERVER__DATA_DIR", "long"),
    ];
    let config = load("[server]\npublic_url = \"http://other\"", &variables, &[]).unwrap();
    assert_eq!(config.server.public_url, None);
    assert_eq!(config.server.data_dir, Path::new("long"));
}

#[test]
fn an_unknown_key_is_told_with_its_line_and_the_name_that_was_meant() {
    let told = problem("[server]\nlisten = \"127.0.0.1:80\"\n\n[pipeline]\ntask = 3\n", &[], &[]);
    assert!(
        told.ends_with(
            "telecine.toml, line 5: there is no setting `pipeline.task`; did you mean `pipeline.tasks`?"
        ),
        "{told}"
    );
    let told = problem("", &[("TELECINE_SERVER__LISTN", "127.0.0.1:80")], &[]);
    assert_eq!(
        told,
        "environment: there is no setting `TELECINE_SERVER__LISTN`; did you mean `TELECINE_SERVER__LISTEN`?"
    );
    let told = problem("", &[], &["server.tasks=3"]);
    assert_eq!(told, "--set: there is no setting `server.tasks`; did you mean `assets.tasks`?");
    let told = problem("[zebra]\nstripes = 7\n", &[], &[]);
    assert!(told.ends_with("line 1: there is no setting `zebra`"), "{told}");
}

#[test]
fn a_short_variable_with_a_slip_is_told_and_those_of_other_programs_are_not_ours() {
    let told = problem("", &[("TELECINE_LISTN", "127.0.0.1:80")], &[]);
    assert_eq!(told, "environment: there is no setting `TELECINE_LISTN`; did you mean `TELECINE_LISTEN`?");
    let others = [("TELECINE_PORT", "tcp://10.0.0.7:8080"), ("TELECINE_URL", "x"), ("TELECINE_VENV", "y")];
    assert!(load("", &others, &[]).is_ok());
}

#[test]
fn a_value_that_cannot_be_is_told_with_its_place_and_what_could_be() {
    let cases = [
        (
            ("TELECINE_LISTEN", "8080"),
            "TELECINE_LISTEN: `8080` is not valid for `server.listen`: invalid socket address syntax",
        ),
        (
            ("TELECINE_PIPELINE__TASKS", "-1"),
            "TELECINE_PIPELINE__TASKS: `-1` is not valid for `pipeline.tasks`: it must be a whole number",
        ),
        (
            ("TELECINE_PIPELINE__TASKS", "0"),
            "settings: `0` is not valid for `pipeline.tasks`: it must be at least 1",
        ),
        (
            ("TELECINE_ENGINES__SEE", "eyes"),
            "TELECINE_ENGINES__SEE: `eyes` is not valid for `engines.see`: it must be one of `concept`, `clip`",
        ),
        (
            ("TELECINE_ENGINES__SEE", "clip"),
            "settings: `clip` is not valid for `engines.see`: `engines.clip_dir` must name the folder of the CLIP model",
        ),
        (
            ("TELECINE_SERVER__PUBLIC_URL", "films"),
            "settings: `films` is not valid for `server.public_url`: it must be a URL such as https://films.example.com",
        ),
    ];
    for (variable, expected) in cases {
        assert_eq!(problem("", &[variable], &[]), expected);
    }
    let told = problem("[pipeline]\ntasks = \"many\"\n", &[], &[]);
    assert!(told.contains("line 2") && told.contains("expected usize"), "{told}");
}

#[test]
fn a_named_file_must_be_there() {
    let flags = Flags { file: Some("no/such.toml".into()), ..Flags::default() };
    let told = load_from(&flags, &environment(&[]), Path::new("telecine.toml")).unwrap_err().to_string();
    assert!(told.starts_with("cannot read the settings file no/such.toml: "), "{told}");
}

#[test]
fn the_printed_settings_are_a_settings_file_that_means_the_same() {
    let home = tempfile::tempdir().unwrap();
    let args = ["serve", "--print-config", "--listen", "127.0.0.1:9", "--set", "engines.ocr=tiny"];
    let printed = run(home.path(), &args);
    assert_eq!(printed.status, 0, "{printed:?}");
    let file = home.path().join("telecine.toml");
    std::fs::write(&file, &printed.stdout).unwrap();
    let again = ran(telecine(home.path()).args(["serve", "--print-config"]).output().unwrap());
    assert_eq!(again.stdout, printed.stdout);
    assert!(again.stdout.contains("listen = \"127.0.0.1:9\"") && again.stdout.contains("ocr = \"tiny\""));
}

#[test]
fn the_printed_defaults() {
    insta::assert_snapshot!(to_commented_toml(&Config::default()));
}

#[test]
fn the_reference_in_the_documentation_is_that_of_the_code() {
    const BEGIN: &str = "<!-- settings: made by a test, see below -->\n";
    const END: &str = "<!-- end of settings -->";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/OPERATING.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has the first mark");
    let (found, after) = rest.split_once(END).expect("the page has the second mark");
    let made = format!("\n{}\n", to_markdown());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{made}{END}{after}")).unwrap();
    } else {
        assert_eq!(found, made, "renew it: UPDATE_DOCS=1 cargo nextest run -E 'test(the_reference_in)'");
    }
}

#[test]
fn what_several_servers_share_is_checked_and_told() {
    let cases = [
        ("database.url=mysql://db/telecine", "`mysql://db/telecine` is not valid for `database.url`"),
        ("database.url=telecine:geheim@db", "`(not a URL)` is not valid for `database.url`"),
        ("queue.url=amqp://mq", "`amqp://mq` is not valid for `queue.url`"),
        ("queue.url=nats://mq:4222", "`database.url` must be set as well"),
        ("media_store.url=ftp://films", "`ftp://films` is not valid for `media_store.url`"),
        ("media_store.url=films", "a folder must be named by its absolute path"),
        ("media_store.part_bytes=100", "it must be 5 MiB to 1 GiB"),
        ("media_store.endpoint_url=films", "it must be a URL such as"),
    ];
    for (flag, told) in cases {
        let problem = problem("", &[], &[flag]);
        assert!(problem.contains(told), "{flag}: {problem}");
        assert!(!problem.contains("geheim"), "{problem}");
    }
    let alone = problem("[media_store]\nurl = \"s3://films\"\naccess_key_id = \"AKIA\"\n", &[], &[]);
    assert!(alone.contains("must be set together"), "{alone}");
    let variables = [
        ("TELECINE_DATABASE", "postgres://telecine:geheim@db/telecine"),
        ("TELECINE_QUEUE", "nats://mq:4222"),
        ("TELECINE_MEDIA", "s3://films/media"),
    ];
    let config = load("", &variables, &[]).unwrap();
    assert_eq!(config.database.url.as_ref().unwrap().reveal(), "postgres://telecine:geheim@db/telecine");
    assert!(config.is_shared() && !load("", &[], &[]).unwrap().is_shared());
    assert!(!to_commented_toml(&config).contains("geheim"), "no password is printed");
    assert!(to_commented_toml(&config).contains("url = \"postgres://telecine:***@db/telecine\""));
}
