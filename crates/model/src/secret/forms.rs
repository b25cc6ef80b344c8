//! The forms in which a secret may stand in a text: encoded, quoted, taken apart.
//!
//! Each has a name, so that what was replaced can be put back exactly as it stood there.

use crate::Value;

/// A line of a secret, or a part of its base64 form, that is shorter says too little of it.
const SHORTEST_PART: usize = 6;
/// Where programs break base64: at 76 characters (MIME, `base64`), or at 64 (PEM).
const WIDTHS: [usize; 2] = [76, 64];

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// All forms of a secret with what each is called; first the secret itself, which needs no name.
pub(super) fn forms(clear: &str) -> Vec<(Option<String>, String)> {
    let mut forms = vec![(None, clear.to_owned())];
    let mut add = |name: &str, text: String| forms.push((Some(name.to_owned()), text));
    add("json", json(clear));
    add("ascii-json", ascii_json(clear));
    add("html", html(clear));
    add("shell", clear.replace('\'', r"'\''"));
    add("percent", percent_encoded(clear, UPPER, "%20"));
    add("lower-percent", percent_encoded(clear, LOWER, "%20"));
    add("form", percent_encoded(clear, UPPER, "+"));
    add("hex", hex(clear, LOWER));
    add("upper-hex", hex(clear, UPPER));
    for (name, alphabet) in [("base64", STANDARD), ("base64url", URL_SAFE)] {
        let whole = base64(clear.as_bytes(), alphabet);
        for width in WIDTHS.into_iter().filter(|width| whole.len() > *width) {
            let lines = whole.as_bytes().chunks(width).filter_map(|line| std::str::from_utf8(line).ok());
            let lines = lines.enumerate().filter(|(_, line)| line.len() >= SHORTEST_PART);
            for (at, line) in lines {
                add(&format!("{name}-{width}-{}", at + 1), line.to_owned());
            }
        }
        add(name, whole);
        for shift in 0..3 {
            let inner = inner_base64(clear.as_bytes(), shift, alphabet);
            if inner.len() >= SHORTEST_PART {
                add(&format!("{name}+{shift}"), inner);
            }
        }
    }
    if clear.contains('\n') {
        let lines = clear.lines().map(str::trim).enumerate();
        for (at, line) in lines.filter(|(_, line)| line.len() >= SHORTEST_PART) {
            add(&format!("line-{}", at + 1), line.to_owned());
        }
    }
    forms
}

const UPPER: &[u8; 16] = b"0123456789ABCDEF";
const LOWER: &[u8; 16] = b"0123456789abcdef";

fn digits(byte: u8, alphabet: &[u8; 16]) -> [char; 2] {
    let digit = |value: u8| char::from(alphabet.get(usize::from(value & 15)).copied().unwrap_or(b'0'));
    [digit(byte >> 4), digit(byte)]
}

fn hex(text: &str, alphabet: &[u8; 16]) -> String {
    text.bytes().flat_map(|byte| digits(byte, alphabet)).collect()
}

/// As it stands between the quotes of a JSON text.
fn json(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    let inner = quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or_default().to_owned()
}

/// The same from programs that write nothing but ASCII.
fn ascii_json(text: &str) -> String {
    use std::fmt::Write;
    let mut out = String::new();
    for letter in json(text).chars() {
        if letter.is_ascii() {
            out.push(letter);
        } else {
            for unit in letter.encode_utf16(&mut [0; 2]) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

fn html(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

fn percent_encoded(text: &str, alphabet: &[u8; 16], space: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            out.push(char::from(byte));
        } else if byte == b' ' {
            out.push_str(space);
        } else {
            out.push('%');
            out.extend(digits(byte, alphabet));
        }
    }
    out
}

/// Without padding, so that the padded form is found, too.
fn base64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = (byte(0) << 16) | (byte(1) << 8) | byte(2);
        for place in 0..=chunk.len() {
            let index = (word >> (18 - 6 * place)) & 63;
            out.push(char::from(alphabet.get(index as usize).copied().unwrap_or(b'A')));
        }
    }
    out
}

/// What of the base64 form of a longer text depends on nothing but this part of it, which begins at
/// a byte whose place is `shift` more than a multiple of three.
fn inner_base64(bytes: &[u8], shift: usize, alphabet: &[u8; 64]) -> String {
    let mut shifted = vec![0; shift];
    shifted.extend_from_slice(bytes);
    let whole = base64(&shifted, alphabet);
    // A character has six bits: those that come from elsewhere as well are left out at both ends.
    let (first, last) = ((shift * 8).div_ceil(6), shifted.len() * 8 / 6);
    whole.get(first..last).unwrap_or_default().to_owned()
}
