//! What templates can do beyond what Jinja can: few things, all pure. Documented in `docs/guide/templates.md`.

use minijinja::value::{Value as Inner, ValueKind};
use minijinja::{Environment, Error, ErrorKind};
use windlass_model::span::Span;

use super::{MAX_OUTPUT, convert};

pub(super) fn add(env: &mut Environment<'static>) {
    env.add_filter("quote", quote);
    env.add_filter("shellquote", quote);
    env.add_filter("tojson", to_json);
    env.add_filter("fromjson", from_json);
    env.add_filter("b64encode", |text: String| base64(text.as_bytes()));
    env.add_filter("b64decode", from_base64);
    env.add_filter("seconds", seconds);
    for filter in ["safe", "escape", "e", "pprint", "format", "indent"] {
        env.remove_filter(filter);
    }
    env.add_filter("indent", indent);
}

/// A text that a shell reads as one word, whatever is in it.
fn quote(text: Inner) -> Result<String, Error> {
    let text = match text.kind() {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => convert::to_json(&text)?.to_string(),
        _ => text.to_string(),
    };
    let plain = !text.is_empty()
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"@%+=:,./-_".contains(&byte));
    Ok(if plain { text } else { format!("'{}'", text.replace('\'', r"'\''")) })
}

fn to_json(value: Inner) -> Result<String, Error> {
    convert::to_json(&value).map(|value| value.to_string())
}

fn from_json(text: String) -> Result<Inner, Error> {
    let value: windlass_model::Value = serde_json::from_str(&text)
        .map_err(|why| Error::new(ErrorKind::InvalidOperation, format!("this is not JSON: {why}")))?;
    Ok(from_value(&value))
}

fn from_value(value: &windlass_model::Value) -> Inner {
    match value {
        windlass_model::Value::Array(items) => items.iter().map(from_value).collect::<Vec<_>>().into(),
        windlass_model::Value::Object(map) => {
            Inner::from_pairs(map.iter().map(|(key, value)| (key.as_str(), from_value(value))))
        }
        scalar => convert::scalar(scalar),
    }
}

/// A duration in seconds: `'1m30s' | seconds` is 90.
fn seconds(text: String) -> Result<Inner, Error> {
    let span: Span = text.parse().map_err(|why| Error::new(ErrorKind::InvalidOperation, format!("{why}")))?;
    let millis = u64::try_from(span.0.as_millis()).unwrap_or(u64::MAX);
    Ok(if millis % 1000 == 0 { Inner::from(millis / 1000) } else { Inner::from(span.0.as_secs_f64()) })
}

/// All lines but the first moved to the right.
fn indent(text: String, width: usize) -> Result<String, Error> {
    let lines = text.lines().count();
    if width.saturating_mul(lines) > MAX_OUTPUT {
        return Err(Error::new(ErrorKind::InvalidOperation, "the text is too large"));
    }
    Ok(text.replace('\n', &format!("\n{}", " ".repeat(width))))
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..4 {
            let index = ((word >> (18 - 6 * place)) & 63) as usize;
            let letter = ALPHABET.get(index).copied().unwrap_or(b'A');
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

fn from_base64(text: String) -> Result<String, Error> {
    let wrong = || Error::new(ErrorKind::InvalidOperation, "this is not the base64 form of a text");
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    let (mut word, mut bits) = (0_u32, 0);
    for letter in text.bytes().filter(|byte| !byte.is_ascii_whitespace() && *byte != b'=') {
        let index = ALPHABET.iter().position(|known| *known == letter).ok_or_else(wrong)?;
        word = (word << 6) | u32::try_from(index).unwrap_or(0);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from((word >> bits) & 0xFF).unwrap_or(0));
        }
    }
    String::from_utf8(bytes).map_err(|_| wrong())
}
