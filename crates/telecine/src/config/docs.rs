//! What settings are for, taken from the doc comments of their structs, and the texts made of it: the commented TOML of
//! `--print-config` and the table in docs/OPERATING.md. Knows no values but defaults and those that it is given.

use std::fmt::Write;

use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::Config;
use super::schema::{Field, Kind, fields};

/// The sources of all structs that a [`Config`] is made of.
const SOURCES: [&str; 13] = [
    include_str!("mod.rs"),
    include_str!("assets.rs"),
    include_str!("queue.rs"),
    include_str!("search.rs"),
    include_str!("shared.rs"),
    include_str!("streaming.rs"),
    include_str!("telemetry.rs"),
    include_str!("../keys/limits.rs"),
    include_str!("webhooks.rs"),
    include_str!("writer.rs"),
    include_str!("../../../telecine-media/src/tools.rs"),
    include_str!("../../../telecine-media/src/limits.rs"),
    include_str!("../../../telecine-media/src/sandbox.rs"),
];

/// Environment variables that are short for others.
pub(super) const SHORT: [(&str, &str); 7] = [
    ("TELECINE_LISTEN", "server.listen"),
    ("TELECINE_DATA_DIR", "server.data_dir"),
    ("TELECINE_DATABASE", "database.url"),
    ("TELECINE_QUEUE", "queue.url"),
    ("TELECINE_MEDIA", "media_store.url"),
    ("TELECINE_MODELS", "engines.models_dir"),
    ("TELECINE_LOG", "log.filter"),
];

/// The doc comment of a struct's field, in one line; empty when there is none.
fn about(owner: &str, name: &str) -> String {
    let body = SOURCES.iter().find_map(|source| {
        let start = source.find(&format!("pub struct {owner} {{"))?;
        source[start..].split("\n}").next()
    });
    let mut comment = String::new();
    for line in body.unwrap_or_default().lines().map(str::trim) {
        if let Some(text) = line.strip_prefix("///") {
            comment.push_str(text);
        } else if line.starts_with(&format!("pub {name}:")) {
            return comment.trim().to_owned();
        } else {
            comment.clear();
        }
    }
    String::new()
}

/// A configuration as TOML with a comment on every setting; reads back as the same configuration.
///
/// # Panics
/// Never: settings are plain values.
pub fn to_commented_toml(config: &Config) -> String {
    let values = toml::Table::try_from(config).expect("settings are plain values");
    let mut text = String::new();
    let mut section = Vec::new();
    for field in fields::<Config>() {
        let (name, parents) = field.path.split_last().expect("a setting has a name");
        if parents != section {
            section = parents.to_vec();
            let gap = if text.is_empty() { "" } else { "\n" };
            let _ = writeln!(text, "{gap}[{}]", section.join("."));
        }
        for line in wrapped(&about(field.owner, name), 98) {
            let _ = writeln!(text, "# {line}");
        }
        let _ = match value_at(&values, &field.path) {
            Some(value) => writeln!(text, "{name} = {value}"),
            None => writeln!(text, "# {name} = {}", example(&field)),
        };
    }
    text
}

/// A setting as it is in force.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct Setting {
    /// Its key, such as `server.listen`.
    pub key: String,
    /// Its value; nothing where it is not set, and `about` says what holds then.
    pub value: Option<Value>,
    /// Whether somebody chose it.
    pub is_changed: bool,
    /// The variable of the environment that sets it.
    pub variable: String,
    /// What it is for.
    pub about: String,
}

/// All settings with their values. None is a secret: those lie in files and variables that settings only name.
///
/// # Panics
/// Never: settings are plain values.
pub fn settings(config: &Config) -> Vec<Setting> {
    let plain = |config: &Config| serde_json::to_value(config).expect("settings are plain values");
    let (values, defaults) = (plain(config), plain(&Config::default()));
    let setting = |field: Field| {
        let at = format!("/{}", field.path.join("/"));
        let (value, default) = (values.pointer(&at), defaults.pointer(&at));
        Setting {
            key: field.key(),
            value: value.filter(|value| !value.is_null()).cloned(),
            is_changed: value != default,
            variable: field.variable(),
            about: about(field.owner, field.path[field.path.len() - 1]),
        }
    };
    fields::<Config>().into_iter().map(setting).collect()
}

fn value_at<'a>(values: &'a toml::Table, path: &[&str]) -> Option<&'a toml::Value> {
    let (first, rest) = path.split_first()?;
    let value = values.get(*first)?;
    if rest.is_empty() { Some(value) } else { value_at(value.as_table()?, rest) }
}

/// How a setting that is not set would be written.
fn example(field: &Field) -> String {
    match field.kind {
        Kind::Bool => "false".to_owned(),
        Kind::Whole => "1".to_owned(),
        Kind::Number => "1.0".to_owned(),
        Kind::Text => "\"…\"".to_owned(),
        Kind::OneOf(words) => format!("\"{}\"", words[0]),
        Kind::List => "[]".to_owned(),
    }
}

/// The reference in docs/OPERATING.md: one table per section.
pub fn to_markdown() -> String {
    let mut text = String::new();
    let mut section = Vec::new();
    for field in fields::<Config>() {
        let (name, parents) = field.path.split_last().expect("a setting has a name");
        if parents != section {
            section = parents.to_vec();
            let _ = write!(
                text,
                "\n### `[{}]`\n\n| Key | What | Environment |\n|---|---|---|\n",
                section.join(".")
            );
        }
        let short = SHORT.iter().find(|(_, key)| *key == field.key());
        let short = short.map_or_else(String::new, |(variable, _)| format!("`{variable}`, "));
        let what = about(field.owner, name);
        let _ = writeln!(text, "| `{name}` | {what} | {short}`{}` |", field.variable());
    }
    text.trim_start().to_owned()
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.chars().count() + 1 + word.chars().count() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_says_what_it_is_for() {
        let silent: Vec<String> = fields::<Config>()
            .iter()
            .filter(|field| about(field.owner, field.path[field.path.len() - 1]).is_empty())
            .map(Field::key)
            .collect();
        assert!(silent.is_empty(), "{silent:?}");
    }

    #[test]
    fn every_setting_is_told_with_its_value() {
        let mut config = Config::default();
        config.server.public_url = Some("https://films.example".into());
        let told = settings(&config);
        assert_eq!(told.len(), fields::<Config>().len());
        let changed: Vec<_> = told.iter().filter(|setting| setting.is_changed).collect();
        assert_eq!((changed.len(), changed[0].key.as_str()), (1, "server.public_url"));
        assert_eq!(changed[0].value, Some("https://films.example".into()));
        let of = |key: &str| told.iter().find(|setting| setting.key == key).unwrap();
        assert_eq!(of("pipeline.tasks").value, Some(Config::default().pipeline.tasks.into()));
        assert_eq!(of("aws.region").value, None);
    }

    #[test]
    fn a_printed_configuration_reads_back_as_the_same() {
        let mut config = Config::default();
        config.server.public_url = Some("https://films.example".into());
        config.folders.roots = vec!["/srv/films".into(), "/srv/\"odd\"".into()];
        config.engines.whisper = Some(true);
        assert_eq!(toml::from_str::<Config>(&to_commented_toml(&config)).unwrap(), config);
    }
}
