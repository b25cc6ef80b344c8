//! Texts as they may be shown: the passwords that inventories of Ansible have are covered.

use windlass_lang::Source;

use super::ansible::PASSWORDS;

/// The same text, of the same length, with a star for each byte of a password.
pub(super) fn passwords(source: &Source) -> Source {
    let text = source.text();
    if !PASSWORDS.iter().any(|key| text.contains(key)) {
        return source.clone();
    }
    let mut bytes = text.as_bytes().to_vec();
    for key in PASSWORDS {
        for (at, _) in text.match_indices(key) {
            let behind = at + key.len();
            let Some(rest) = text.get(behind..) else { continue };
            let covered = value(rest);
            for byte in bytes.get_mut(behind + covered.start..behind + covered.end).into_iter().flatten() {
                *byte = b'*';
            }
        }
    }
    // Characters were covered whole, so it is still a text.
    String::from_utf8(bytes).map_or_else(|_| source.clone(), |text| Source::new(source.name(), &text))
}

/// What of a line is the value of the key before it: `=hunter22`, `": "hunter22"`, `: 'a b'`.
fn value(rest: &str) -> std::ops::Range<usize> {
    let line = rest.split(['\n', '\r']).next().unwrap_or(rest);
    let begins = line.find(|c: char| !matches!(c, '"' | '\'' | '=' | ':' | ' ' | '\t')).unwrap_or(line.len());
    let before = line.get(..begins).unwrap_or_default();
    let quote = before.chars().last().filter(|c| matches!(c, '"' | '\''));
    let inner = line.get(begins..).unwrap_or_default();
    // A reference to a secret is none, and helps to see what is meant.
    if inner.starts_with("{{") || !before.contains(['=', ':']) {
        return 0..0;
    }
    let length = match quote {
        Some(quote) => inner.find(quote),
        None if before.contains('=') => inner.find(char::is_whitespace),
        None => inner.find([',', '}']),
    };
    begins..begins + length.unwrap_or(inner.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_covered_and_nothing_moves() {
        for (text, expect) in [
            ("w ansible_password=hunter22 a=b\n", "w ansible_password=******** a=b\n"),
            ("ansible_become_pass: 'a b' # c", "ansible_become_pass: '***' # c"),
            ("{\"ansible_ssh_pass\": \"pässw\", \"x\": 1}", "{\"ansible_ssh_pass\": \"******\", \"x\": 1}"),
            ("{ansible_password: hunter22, x: 1}", "{ansible_password: ********, x: 1}"),
            ("ansible_password = hunter22", "ansible_password = ********"),
            ("ansible_password: \"{{ secret('x') }}\"", "ansible_password: \"{{ secret('x') }}\""),
            ("no secret", "no secret"),
        ] {
            assert_eq!(passwords(&Source::new("x", text)).text(), expect);
        }
    }
}
