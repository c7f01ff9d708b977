//! Reads flat dictionaries as Python prints them (`{'category': 'x', 'n': 5, 'b': True}`): some SDKs put them into query
//! strings so.

use serde_json::{Number, Value};

/// The entries of a dictionary whose values are texts, numbers, booleans or `None`; none when it is not one.
pub(super) fn dictionary(text: &str) -> Option<Vec<(String, Value)>> {
    let mut rest = Reader(text.trim());
    rest.take("{")?;
    let mut entries = Vec::new();
    while rest.take("}").is_none() {
        let key = rest.text()?;
        rest.take(":")?;
        let value = rest.value()?;
        entries.push((key, value));
        if rest.take(",").is_none() && !rest.0.starts_with('}') {
            return None;
        }
    }
    rest.0.is_empty().then_some(entries)
}

struct Reader<'a>(&'a str);

impl Reader<'_> {
    fn take(&mut self, token: &str) -> Option<()> {
        self.0 = self.0.strip_prefix(token)?.trim_start();
        Some(())
    }

    fn value(&mut self) -> Option<Value> {
        for (word, value) in
            [("True", Value::Bool(true)), ("False", Value::Bool(false)), ("None", Value::Null)]
        {
            if self.take(word).is_some() {
                return Some(value);
            }
        }
        if self.0.starts_with(['\'', '"']) {
            return self.text().map(Value::String);
        }
        let end = self.0.find([',', '}'])?;
        let (number, rest) = self.0.split_at(end);
        self.0 = rest;
        let number = number.trim();
        let whole = number.parse::<i64>().ok().map(Number::from);
        whole.or_else(|| Number::from_f64(number.parse().ok()?)).map(Value::Number)
    }

    fn text(&mut self) -> Option<String> {
        let quote = self.0.chars().next().filter(|first| matches!(first, '\'' | '"'))?;
        let mut text = String::new();
        let mut letters = self.0[1..].char_indices();
        while let Some((at, letter)) = letters.next() {
            match letter {
                '\\' => text.push(escaped(&mut letters)?),
                end if end == quote => {
                    self.0 = self.0[1 + at + 1..].trim_start();
                    return Some(text);
                }
                other => text.push(other),
            }
        }
        None
    }
}

fn escaped(letters: &mut std::str::CharIndices<'_>) -> Option<char> {
    let digits = match letters.next()?.1 {
        'n' => return Some('\n'),
        't' => return Some('\t'),
        'r' => return Some('\r'),
        'x' => 2,
        'u' => 4,
        'U' => 8,
        other => return Some(other),
    };
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + letters.next()?.1.to_digit(16)?;
    }
    char::from_u32(code)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn quotes_escapes_and_trailing_commas_are_understood() {
        let entries =
            dictionary(r#"{'a': "it's", "b": 'say \'hi\'\n', 'c': -1.5, 'ü': '\xe9\u20ac',}"#).unwrap();
        let values: Vec<_> = entries.into_iter().map(|(_, value)| value).collect();
        assert_eq!(values, [json!("it's"), json!("say 'hi'\n"), json!(-1.5), json!("é€")]);
        assert_eq!(dictionary("{}"), Some(vec![]));
        for broken in ["", "{", "{'a'}", "{'a': }", "{'a': 1} x", "['a']", "{'a': 'x}", "{a: 1}"] {
            assert_eq!(dictionary(broken), None, "{broken}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}", inner in "['\"\\\\{}:,a1xu ]{0,30}") {
            dictionary(&text);
            dictionary(&format!("{{{inner}}}"));
        }
    }
}
