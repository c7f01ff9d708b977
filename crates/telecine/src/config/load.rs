//! Where settings come from: defaults, then a TOML file, then the environment, then flags; later ones win. The only
//! reader of files and environment variables for settings. Knows no command line.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table, Value};

use super::Config;
use super::docs::SHORT;
use super::schema::{Field, Kind, fields};

/// What all environment variables begin with.
pub(super) const PREFIX: &str = "TELECINE_";
const DEFAULT_FILE: &str = "telecine.toml";

/// Why there are no settings.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings file {file}: {problem}", file = file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        problem: String,
    },
    /// The file is not TOML, or a value is of another kind.
    #[error("the settings file {file} is not valid\n{problem}", file = file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// Where and why.
        problem: String,
    },
    /// No such setting.
    #[error("{origin}: there is no setting `{key}`{}", meant(nearest.as_ref()))]
    Unknown {
        /// Where it stands: file and line, variable or flag.
        origin: String,
        /// As it was given.
        key: String,
        /// The most similar one that there is.
        nearest: Option<String>,
    },
    /// A value that the setting cannot have.
    #[error("{origin}: `{value}` is not valid for `{key}`: {rule}")]
    BadValue {
        /// Where it stands: variable or flag.
        origin: String,
        /// The setting.
        key: String,
        /// As it was given.
        value: String,
        /// What it may be.
        rule: String,
    },
}

fn meant(nearest: Option<&String>) -> String {
    nearest.map_or_else(String::new, |name| format!("; did you mean `{name}`?"))
}

/// What the command line says about settings.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    /// The file to read, which must be there.
    pub file: Option<PathBuf>,
    /// Flag, key and value, such as `("--listen", "server.listen", "127.0.0.1:80")`. The last one of a key wins.
    pub values: Vec<(String, String, String)>,
}

impl Flags {
    /// With a value, if one was given.
    pub fn set(&mut self, flag: &str, key: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.values.push((flag.to_owned(), key.to_owned(), value.into()));
        }
    }
}

/// The environment, read once.
pub type Environment = BTreeMap<OsString, OsString>;

/// Settings of this process.
///
/// # Errors
/// When the file cannot be read, a key is unknown or a value is not valid; the message names the place.
pub fn load(flags: &Flags) -> Result<Config, ConfigError> {
    load_from(flags, &std::env::vars_os().collect(), Path::new(DEFAULT_FILE))
}

/// [`load`] with another environment and another default file, for tests.
///
/// # Errors
/// As [`load`].
pub fn load_from(
    flags: &Flags,
    environment: &Environment,
    default_file: &Path,
) -> Result<Config, ConfigError> {
    let known = fields::<Config>();
    let mut values = read_file(flags, environment, default_file, &known)?;
    for (variable, key, text) in settings_in(environment, &known)? {
        put(&mut values, &known, &variable, &key, &text)?;
    }
    for (flag, key, text) in &flags.values {
        put(&mut values, &known, flag, key, text)?;
    }
    let mut config: Config = values.try_into().expect("each value was tried");
    if config.engines.models_dir.is_none() {
        config.engines.models_dir = Some(cache_dir(environment).join("models"));
    }
    super::rules::check(&config)?;
    Ok(config)
}

/// Where models and media are kept: `TELECINE_CACHE`, else `~/.cache/telecine`.
pub fn cache_dir(environment: &Environment) -> PathBuf {
    let path = |name: &str| environment.get(&OsString::from(name)).filter(|value| !value.is_empty());
    match (path("TELECINE_CACHE"), path("HOME")) {
        (Some(cache), _) => cache.into(),
        (None, Some(home)) => Path::new(home).join(".cache/telecine"),
        (None, None) => ".cache/telecine".into(),
    }
}

fn read_file(
    flags: &Flags,
    environment: &Environment,
    default_file: &Path,
    known: &[Field],
) -> Result<Table, ConfigError> {
    let named =
        flags.file.clone().or_else(|| environment.get(&OsString::from("TELECINE_CONFIG")).map(PathBuf::from));
    let file = named.as_deref().unwrap_or(default_file);
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Table::new());
        }
        Err(error) => {
            return Err(ConfigError::Unreadable { file: file.to_owned(), problem: error.to_string() });
        }
    };
    let malformed =
        |error: toml::de::Error| ConfigError::Malformed { file: file.to_owned(), problem: error.to_string() };
    let tree = DeTable::parse(&text).map_err(malformed)?;
    refuse_unknown(tree.get_ref(), &mut Vec::new(), known, &|at, key| ConfigError::Unknown {
        origin: format!("{}, line {}", file.display(), text[..at].matches('\n').count() + 1),
        nearest: nearest(&key, known.iter().map(Field::key)),
        key,
    })?;
    toml::from_str::<Config>(&text).map_err(malformed)?;
    toml::from_str(&text).map_err(malformed)
}

fn refuse_unknown(
    table: &DeTable<'_>,
    path: &mut Vec<String>,
    known: &[Field],
    unknown: &dyn Fn(usize, String) -> ConfigError,
) -> Result<(), ConfigError> {
    for (name, value) in table {
        path.push(name.get_ref().to_string());
        let is_setting = known.iter().any(|field| field.path == *path);
        let is_section = known.iter().any(|field| {
            field.path.len() > path.len() && path.iter().zip(&field.path).all(|(given, name)| given == name)
        });
        match value.get_ref() {
            DeValue::Table(inner) if is_section => refuse_unknown(inner, path, known, unknown)?,
            _ if is_setting || is_section => {}
            _ => return Err(unknown(Spanned::span(name).start, path.join("."))),
        }
        path.pop();
    }
    Ok(())
}

