//! Requests as they stand in a plan file.

use std::fmt::Write;

use windlass_model::Value;

/// One key with its value, as lines.
pub(super) fn field(page: &mut String, key: &str, value: &Value) {
    lines(page, 0, &format!("{}:", scalar(&Value::String(key.into()))), value);
}

fn lines(page: &mut String, indent: usize, head: &str, value: &Value) {
    let _ = write!(page, "{:indent$}{head}", "");
    match value {
        Value::Object(map) if !map.is_empty() => {
            page.push('\n');
            for (key, value) in map {
                lines(page, indent + 2, &format!("{}:", scalar(&Value::String(key.clone()))), value);
            }
        }
        Value::Array(items) if !items.is_empty() && items.iter().any(Value::is_object) => {
            page.push('\n');
            for item in items {
                let _ = writeln!(page, "{:indent$}  - {}", "", flow(item));
            }
        }
        Value::String(text) if text.contains('\n') => {
            page.push_str(if text.ends_with('\n') { " |\n" } else { " |-\n" });
            for line in text.lines() {
                let _ = writeln!(page, "{:indent$}  {line}", "");
            }
        }
        other => {
            let _ = writeln!(page, " {}", flow(other));
        }
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let fields: Vec<String> = map
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(&Value::String(key.clone())), flow(value)))
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => scalar(other),
    }
}

fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether a text means itself in YAML without quotes, in a list too.
fn is_plain(text: &str) -> bool {
    let words = ["true", "false", "null", "yes", "no", "on", "off"];
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '/')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_./ ".contains(c))
        && !text.ends_with(' ')
        && !words.contains(&text.to_ascii_lowercase().as_str())
}
