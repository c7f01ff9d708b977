//! How often a key may ask, per class of requests: what the settings say for all, and what is said for one key. Counts
//! nothing.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fault::Fault;

/// What requests cost alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RequestClass {
    /// Searches, of whatever kind.
    Search,
    /// Making a single task.
    CreateTask,
    /// Writing text about videos.
    Generate,
    /// Embeddings.
    Embed,
    /// Everything else.
    Other,
}

/// How many requests a key may make; what is not set has no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct RateLimits {
    /// Searches a minute and key (default: no limit).
    pub search_per_minute: Option<u32>,
    /// Searches a day (UTC) and key (default: no limit). Counts begin anew when the server starts.
    pub search_per_day: Option<u32>,
    /// Single tasks a minute and key (default: no limit).
    pub create_task_per_minute: Option<u32>,
    /// Single tasks a day and key (default: no limit).
    pub create_task_per_day: Option<u32>,
    /// Requests for texts a minute and key (default: no limit).
    pub generate_per_minute: Option<u32>,
    /// Requests for texts a day and key (default: no limit).
    pub generate_per_day: Option<u32>,
    /// Requests for embeddings a minute and key (default: no limit).
    pub embed_per_minute: Option<u32>,
    /// Requests for embeddings a day and key (default: no limit).
    pub embed_per_day: Option<u32>,
    /// All other requests a minute and key (default: no limit).
    pub other_per_minute: Option<u32>,
    /// All other requests a day and key (default: no limit).
    pub other_per_day: Option<u32>,
}

impl RateLimits {
    /// A minute and a day of a class.
    pub fn of(&self, class: RequestClass) -> (Option<u32>, Option<u32>) {
        match class {
            RequestClass::Search => (self.search_per_minute, self.search_per_day),
            RequestClass::CreateTask => (self.create_task_per_minute, self.create_task_per_day),
            RequestClass::Generate => (self.generate_per_minute, self.generate_per_day),
            RequestClass::Embed => (self.embed_per_minute, self.embed_per_day),
            RequestClass::Other => (self.other_per_minute, self.other_per_day),
        }
    }

    /// What is said here, and what `others` say where nothing is.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            search_per_minute: self.search_per_minute.or(others.search_per_minute),
            search_per_day: self.search_per_day.or(others.search_per_day),
            create_task_per_minute: self.create_task_per_minute.or(others.create_task_per_minute),
            create_task_per_day: self.create_task_per_day.or(others.create_task_per_day),
            generate_per_minute: self.generate_per_minute.or(others.generate_per_minute),
            generate_per_day: self.generate_per_day.or(others.generate_per_day),
            embed_per_minute: self.embed_per_minute.or(others.embed_per_minute),
            embed_per_day: self.embed_per_day.or(others.embed_per_day),
            other_per_minute: self.other_per_minute.or(others.other_per_minute),
            other_per_day: self.other_per_day.or(others.other_per_day),
        }
    }

    /// Reads limits from JSON.
    ///
    /// # Errors
    /// `parameter_invalid`, for names that are none and numbers that are no whole ones.
    pub fn from_json(value: &serde_json::Value) -> Result<Self, Fault> {
        Self::deserialize(value).map_err(|error| {
            Fault::parameter("The parameter rate_limits is not an object of limits.")
                .value(error.to_string().chars().take(200).collect::<String>())
                .rule("search, create_task, generate, embed or other, each with _per_minute or _per_day, a whole number")
        })
    }
}

/// One limit, such as `search=3000/day`.
impl FromStr for RateLimits {
    type Err = Fault;

    fn from_str(text: &str) -> Result<Self, Fault> {
        let refuse = || {
            Fault::parameter("This is not a rate limit.")
                .value(text.chars().take(60).collect::<String>())
                .rule("CLASS=NUMBER/minute or CLASS=NUMBER/day; classes: search, create_task, generate, embed, other")
        };
        let (class, rate) = text.split_once('=').ok_or_else(refuse)?;
        let (number, per) = rate.split_once('/').ok_or_else(refuse)?;
        let number: u32 = number.trim().parse().map_err(|_| refuse())?;
        let mut limit = serde_json::Map::new();
        limit.insert(format!("{}_per_{}", class.trim(), per.trim()), number.into());
        Self::from_json(&limit.into()).map_err(|_| refuse())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_and_those_of_a_key_win() {
        let key: RateLimits = "search=30/minute".parse().unwrap();
        let all =
            RateLimits { search_per_minute: Some(5), search_per_day: Some(100), ..RateLimits::default() };
        assert_eq!(key.or(all).of(RequestClass::Search), (Some(30), Some(100)));
        assert_eq!(key.or(all).of(RequestClass::Embed), (None, None));
        for wrong in ["search", "search=x/day", "search=1/hour", "find=1/day", "search=-1/day", ""] {
            assert!(wrong.parse::<RateLimits>().is_err(), "{wrong}");
        }
    }
}
