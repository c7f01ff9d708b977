//! A schema as a grammar in llama.cpp's notation (GBNF), so that a model can write nothing else.

use std::fmt::Write as _;

use serde_json::Value;

use super::schema::{MAX_REPEAT, Node, Schema};

/// What every JSON grammar needs. Between parts one space is allowed: models write it, and nothing may run on for ever.
const BASICS: &str = r#"ws ::= " "?
char ::= [^"\\\x7F\x00-\x1F] | "\\" (["\\/bfnrt] | "u" [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F] [0-9a-fA-F])
text ::= "\"" char* "\""
integer ::= "-"? ("0" | [1-9] [0-9]{0,15})
number ::= integer ("." [0-9]{1,15})? ([eE] [-+]? [0-9]{1,3})?
bool ::= "true" | "false"
nothing ::= "null"
value ::= text | number | bool | nothing | list | object
list ::= "[" ws (value ("," ws value)*)? ws "]"
object ::= "{" ws (text ":" ws value ("," ws text ":" ws value)*)? ws "}"
"#;

/// The grammar; its first rule is `root`.
pub(super) fn of(schema: &Schema) -> String {
    let mut writer = GrammarWriter { schema, rules: String::new(), next: 0 };
    let root = writer.expression(&schema.root);
    for (number, node) in schema.defs.values().enumerate() {
        let body = writer.expression(node);
        // Writing to a string cannot fail.
        let _ = writeln!(writer.rules, "def{number} ::= {body}");
    }
    format!("root ::= {root}\n{}{BASICS}", writer.rules)
}

struct GrammarWriter<'a> {
    schema: &'a Schema,
    rules: String,
    next: usize,
}

impl GrammarWriter<'_> {
    /// A rule of its own, so that expressions stay short.
    fn rule(&mut self, node: &Node) -> String {
        let body = self.expression(node);
        let name = format!("r{}", self.next);
        self.next += 1;
        let _ = writeln!(self.rules, "{name} ::= {body}");
        name
    }

    fn expression(&mut self, node: &Node) -> String {
        match node {
            Node::Any => "value".to_owned(),
            Node::Bool => "bool".to_owned(),
            Node::Null => "nothing".to_owned(),
            Node::Number { is_integer: true, .. } => "integer".to_owned(),
            Node::Number { .. } => "number".to_owned(),
            Node::Text { min: 0, max: None } => "text".to_owned(),
            Node::Text { min, max } => format!("\"\\\"\" {} \"\\\"\"", repeated("char", *min, *max)),
            Node::OneOf(values) => values.iter().map(literal).collect::<Vec<_>>().join(" | "),
            Node::AnyOf(options) => {
                options.iter().map(|option| self.rule(option)).collect::<Vec<_>>().join(" | ")
            }
            Node::Ref(name) => {
                let number = self.schema.defs.keys().position(|known| known == name);
                format!("def{}", number.unwrap_or_default())
            }
            Node::List { items, min, max } => self.list(items, *min, *max),
            Node::Object { fields } => self.object(fields),
        }
    }

    fn list(&mut self, items: &Node, min: u64, max: Option<u64>) -> String {
        if max == Some(0) {
            return "\"[]\"".to_owned();
        }
        let item = self.rule(items);
        let more = repeated(&format!("(\",\" ws {item})"), min.saturating_sub(1), max.map(|max| max - 1));
        let some = format!("{item} {more}");
        if min == 0 { format!("\"[\" ws ({some})? ws \"]\"") } else { format!("\"[\" ws {some} ws \"]\"") }
    }

    /// Fields in their order, the required ones first, so that a comma is never left over.
    fn object(&mut self, fields: &[(String, Node, bool)]) -> String {
        let pairs: Vec<String> = fields
            .iter()
            .map(|(name, node, _)| {
                let value = self.rule(node);
                format!("{} \":\" ws {value}", literal(&Value::from(name.as_str())))
            })
            .collect();
        let required = fields.iter().filter(|(_, _, is_required)| *is_required).count();
        let inner = if required > 0 {
            let must = pairs[..required].join(" \",\" ws ");
            let may: String = pairs[required..].iter().map(|pair| format!(" (\",\" ws {pair})?")).collect();
            format!("{must}{may}")
        } else {
            let from = |first: usize| {
                let rest: String =
                    pairs[first + 1..].iter().map(|pair| format!(" (\",\" ws {pair})?")).collect();
                format!("{}{rest}", pairs[first])
            };
            let starts: Vec<String> = (0..pairs.len()).map(from).collect();
            if starts.is_empty() { String::new() } else { format!("({})?", starts.join(" | ")) }
        };
        format!("\"{{\" ws {inner} ws \"}}\"")
    }
}

