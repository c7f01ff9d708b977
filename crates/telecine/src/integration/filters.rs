//! Which objects of a bucket are taken for videos to index: what users set, checked and ready to be asked. Pure.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::decision::Decision;
use super::glob::Glob;
use crate::fault::Fault;
use crate::source::ObjectInfo;
use crate::time::Timestamp;

/// Entries of a list, at most.
const MAX_ENTRIES: usize = 100;
/// Bytes of the name of a storage class, at most.
const MAX_CLASS_BYTES: usize = 64;

/// Which objects of a bucket are taken for videos to index. An empty filter takes every video.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Filters {
    /// Globs over keys, one of which must match; none for all. `*` stays within a folder, `**` does not.
    pub include: Vec<String>,
    /// Globs over keys, none of which may match.
    pub exclude: Vec<String>,
    /// At least so many bytes.
    pub min_bytes: Option<u64>,
    /// At most so many bytes.
    pub max_bytes: Option<u64>,
    /// Written at this moment or later.
    pub modified_after: Option<Timestamp>,
    /// Written before this moment.
    pub modified_before: Option<Timestamp>,
    /// Storage classes, such as `STANDARD`; none for all.
    pub storage_classes: Vec<String>,
}

impl Filters {
    /// Whether every part of it can be understood, and something can pass.
    ///
    /// # Errors
    /// `parameter_invalid`, naming the part.
    pub fn check(&self) -> Result<(), Fault> {
        self.rules().map(drop)
    }

    /// Ready to be asked.
    ///
    /// # Errors
    /// As [`Filters::check`].
    pub fn rules(&self) -> Result<Rules, Fault> {
        if let (Some(min), Some(max)) = (self.min_bytes, self.max_bytes)
            && min > max
        {
            return Err(nothing_passes("min_bytes", "max_bytes").value(format!("{min} and {max}")));
        }
        if let (Some(after), Some(before)) = (self.modified_after, self.modified_before)
            && after >= before
        {
            let value = format!("{after} and {before}");
            return Err(nothing_passes("modified_after", "modified_before").value(value));
        }
        check_entries("storage_classes", &self.storage_classes)?;
        let is_class = |class: &&String| {
            let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
            (1..=MAX_CLASS_BYTES).contains(&class.len()) && class.bytes().all(is_letter)
        };
        if let Some(class) = self.storage_classes.iter().find(|class| !is_class(class)) {
            let rule = "letters, digits, `_` and `-`, such as STANDARD";
            let message = "The filter `storage_classes` names what is no storage class.";
            return Err(Fault::parameter(message).value(class).rule(rule));
        }
        Ok(Rules {
            include: globs("include", &self.include)?,
            exclude: globs("exclude", &self.exclude)?,
            bounds: Self { include: Vec::new(), exclude: Vec::new(), ..self.clone() },
        })
    }

    /// Whether it lets everything pass.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// Filters whose globs were understood.
#[derive(Debug, Clone)]
pub struct Rules {
    include: Vec<Glob>,
    exclude: Vec<Glob>,
    /// All but the globs.
    bounds: Filters,
}

impl Rules {
    /// The globs of `include` as regular expressions.
    pub fn include_patterns(&self) -> impl Iterator<Item = &str> {
        self.include.iter().map(Glob::pattern)
    }

    /// The globs of `exclude` as regular expressions.
    pub fn exclude_patterns(&self) -> impl Iterator<Item = &str> {
        self.exclude.iter().map(Glob::pattern)
    }

    /// All but the globs.
    pub fn bounds(&self) -> &Filters {
        &self.bounds
    }

    /// Why an object does not pass, if it does not.
    pub(super) fn refusal(&self, object: &ObjectInfo) -> Option<Decision> {
        let Filters { min_bytes, max_bytes, modified_after, modified_before, storage_classes, .. } =
            &self.bounds;
        let matches = |glob: &Glob| glob.matches(&object.key);
        let modified = object.modified_at;
        let classes = storage_classes;
        let class = effective_class(&object.storage_class);
        let refusals = [
            (!self.include.is_empty() && !self.include.iter().any(matches), Decision::NotIncluded),
            (self.exclude.iter().any(matches), Decision::Excluded),
            (min_bytes.is_some_and(|min| object.size_bytes < min), Decision::BelowMinBytes),
            (max_bytes.is_some_and(|max| object.size_bytes > max), Decision::AboveMaxBytes),
            (modified_after.is_some_and(|after| modified.is_some_and(|at| at < after)), Decision::TooOld),
            (modified_before.is_some_and(|before| modified.is_some_and(|at| at >= before)), Decision::TooNew),
            (!classes.is_empty() && !classes.iter().any(|known| known == class), Decision::OtherStorageClass),
        ];
        refusals.into_iter().find(|(holds, _)| *holds).map(|(_, refusal)| refusal)
    }
}

/// A store that tells no class has but one.
pub(crate) fn effective_class(told: &str) -> &str {
    if told.is_empty() { "STANDARD" } else { told }
}

fn globs(name: &str, globs: &[String]) -> Result<Vec<Glob>, Fault> {
    check_entries(name, globs)?;
    let parse = |glob: &String| {
        Glob::parse(glob).map_err(|wrong| {
            Fault::parameter(format!("The filter `{name}` has a glob that cannot be understood: {wrong}."))
                .value(glob.chars().take(120).collect::<String>())
                .rule(
                    "`*` and `?` stay within a folder, `**` does not; `[a-z]`, `{mp4,mov}`, `\\*` for a star",
                )
        })
    };
    globs.iter().map(parse).collect()
}

fn check_entries(name: &str, entries: &[String]) -> Result<(), Fault> {
    if entries.len() <= MAX_ENTRIES {
        return Ok(());
    }
    let message = format!("The filter `{name}` has more than {MAX_ENTRIES} entries.");
    Err(Fault::parameter(message).value(entries.len().to_string()))
}

fn nothing_passes(low: &str, high: &str) -> Fault {
    Fault::parameter(format!("The filters `{low}` and `{high}` let nothing pass."))
        .rule(format!("{low} < {high}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_cannot_be_understood_is_told_by_its_name() {
        let with = |set: fn(&mut Filters)| {
            let mut filters = Filters::default();
            set(&mut filters);
            filters.check().expect_err("it is wrong").message
        };
        assert!(with(|f| f.include = vec!["[a".to_owned()]).contains("`include`"));
        assert!(with(|f| f.exclude = vec!["x".to_owned(); 101]).contains("`exclude`"));
        assert!(with(|f| (f.min_bytes, f.max_bytes) = (Some(2), Some(1))).contains("`min_bytes`"));
        assert!(with(|f| f.storage_classes = vec!["a b".to_owned()]).contains("`storage_classes`"));
        let moment = || Some("2024-01-01".parse().unwrap());
        let none = Filters { modified_after: moment(), modified_before: moment(), ..Filters::default() };
        assert!(none.check().unwrap_err().message.contains("`modified_after`"));
        assert!(Filters::default().check().is_ok() && Filters::default().is_empty());
    }
}
