//! Query strings as SDKs really send them: ranges in brackets, camel case, repeated and comma-separated lists, objects
//! that were never serialized (ignored), dictionaries as Python prints them.

use std::convert::Infallible;
use std::str::FromStr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde_json::Value;

use super::params::{parse_flag, parse_id, pick};
use super::python_repr;
use crate::fault::Fault;
use crate::ids::MalformedId;
use crate::store::{MetaTest, Paging, SortBy, Within};
use crate::time::Timestamp;

/// Rows on a page unless a client asks for another number.
const PAGE_LIMIT: u64 = 10;
/// Most rows on a page.
pub(super) const MAX_PAGE_LIMIT: u64 = 50;
/// What JavaScript makes of an object that nobody serialized.
const UNSERIALIZED: &str = "[object Object]";

/// The parameters in a query string, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// Reads a query string. Empty values and unserialized objects count as not given.
    pub fn parse(query: &str) -> Self {
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let given = pairs.filter(|(_, value)| !value.is_empty() && value != UNSERIALIZED);
        Self(given.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first value of this name, also in camel case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values(name).next()
    }

    fn values<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = &'a str> + use<'a, 'n> {
        let camel = camel_case(name);
        self.0
            .iter()
            .filter(move |(given, _)| given == name || *given == camel)
            .map(|(_, value)| value.as_str())
    }

    /// All values of a name, each as it is: a comma may belong to it.
    pub fn each(&self, name: &str) -> Vec<&str> {
        self.values(name).collect()
    }

    /// A whole number from zero.
    pub fn whole(&self, name: &str) -> Result<Option<u64>, Fault> {
        self.count(name, 0, u64::MAX >> 1)
    }

    /// All values of these names: repeated, separated by commas, or both.
    pub fn all(&self, names: &[&str]) -> Vec<&str> {
        let values = names.iter().flat_map(|name| self.values(name).collect::<Vec<_>>());
        values.flat_map(|value| value.split(',')).map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// An id.
    pub fn id<T: FromStr<Err = MalformedId>>(&self, name: &str) -> Result<Option<T>, Fault> {
        self.get(name).map(|text| parse_id(name, text)).transpose()
    }

    /// `true` or `false`.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let malformed = || Fault::parameter(format!("The {name} parameter must be `true` or `false`."));
        parse_flag(text).map(Some).ok_or_else(|| malformed().value(cut(text)))
    }

    /// Seconds; what is not a number counts as not given, for some SDKs send objects.
    pub fn tolerant_seconds(&self, name: &str) -> Option<f64> {
        self.get(name)?.parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
    }

    /// Which page, and how it is sorted.
    pub fn paging(&self) -> Result<Paging, Fault> {
        let page = self.count("page", 1, u64::from(u32::MAX))?.unwrap_or(1);
        let limit = self.count("page_limit", 1, MAX_PAGE_LIMIT)?.unwrap_or(PAGE_LIMIT);
        let sort_by = [("created_at", SortBy::CreatedAt), ("updated_at", SortBy::UpdatedAt)];
        let sort_by = self.get("sort_by").map(|word| pick("sort_by", word, &sort_by)).transpose()?;
        let directions = [("asc", false), ("desc", true)];
        let descending =
            self.get("sort_option").map(|word| pick("sort_option", word, &directions)).transpose()?;
        Ok(Paging {
            page,
            limit,
            sort_by: sort_by.unwrap_or(SortBy::CreatedAt),
            descending: descending.unwrap_or(true),
        })
    }

    /// Rows of a page whose number is not asked for.
    pub fn page_limit(&self, max: u64) -> Result<u64, Fault> {
        Ok(self.count("page_limit", 1, max)?.unwrap_or(PAGE_LIMIT))
    }

    /// A moment.
    pub fn moment(&self, name: &str) -> Result<Option<Timestamp>, Fault> {
        Ok(self.times(name)?.min)
    }

    fn count(&self, name: &str, min: u64, max: u64) -> Result<Option<u64>, Fault> {
        let Some(text) = self.get(name) else { return Ok(None) };
        let count = text.trim().parse().ok().filter(|count| (min..=max).contains(count));
        count.map(Some).ok_or_else(|| {
            Fault::parameter(format!("The {name} parameter is out of range."))
                .value(cut(text))
                .rule(format!("a whole number from {min} to {max}"))
        })
    }

    /// A number that must be equal (`width=640`), or a range (`width[gte]=640&width[lte]=1920`).
    pub fn numbers(&self, name: &str) -> Result<Within<f64>, Fault> {
        let number = |text: &str| {
            let number = text.trim().parse().ok().filter(|number: &f64| number.is_finite());
            number.ok_or_else(|| {
                Fault::parameter(format!("The {name} parameter must be a number.")).value(cut(text))
            })
        };
        let exact = self.get(name).map(number).transpose()?;
        let min = self.get(&format!("{name}[gte]")).map(number).transpose()?;
        let max = self.get(&format!("{name}[lte]")).map(number).transpose()?;
        Ok(Within { min: exact.or(min), max: exact.or(max) })
    }

    /// Moments: a plain one means from then on; `[gte]` and `[lte]` bound on both sides.
    pub fn times(&self, name: &str) -> Result<Within<Timestamp>, Fault> {
        let moment = |text: &str| {
            text.parse().map_err(|_| {
                Fault::parameter(format!("The {name} parameter must be a moment."))
                    .value(cut(text))
                    .rule("RFC 3339, such as 2024-03-01T09:15:02Z")
            })
        };
        let plain = self.get(name).map(moment).transpose()?;
        let min = self.get(&format!("{name}[gte]")).map(moment).transpose()?;
        let max = self.get(&format!("{name}[lte]")).map(moment).transpose()?;
        Ok(Within { min: plain.or(min), max })
    }

    /// Tests of the user's own fields: every parameter that is not among the `known` ones, and what lies in `metadata`
    /// or `user_metadata`, as JSON, as Python prints it, or in brackets.
    pub fn metadata(&self, known: &[&str]) -> Result<Vec<(String, MetaTest)>, Fault> {
        let mut tests = Vec::new();
        for (name, value) in &self.0 {
            let (base, bracket) = split_bracket(name);
            match (base, bracket) {
                ("metadata" | "user_metadata" | "userMetadata", None) => {
                    tests.extend(dictionary(base, value)?);
                }
                ("metadata" | "user_metadata" | "userMetadata", Some(field)) => {
                    tests.push((field.to_owned(), MetaTest::Equals(value.as_str().into())));
                }
                _ if known.iter().any(|known| *known == base || camel_case(known) == base) => {}
                (_, None) => tests.push((base.to_owned(), MetaTest::Equals(value.as_str().into()))),
                (_, Some(end)) => tests.push((base.to_owned(), bound(name, end, value)?)),
            }
        }
        Ok(tests)
    }
}

