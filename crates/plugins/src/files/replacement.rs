//! What takes the place of a match, with `\1` and `\g<name>` for what groups matched.

use regex::bytes::{Captures, Regex};

/// A text with references to groups in it.
#[derive(Clone, Debug)]
pub(crate) struct Replacement(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Group(usize),
    Named(String),
}

// === impl Replacement ===

impl Replacement {
    /// A text that means itself.
    pub(crate) fn literal(text: &str) -> Self {
        Self(vec![Part::Text(text.to_owned())])
    }

    /// A text in which `\1` is the first group, `\0` the whole match, `\g<name>` a named group and `\\` a
    /// backslash.
    pub(crate) fn read(text: &str, regex: &Regex) -> Result<Self, String> {
        let (mut parts, mut plain) = (Vec::new(), String::new());
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            if letter != '\\' {
                plain.push(letter);
                continue;
            }
            let part = match letters.next() {
                Some('\\') => {
                    plain.push('\\');
                    continue;
                }
                Some(digit) if digit.is_ascii_digit() => {
                    let mut number = usize::try_from(digit.to_digit(10).unwrap_or(0)).unwrap_or(0);
                    while let Some(digit) =
                        letters.next_if(char::is_ascii_digit).and_then(|next| next.to_digit(10))
                    {
                        number =
                            number.saturating_mul(10).saturating_add(usize::try_from(digit).unwrap_or(0));
                    }
                    if number >= regex.captures_len() {
                        return Err(format!("`\\{number}` means a group that the expression does not have"));
                    }
                    Part::Group(number)
                }
                Some('g') if letters.next_if_eq(&'<').is_some() => {
                    let name: String = letters.by_ref().take_while(|next| *next != '>').collect();
                    if !regex.capture_names().flatten().any(|known| known == name) {
                        return Err(format!("`\\g<{name}>` means a group that the expression does not have"));
                    }
                    Part::Named(name)
                }
                Some(other) => {
                    return Err(format!("`\\{other}` means nothing; a backslash is written `\\\\`"));
                }
                None => return Err("it ends with a backslash; write `\\\\` for one".to_owned()),
            };
            if !plain.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut plain)));
            }
            parts.push(part);
        }
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    /// What takes the place of one match.
    pub(crate) fn fill(&self, captures: &Captures<'_>) -> Vec<u8> {
        let mut filled = Vec::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => filled.extend_from_slice(text.as_bytes()),
                Part::Group(number) => {
                    filled.extend_from_slice(captures.get(*number).map_or(&[][..], |group| group.as_bytes()));
                }
                Part::Named(name) => {
                    filled.extend_from_slice(captures.name(name).map_or(&[][..], |group| group.as_bytes()));
                }
            }
        }
        filled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_groups() {
        let regex = Regex::new(r"(\w+)=(?<value>\w+)").unwrap();
        let check = |text: &str| {
            let captures = regex.captures(b"port=80").unwrap();
            Replacement::read(text, &regex).map(|it| String::from_utf8(it.fill(&captures)).unwrap())
        };
        assert_eq!(check(r"\2: \1 \g<value> \0 $1 \\n").unwrap(), r"80: port 80 port=80 $1 \n");
        assert_eq!(check("plain").unwrap(), "plain");
        for wrong in [r"\3", r"\g<no>", r"\n", "\\"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