/// `x{min,max}`; very long ones are only checked afterwards, for they make a grammar slow.
fn repeated(what: &str, min: u64, max: Option<u64>) -> String {
    let min = min.min(MAX_REPEAT);
    match max.filter(|max| *max <= MAX_REPEAT) {
        Some(max) => format!("{what}{{{min},{}}}", max.max(min)),
        None if min == 0 => format!("{what}*"),
        None => format!("{what}{{{min},}}"),
    }
}

/// A value as JSON writes it, as a literal of the grammar.
fn literal(value: &Value) -> String {
    format!("\"{}\"", value.to_string().replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn rules(schema: Value) -> Vec<String> {
        let grammar = Schema::parse(&schema).unwrap().grammar();
        let own = grammar.strip_suffix(BASICS).unwrap();
        own.lines().map(str::to_owned).collect()
    }

    #[test]
    fn every_kind_of_schema_has_its_rule() {
        let table = [
            (json!({ "type": "string" }), "root ::= text"),
            (json!({ "type": "string", "maxLength": 9 }), r#"root ::= "\"" char{0,9} "\"""#),
            (json!({ "type": "integer" }), "root ::= integer"),
            (json!({}), "root ::= value"),
            (json!({ "enum": ["a\"b", 1, null] }), r#"root ::= "\"a\\\"b\"" | "1" | "null""#),
            (json!({ "type": "object" }), r#"root ::= "{" ws  ws "}""#),
        ];
        for (schema, rule) in table {
            assert_eq!(rules(schema.clone()), [rule], "{schema}");
        }
    }

    #[test]
    fn required_fields_come_first_and_commas_never_stand_alone() {
        let fields = json!({ "a": { "type": "null" }, "b": { "type": "boolean" } });
        let with = |required: Value| {
            rules(json!({ "type": "object", "properties": fields, "required": required })).remove(0)
        };
        assert_eq!(
            with(json!(["b"])),
            r#"root ::= "{" ws "\"b\"" ":" ws r0 ("," ws "\"a\"" ":" ws r1)? ws "}""#
        );
        assert_eq!(
            with(json!([])),
            r#"root ::= "{" ws ("\"a\"" ":" ws r0 ("," ws "\"b\"" ":" ws r1)? | "\"b\"" ":" ws r1)? ws "}""#
        );
    }

    #[test]
    fn lists_have_their_bounds_and_definitions_may_recur() {
        assert_eq!(
            rules(json!({ "type": "array", "items": { "type": "string" }, "minItems": 1, "maxItems": 3 })),
            [r#"root ::= "[" ws r0 ("," ws r0){0,2} ws "]""#, "r0 ::= text"]
        );
        let tree = json!({
            "$ref": "#/$defs/tree",
            "$defs": { "tree": { "type": "array", "items": { "$ref": "#/$defs/tree" } } },
        });
        assert_eq!(
            rules(tree),
            ["root ::= def0", "r0 ::= def0", r#"def0 ::= "[" ws (r0 ("," ws r0)*)? ws "]""#]
        );
    }
}
