//! Globs over keys, as regular expressions: the same ones decide here and in the database. Pure.

use std::fmt::Write as _;

use regex::Regex;

/// Bytes of a glob, at most.
const MAX_BYTES: usize = 1024;
/// Alternatives within alternatives, at most.
const MAX_DEPTH: usize = 4;

/// A glob that was understood.
#[derive(Debug, Clone)]
pub struct Glob {
    pattern: String,
    regex: Regex,
}

impl Glob {
    /// `*` and `?` stay within a folder, `**` does not; `[a-z]`, `[!a-z]`, `{mp4,mov}`; a backslash takes the next
    /// character as it is.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(glob: &str) -> Result<Self, String> {
        if glob.len() > MAX_BYTES {
            return Err(format!("it has more than {MAX_BYTES} bytes"));
        }
        let pattern = Translation::of(glob)?;
        // A bound on the program's size is the default of the crate.
        let regex = Regex::new(&pattern).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "it is too large".to_owned(),
            _ => "it has a range of characters that is none".to_owned(),
        })?;
        Ok(Self { pattern, regex })
    }

    /// Whether a key is one of those.
    pub fn matches(&self, key: &str) -> bool {
        self.regex.is_match(key)
    }

    /// The regular expression.
    pub fn pattern(&self) -> &str {
        &self.pattern
    }
}

struct Translation<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    regex: String,
    /// For each `{` that is open, whether a folder's name begins there.
    open: Vec<bool>,
    /// Whether a folder's name begins here.
    at_start: bool,
}

impl<'a> Translation<'a> {
    fn of(glob: &'a str) -> Result<String, String> {
        let mut translation = Self {
            rest: glob.chars().peekable(),
            regex: r"(?s)\A".to_owned(),
            open: Vec::new(),
            at_start: true,
        };
        while let Some(next) = translation.rest.next() {
            translation.take(next)?;
        }
        if !translation.open.is_empty() {
            return Err("a `{` is not closed".to_owned());
        }
        Ok(translation.regex + r"\z")
    }

    fn take(&mut self, next: char) -> Result<(), String> {
        let was_start = std::mem::replace(&mut self.at_start, next == '/');
        match next {
            '*' if self.rest.next_if_eq(&'*').is_some() => {
                // `**/` stands for any folders, also none.
                if was_start && self.rest.next_if_eq(&'/').is_some() {
                    self.regex.push_str("(?:.*/)?");
                    self.at_start = true;
                } else {
                    self.regex.push_str(".*");
                }
            }
            '*' => self.regex.push_str("[^/]*"),
            '?' => self.regex.push_str("[^/]"),
            '[' => self.class()?,
            '{' if self.open.len() == MAX_DEPTH => return Err("its `{` lie too deep".to_owned()),
            '{' => {
                self.open.push(was_start);
                self.regex.push_str("(?:");
                self.at_start = was_start;
            }
            ',' if !self.open.is_empty() => {
                self.regex.push('|');
                self.at_start = self.open.last().is_some_and(|start| *start);
            }
            '}' if self.open.pop().is_some() => self.regex.push(')'),
            '\\' => {
                let next = self.rest.next().ok_or("it ends with a backslash")?;
                self.literal(next);
            }
            other => self.literal(other),
        }
        Ok(())
    }

    fn class(&mut self) -> Result<(), String> {
        let not_closed = || "a `[` is not closed".to_owned();
        self.regex.push('[');
        if self.rest.next_if(|c| matches!(c, '!' | '^')).is_some() {
            self.regex.push_str("^/");
        }
        let mut is_first = true;
        loop {
            let mut next = self.rest.next().ok_or_else(not_closed)?;
            match next {
                // First, it is one of the characters.
                ']' if !is_first => break,
                '-' if !is_first && self.rest.peek() != Some(&']') => {
                    self.regex.push('-');
                    continue;
                }
                '\\' => next = self.rest.next().ok_or_else(not_closed)?,
                _ => {}
            }
            is_first = false;
            self.literal(next);
        }
        self.regex.push(']');
        Ok(())
    }

    /// By its number: whatever it is, it means nothing else, inside of brackets and outside.
    fn literal(&mut self, c: char) {
        // Writing to a text does not fail.
        let _ = write!(self.regex, r"\x{{{:x}}}", u32::from(c));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn globs_match_what_people_mean() {
        let table = [
            ("*.mp4", "a.mp4", true),
            ("*.mp4", "a/b.mp4", false),
            ("**/*.mp4", "b.mp4", true),
            ("**/*.mp4", "a/b/c.mp4", true),
            ("**.mp4", "a/b/c.mp4", true),
            ("2024/**", "2024/a/b", true),
            ("2024/**", "2025/a", false),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("a/**/b", "ab", false),
            ("?.mp4", "\u{1f3ac}.mp4", true),
            ("?.mp4", "/.mp4", false),
            ("[a-c].mp4", "b.mp4", true),
            ("[!a-c].mp4", "b.mp4", false),
            ("a[!b]c", "a/c", false),
            ("[]-]", "]", true),
            ("[]-]", "-", true),
            ("*.{mp4,m{ov,kv}}", "a.mkv", true),
            ("*.{mp4,mov}", "a.mp4,mov", false),
            ("{**/,}a", "x/a", true),
            ("{x,**/a}", "a", true),
            (r"a\*b", "a*b", true),
            (r"a\*b", "axb", false),
            ("a,b}", "a,b}", true),
            ("line\nbreak*", "line\nbreak.mp4", true),
            ("*", "line\nbreak", true),
            ("a//b", "a//b", true),
            ("a.mp4", "A.mp4", false),
            ("", "", true),
        ];
        for (glob, key, expected) in table {
            let glob_of = Glob::parse(glob).unwrap_or_else(|error| panic!("{glob}: {error}"));
            assert_eq!(glob_of.matches(key), expected, "{glob} on {key:?}: {}", glob_of.pattern());
        }
        for glob in ["[a", "{a", "a\\", "{{{{{a}}}}}", "[z-a]", &"x".repeat(MAX_BYTES + 1)] {
            assert!(Glob::parse(glob).is_err(), "{glob}");
        }
    }

    proptest! {
        #[test]
        fn every_key_is_matched_by_itself_taken_as_it_is(key in any::<String>(), other in any::<String>()) {
            let escaped: String = key.chars().flat_map(|c| ['\\', c]).collect();
            prop_assume!(escaped.len() <= MAX_BYTES);
            let glob = Glob::parse(&escaped).unwrap();
            prop_assert!(glob.matches(&key));
            prop_assert_eq!(glob.matches(&other), key == other);
        }
    }
}