fn bound(name: &str, end: &str, value: &str) -> Result<MetaTest, Fault> {
    let number: Option<f64> = value.trim().parse().ok().filter(|number: &f64| number.is_finite());
    match (end, number) {
        ("gte", Some(min)) => Ok(MetaTest::Within(Within { min: Some(min), max: None })),
        ("lte", Some(max)) => Ok(MetaTest::Within(Within { min: None, max: Some(max) })),
        _ => Err(Fault::parameter(format!("The {name} parameter is not a filter."))
            .value(cut(value))
            .rule("field=value, field[gte]=number or field[lte]=number")),
    }
}

fn dictionary(name: &str, text: &str) -> Result<Vec<(String, MetaTest)>, Fault> {
    let fields = match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(fields)) => Some(fields.into_iter().collect()),
        _ => python_repr::dictionary(text),
    };
    let Some(fields) = fields else {
        let fault = Fault::parameter(format!("The {name} parameter must be an object."));
        return Err(fault.value(cut(text)).rule("JSON, such as {\"category\": \"harbour\"}"));
    };
    let given = fields.into_iter().filter(|(_, value): &(String, Value)| !value.is_null());
    Ok(given.map(|(field, value)| (field, MetaTest::Equals(value))).collect())
}

/// `created_at[gte]` → (`created_at`, `gte`).
fn split_bracket(name: &str) -> (&str, Option<&str>) {
    match name.strip_suffix(']').and_then(|open| open.split_once('[')) {
        Some((base, inner)) => (base, Some(inner)),
        None => (name, None),
    }
}

