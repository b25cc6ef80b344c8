//! Values as YAML that people read, and that reads back as the same values.

use windlass_model::{Map, Value};

use super::scalar;

/// A value in block style, with a line break behind it.
#[must_use]
pub fn to_yaml(value: &Value) -> String {
    let mut text = String::new();
    write(value, 0, &mut text);
    text
}

fn write(value: &Value, depth: usize, to: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => entries(map, depth, false, to),
        Value::Array(list) if !list.is_empty() => {
            for item in list {
                indent(depth, to);
                to.push('-');
                match item {
                    Value::Object(map) if !map.is_empty() => {
                        to.push(' ');
                        entries(map, depth.saturating_add(1), true, to);
                    }
                    Value::Array(inner) if !inner.is_empty() => {
                        to.push('\n');
                        write(item, depth.saturating_add(1), to);
                    }
                    plain => inline(plain, depth.saturating_add(1), to),
                }
            }
        }
        plain => {
            let at = to.len();
            inline(plain, depth, to);
            // At the top there is no key that it stands behind.
            if to.get(at..).is_some_and(|text| text.starts_with(' ')) {
                to.remove(at);
            }
        }
    }
}

fn entries(map: &Map, depth: usize, mut is_begun: bool, to: &mut String) {
    for (key, value) in map {
        if !std::mem::take(&mut is_begun) {
            indent(depth, to);
        }
        to.push_str(&scalar_text(key));
        to.push(':');
        match value {
            Value::Object(inner) if !inner.is_empty() => {
                to.push('\n');
                write(value, depth.saturating_add(1), to);
            }
            Value::Array(inner) if !inner.is_empty() => {
                to.push('\n');
                write(value, depth, to);
            }
            plain => inline(plain, depth.saturating_add(1), to),
        }
    }
}

/// What stands behind a key or a dash, on the same line or as a block of text below it.
fn inline(value: &Value, depth: usize, to: &mut String) {
    match value {
        Value::String(text) if is_block(text) => {
            let chomp = if text.ends_with('\n') { "" } else { "-" };
            to.push_str(" |");
            to.push_str(chomp);
            to.push('\n');
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                if !line.is_empty() {
                    indent(depth, to);
                    to.push_str(line);
                }
                to.push('\n');
            }
        }
        Value::String(text) => push(&scalar_text(text), to),
        Value::Object(_) => push("{}", to),
        Value::Array(_) => push("[]", to),
        plain => push(&plain.to_string(), to),
    }
}

fn push(text: &str, to: &mut String) {
    to.push(' ');
    to.push_str(text);
    to.push('\n');
}

fn indent(depth: usize, to: &mut String) {
    to.extend(std::iter::repeat_n("  ", depth));
}

/// Whether a text of several lines can stand as it is: what begins with a space would be taken for deeper, and what is
/// not printable needs quotes.
fn is_block(text: &str) -> bool {
    let inner = text.strip_suffix('\n').unwrap_or(text);
    inner.contains('\n')
        && !inner.ends_with('\n')
        && !inner.starts_with(['\n', ' ', '\t'])
        && inner.lines().all(|line| !line.ends_with([' ', '\t']))
        && inner.chars().all(|char| char == '\n' || char == '\t' || !is_odd(char))
}

fn is_odd(char: char) -> bool {
    char.is_control() || matches!(char, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
}

/// A text on one line, in quotes where it would be read as something else without.
fn scalar_text(text: &str) -> String {
    let is_inner = |char: char| {
        char.is_alphanumeric()
            || "_-./@%+~(){}[]<>=!?*&|,;'\"$^ ".contains(char) && !"{}[],&*!|>'\"%@`?".contains(char)
    };
    let is_plain = text.starts_with(|first: char| first.is_alphanumeric() || "_./+~(=$^".contains(first))
        && text.chars().all(is_inner)
        && !text.ends_with(' ')
        && scalar::plain(text) == Value::String(text.to_owned())
        && !is_like_something_else(text);
    if is_plain { text.to_owned() } else { quoted(text) }
}

/// JSON texts are YAML texts in quotes, but for what only YAML finds odd.
fn quoted(text: &str) -> String {
    let mut quoted = String::new();
    for char in Value::String(text.to_owned()).to_string().chars() {
        if is_odd(char) {
            quoted.push_str(&format!("\\U{:08X}", u32::from(char)));
        } else {
            quoted.push(char);
        }
    }
    quoted
}

/// What other readers of YAML take for a truth value, a number or a date.
fn is_like_something_else(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    matches!(
        lower.as_str(),
        "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null" | ".inf" | ".nan"
    ) || text.starts_with(|first: char| first.is_ascii_digit() || "+.~".contains(first))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn read(text: &str) -> Value {
        crate::yaml::parse("test", text).unwrap().remove(0).value
    }

    #[test]
    fn reads_as_people_write() {
        let value = json!({
            "name": "web01", "port": 80, "on": true, "none": null, "empty": {}, "list": [1, "two", {"a": 1, "b": [2]}, [3], []],
            "texts": {"number": "010", "yes": "yes", "sign": "a: b", "hash": "a #b", "script": "echo a\necho b\n", "cut": "a\nb"},
        });
        let text = to_yaml(&value);
        assert_eq!(
            text,
            "name: web01\nport: 80\n\"on\": true\nnone: null\nempty: {}\nlist:\n- 1\n- two\n- a: 1\n  b:\n  - 2\n-\n  - 3\n- []\n\
             texts:\n  number: \"010\"\n  \"yes\": \"yes\"\n  sign: \"a: b\"\n  hash: \"a #b\"\n  script: |\n    echo a\n    echo b\n  \
             cut: |-\n    a\n    b\n"
        );
        assert_eq!(read(&text), value);
        assert_eq!([to_yaml(&json!("x")), to_yaml(&json!([])), to_yaml(&json!(1))], ["x\n", "[]\n", "1\n"]);
    }

    fn values() -> impl Strategy<Value = Value> {
        let text = prop_oneof!["[ -~\n\t]{0,12}", ".{0,6}", "(yes|no|1|0x1f|~|- a|a: b|#|'|\"|\\||>|%|@)"];
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            (-1e9..1e9_f64).prop_map(Value::from),
            text.prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::vec(("[ -~]{1,8}", inner), 0..5)
                    .prop_map(|entries| Value::Object(entries.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn reads_back_as_the_same(value in values()) {
            let text = to_yaml(&json!({"v": value}));
            let read = crate::yaml::parse("test", &text);
            prop_assert!(read.is_ok(), "{text}");
            prop_assert_eq!(&read.unwrap()[0].value["v"], &value, "{}", text);
        }
    }
}