/// Variable, key and text of every setting in the environment. Variables of our prefix that are neither settings nor
/// look like one are other programs' affair.
fn settings_in(
    environment: &Environment,
    known: &[Field],
) -> Result<Vec<(String, String, String)>, ConfigError> {
    let mut found = Vec::new();
    for (variable, text) in environment {
        let Some(variable) = variable.to_str().filter(|name| name.starts_with(PREFIX)) else { continue };
        let short = SHORT.iter().find(|(name, _)| *name == variable).map(|(_, key)| (*key).to_owned());
        let full = || known.iter().find(|field| field.variable() == variable).map(Field::key);
        let Some(key) = short.clone().or_else(full) else {
            refuse_typo(variable, known)?;
            continue;
        };
        let text = text.to_str().ok_or_else(|| ConfigError::BadValue {
            origin: variable.to_owned(),
            key: key.clone(),
            value: text.to_string_lossy().into_owned(),
            rule: "it must be valid UTF-8".to_owned(),
        })?;
        found.push((short.is_none(), (variable.to_owned(), key, text.to_owned())));
    }
    // Where both forms of a name are set, the long one wins.
    found.sort_by_key(|(is_long, _)| *is_long);
    Ok(found.into_iter().map(|(_, setting)| setting).collect())
}

fn refuse_typo(variable: &str, known: &[Field]) -> Result<(), ConfigError> {
    let names = known.iter().map(Field::variable).chain(SHORT.iter().map(|(name, _)| (*name).to_owned()));
    let is_setting = variable.contains("__");
    match nearest(variable, names) {
        Some(name) if is_setting || (name.len() > 13 && strsim::levenshtein(variable, &name) <= 2) => {
            Err(ConfigError::Unknown {
                origin: "environment".to_owned(),
                key: variable.to_owned(),
                nearest: Some(name),
            })
        }
        None if is_setting => Err(ConfigError::Unknown {
            origin: "environment".to_owned(),
            key: variable.to_owned(),
            nearest: None,
        }),
        _ => Ok(()),
    }
}

/// Puts one value into its place, after its text was understood and tried.
fn put(values: &mut Table, known: &[Field], origin: &str, key: &str, text: &str) -> Result<(), ConfigError> {
    let field = known.iter().find(|field| field.key() == key).ok_or_else(|| ConfigError::Unknown {
        origin: origin.to_owned(),
        key: key.to_owned(),
        nearest: nearest(key, known.iter().map(Field::key)),
    })?;
    let bad = |rule: String| ConfigError::BadValue {
        origin: origin.to_owned(),
        key: key.to_owned(),
        value: text.to_owned(),
        rule,
    };
    let expected = || bad(format!("it must be {}", field.kind));
    // An empty text takes an optional setting back.
    if text.is_empty() && field.is_optional {
        remove(values, &field.path);
        return Ok(());
    }
    let value = match field.kind {
        Kind::Bool => Value::Boolean(text.parse().map_err(|_| expected())?),
        Kind::Whole => {
            let number: u64 = text.parse().map_err(|_| expected())?;
            Value::Integer(i64::try_from(number).map_err(|_| expected())?)
        }
        Kind::Number => Value::Float(text.parse().map_err(|_| expected())?),
        Kind::Text | Kind::OneOf(_) => Value::String(text.to_owned()),
        Kind::List => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Value::Array(items.map(|item| Value::String(item.to_owned())).collect())
        }
    };
    let mut alone = Table::new();
    insert(&mut alone, &field.path, value.clone());
    alone.try_into::<Config>().map_err(|error| match field.kind {
        Kind::OneOf(_) => expected(),
        _ => bad(error.message().to_owned()),
    })?;
    insert(values, &field.path, value);
    Ok(())
}

fn insert(table: &mut Table, path: &[&str], value: Value) {
    match path {
        [] => {}
        [name] => {
            table.insert((*name).to_owned(), value);
        }
        [name, rest @ ..] => {
            let inner = table.entry(*name).or_insert_with(|| Value::Table(Table::new()));
            if let Value::Table(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

fn remove(table: &mut Table, path: &[&str]) {
    match path {
        [] => {}
        [name] => {
            table.remove(*name);
        }
        [name, rest @ ..] => {
            if let Some(Value::Table(inner)) = table.get_mut(*name) {
                remove(inner, rest);
            }
        }
    }
}

/// The most similar name, if one is similar at all. A bare last part counts as its whole key.
fn nearest(given: &str, names: impl Iterator<Item = String>) -> Option<String> {
    let last = |name: &str| name.rsplit('.').next().unwrap_or(name).to_owned();
    let distance = |name: &String| {
        let whole = strsim::levenshtein(given, name);
        // A setting in the wrong section is nearer than a text that merely looks alike.
        if last(given) == last(name) { whole.min(1) } else { whole }
    };
    let (best, name) = names.map(|name| (distance(&name), name)).min()?;
    (best <= given.len().div_ceil(3)).then_some(name)
}
