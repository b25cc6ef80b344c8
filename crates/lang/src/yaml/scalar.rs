//! Plain scalars by the core schema of YAML 1.2, with one deliberate difference.
//!
//! `no`, `on` and `y` are texts. `010` is a text too, although the core schema makes it the number
//! ten and YAML 1.1 made it eight: file modes, zip codes and serial numbers are what people mean.

use windlass_model::Value;

/// The value of a scalar that stands without quotes and without a tag.
pub(super) fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    number(text).unwrap_or_else(|| Value::String(text.to_owned()))
}

/// The number that a text spells, if it spells one.
pub(super) fn number(text: &str) -> Option<Value> {
    let first = *text.as_bytes().first()?;
    if !first.is_ascii_digit() && !matches!(first, b'-' | b'+' | b'.') {
        return None;
    }
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = unsigned.strip_prefix("0x") {
        return radix(text, digits, 16);
    }
    if let Some(digits) = unsigned.strip_prefix("0o") {
        return radix(text, digits, 8);
    }
    let digits = unsigned.bytes().take_while(u8::is_ascii_digit).count();
    let leading_zero = digits > 1 && unsigned.starts_with('0');
    if leading_zero {
        return None;
    }
    if digits == unsigned.len() && digits > 0 {
        let spelled = text.strip_prefix('+').unwrap_or(text);
        return match spelled.parse::<i64>() {
            Ok(number) => Some(number.into()),
            Err(_) => spelled.parse::<u64>().map(Value::from).ok().or_else(|| float(spelled)),
        };
    }
    let shaped = unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && unsigned.bytes().any(|byte| byte.is_ascii_digit())
        && unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    if shaped { float(text.strip_prefix('+').unwrap_or(text)) } else { None }
}

fn float(text: &str) -> Option<Value> {
    let number: f64 = text.parse().ok()?;
    serde_json::Number::from_f64(number).map(Value::Number)
}

fn radix(text: &str, digits: &str, radix: u32) -> Option<Value> {
    if text.starts_with(['-', '+']) {
        return None;
    }
    u64::from_str_radix(digits, radix).ok().map(Value::from)
}
