//! Values as INI inventories have them: what Python would take for a literal is one, all else is text.

use windlass_model::{Map, Value};

/// How deep lists and maps may lie in each other.
const DEEPEST: usize = 32;

/// The value that a text spells.
pub(super) fn value(text: &str) -> Value {
    let mut reader = Reader { rest: text.trim() };
    match reader.literal(0) {
        Some(value) if reader.rest.trim_start().is_empty() => value,
        _ => Value::from(text),
    }
}

struct Reader<'a> {
    rest: &'a str,
}

// === impl Reader ===

impl Reader<'_> {
    fn literal(&mut self, depth: usize) -> Option<Value> {
        self.rest = self.rest.trim_start();
        match self.rest.chars().next()? {
            _ if depth > DEEPEST => None,
            '\'' | '"' => self.text().map(Value::String),
            '[' => self.list('[', ']', depth),
            '(' => self.list('(', ')', depth),
            '{' => self.map(depth),
            _ => self.word(),
        }
    }

    fn eat(&mut self, c: char) -> bool {
        let rest = self.rest.trim_start();
        let after = rest.strip_prefix(c);
        self.rest = after.unwrap_or(rest);
        after.is_some()
    }

    fn word(&mut self) -> Option<Value> {
        let end = self.rest.find([',', ']', ')', '}', ':', ' ']).unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        match word {
            "True" => return Some(true.into()),
            "False" => return Some(false.into()),
            "None" => return Some(Value::Null),
            _ => {}
        }
        let digits = word.strip_prefix(['-', '+']).unwrap_or(word);
        // Python refuses numbers with leading zeros, so they are texts.
        let is_padded = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
        if is_padded || !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return None;
        }
        let spelled = word.strip_prefix('+').unwrap_or(word);
        if let Ok(number) = spelled.parse::<i64>() {
            return Some(number.into());
        }
        let number: f64 = spelled.parse().ok()?;
        serde_json::Number::from_f64(number).map(Value::Number)
    }

    fn text(&mut self) -> Option<String> {
        let mut chars = self.rest.chars();
        let quote = chars.next()?;
        let mut text = String::new();
        loop {
            match chars.next()? {
                '\\' => text.push(match chars.next()? {
                    'n' => '\n',
                    't' => '\t',
                    other => other,
                }),
                c if c == quote => break,
                c => text.push(c),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }

    fn list(&mut self, open: char, close: char, depth: usize) -> Option<Value> {
        self.eat(open);
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.literal(depth + 1)?);
            if !self.eat(',') && !self.rest.trim_start().starts_with(close) {
                return None;
            }
        }
        Some(items.into())
    }

    fn map(&mut self, depth: usize) -> Option<Value> {
        self.eat('{');
        let mut map = Map::new();
        while !self.eat('}') {
            let key = match self.literal(depth + 1)? {
                Value::String(key) => key,
                other => other.to_string(),
            };
            if !self.eat(':') {
                return None;
            }
            map.insert(key, self.literal(depth + 1)?);
            if !self.eat(',') && !self.rest.trim_start().starts_with('}') {
                return None;
            }
        }
        Some(map.into())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn literals_of_python_and_texts() {
        for (text, expect) in [
            ("5", json!(5)),
            ("-1.5", json!(-1.5)),
            ("0644", json!("0644")),
            ("True", json!(true)),
            ("true", json!("true")),
            ("yes", json!("yes")),
            ("None", json!(null)),
            ("'a b'", json!("a b")),
            ("a b", json!("a b")),
            ("['a', 2, {'k': (1,)}]", json!(["a", 2, {"k": [1]}])),
            ("[a, b]", json!("[a, b]")),
            ("{{ x }}", json!("{{ x }}")),
            ("1.2.3", json!("1.2.3")),
            ("", json!("")),
        ] {
            assert_eq!(value(text), expect, "{text}");
        }
    }
}
