//! The secrets that a template names: `secret('db_password')`. Names are written out, so that they are known beforehand.

use super::called::codes;
use crate::evaluator::Kind;

/// What a template says of secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Named {
    /// The names that are written out.
    pub(crate) names: Vec<String>,
    /// Whether `secret` stands somewhere without a name in quotes.
    pub(crate) unclear: bool,
}

/// The secrets that a text names.
pub(crate) fn named(kind: Kind, source: &str) -> Named {
    let mut named = Named::default();
    if source.contains("secret") {
        codes(kind, source).iter().for_each(|code| look(code, &mut named));
    }
    named
}

fn look(code: &str, named: &mut Named) {
    let mut rest = code;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        if c == '\'' || c == '"' {
            rest = behind_quoted(rest, c);
            before = c;
        } else if is_word(c) {
            let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            // `store.secret` and `f(secret=1)` are something else.
            let is_key = before == '.'
                || (after.trim_start().starts_with('=') && !after.trim_start().starts_with("=="));
            if word == "secret" && !is_key {
                match argument(after) {
                    Some(name) => named.names.push(name.to_owned()),
                    None => named.unclear = true,
                }
            }
            before = word.chars().next_back().unwrap_or(' ');
            rest = after;
        } else {
            if !c.is_whitespace() {
                before = c;
            }
            rest = rest.get(c.len_utf8()..).unwrap_or_default();
        }
    }
}

fn behind_quoted(text: &str, quote: char) -> &str {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return text.get(at + 1..).unwrap_or_default(),
            _ => {}
        }
    }
    ""
}

/// The one text in quotes between the parentheses that a call has.
fn argument(after: &str) -> Option<&str> {
    let inner = after.trim_start().strip_prefix('(')?.trim_start();
    let quote = inner.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let (name, rest) = inner.get(1..)?.split_once(quote)?;
    (rest.trim_start().starts_with(')') && !name.is_empty() && !name.contains('\\')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_in_quotes() {
        let check = |source: &str, names: &[&str], unclear: bool| {
            let named = named(Kind::Template, source);
            assert_eq!(named.names, names, "{source}");
            assert_eq!(named.unclear, unclear, "{source}");
        };
        check("{{ secret('a') }}:{{ secret( \"b.c\" ) | upper }}", &["a", "b.c"], false);
        check("secret('a') {{ 'a secret thing' ~ store.secret }}", &[], false);
        check("{{ secret(params.x) }}", &[], true);
        check("{{ secret }}", &[], true);
        check("{{ secret('a', 'b') }}", &[], true);
        check("{% if secret('a') == 'it''s' %}{% endif %}", &["a"], false);
        check("{% raw %}{{ secret('a') }}{% endraw %}", &[], false);
    }
}