fn camel_case(name: &str) -> String {
    let mut camel = String::with_capacity(name.len());
    let mut after_underscore = false;
    for letter in name.chars() {
        if letter == '_' && !camel.is_empty() {
            after_underscore = true;
        } else if std::mem::take(&mut after_underscore) {
            camel.push(letter.to_ascii_uppercase());
        } else {
            camel.push(letter);
        }
    }
    camel
}

fn cut(text: &str) -> String {
    text.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn moment(text: &str) -> Option<Timestamp> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn pages_are_ten_rows_newest_first_and_at_most_fifty() {
        let paging = Query::parse("").paging().unwrap();
        assert_eq!((paging.page, paging.limit, paging.descending), (1, 10, true));
        assert_eq!(Query::parse("page_limit=50&pageLimit=50").paging().unwrap().limit, 50);
        for bad in ["page=0", "page_limit=0", "page_limit=51", "page=x", "sort_by=name", "sort_option=up"] {
            assert!(Query::parse(bad).paging().is_err(), "{bad}");
        }
    }

    #[test]
    fn dates_come_plain_in_brackets_and_in_camel_case() {
        let (from, to) = (moment("2024-03-01"), moment("2024-03-02T00:00:00Z"));
        let times = |query| Query::parse(query).times("created_at").unwrap();
        assert_eq!(times("created_at=2024-03-01"), Within { min: from, max: None });
        let both = Within { min: from, max: to };
        assert_eq!(times("created_at[gte]=2024-03-01&created_at[lte]=2024-03-02"), both);
        assert_eq!(times("createdAt%5Bgte%5D=2024-03-01&createdAt%5Blte%5D=2024-03-02T00:00:00Z"), both);
        assert_eq!(times("created_at=[object Object]"), Within::default());
    }

    #[test]
    fn lists_come_repeated_and_with_commas() {
        let query = Query::parse("status=ready&status=failed,queued&status=");
        assert_eq!(query.all(&["status"]), ["ready", "failed", "queued"]);
    }

    #[test]
    fn metadata_is_understood_in_every_encoding_that_sdks_use() {
        let text = |value: &str| MetaTest::Equals(value.into());
        let table = [
            ("category=x&n=5&page=2", vec![("category", text("x")), ("n", text("5"))]),
            ("metadata=%7B%27category%27%3A+%27x%27%7D", vec![("category", text("x"))]),
            (
                "user_metadata={'category': 'x', 'n': 5, 'b': True, 'none': None}",
                vec![
                    ("category", text("x")),
                    ("n", MetaTest::Equals(json!(5))),
                    ("b", MetaTest::Equals(json!(true))),
                ],
            ),
            ("user_metadata={\"category\":\"x\"}", vec![("category", text("x"))]),
            ("user_metadata[category]=x", vec![("category", text("x"))]),
            ("metadata=[object Object]", vec![]),
            ("rating[gte]=3", vec![("rating", MetaTest::Within(Within { min: Some(3.0), max: None }))]),
        ];
        for (query, expected) in table {
            let found = Query::parse(query).metadata(&["page"]).unwrap();
            let expected: Vec<_> = expected.into_iter().map(|(name, test)| (name.to_owned(), test)).collect();
            assert_eq!(found, expected, "{query}");
        }
        assert!(Query::parse("metadata=x").metadata(&[]).is_err());
    }

    #[test]
    fn what_is_not_a_time_is_as_if_it_were_not_given() {
        assert_eq!(Query::parse("time=[object Object]").tolerant_seconds("time"), None);
        assert_eq!(Query::parse("time=later").tolerant_seconds("time"), None);
        assert_eq!(Query::parse("time=1.5").tolerant_seconds("time"), Some(1.5));
    }
}
