//! What may be a name: slugs for what a plan defines, a little more freedom for targets.

/// The longest name that is accepted.
pub const LONGEST: usize = 128;

/// Whether `text` may name an element of a plan: letters, digits, `-`, `_` and `.`, beginning with a letter or digit.
#[must_use]
pub fn is_slug(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'))
}

/// Whether `text` may name a target: as a slug, but host names with `:`, `@` and `%` (ports, users, zones) count too.
#[must_use]
pub fn is_target(text: &str) -> bool {
    text.len() <= 253
        && text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_' || c == '[')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "-_.:@%[]".contains(c))
}

/// Whether `text` may name a parameter, a variable or a saved value: what a template can spell as `params.x`.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    text.len() <= LONGEST
        && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A name that is short for another has at least so many letters.
const SHORT: usize = 3;

/// The known name nearest to a mistyped one, if one is near enough to be worth suggesting.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed_lower = typed.to_ascii_lowercase().replace(['-', '_'], "");
    known
        .into_iter()
        .map(|name| (distance(&typed_lower, &name.to_ascii_lowercase().replace(['-', '_'], "")), name))
        .filter(|(far, name)| *far <= (name.len().max(typed.len()) / 3).max(1))
        .min_by_key(|(far, _)| *far)
        .map(|(_, name)| name)
}

/// The same of a few words that something can be; also one that is short for another: `int` for `integer`.
pub(crate) fn nearest_word<'a>(typed: &str, words: &[&'a str]) -> Option<&'a str> {
    let typed_lower = typed.to_ascii_lowercase();
    let is_short = |word: &&&str| {
        word.len().min(typed.len()) >= SHORT
            && (typed_lower.starts_with(**word) || word.starts_with(&typed_lower))
    };
    nearest(typed, words.iter().copied()).or_else(|| words.iter().find(is_short).copied())
}

/// How many letters must be inserted, removed, replaced or swapped to turn one word into the other.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().take(64).collect(), b.chars().take(64).collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let at = |line: &[usize], k: usize| line.get(k).copied().unwrap_or(usize::MAX / 2);
            let mut best = (at(&row, j) + usize::from(x != y)).min(at(&row, j + 1) + 1).min(at(&next, j) + 1);
            let swapped = i > 0 && j > 0 && a.get(i - 1) == Some(y) && b.get(j - 1) == Some(x);
            if swapped {
                best = best.min(at(&before, j - 1) + 1);
            }
            next.push(best);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_mistyped_or_short() {
        let known = ["string", "int", "bool", "number", "list", "max-per"];
        let cases = [
            ("sting", Some("string")),
            ("integer", Some("int")),
            ("Boolean", Some("bool")),
            ("str", Some("string")),
            ("maxPer", Some("max-per")),
            ("in", Some("int")),
            ("nu", None),
            ("float", None),
        ];
        for (typed, expect) in cases {
            assert_eq!(nearest_word(typed, &known), expect, "{typed}");
        }
    }

    #[test]
    fn slugs() {
        for good in ["patch", "web-03", "a.b_c", "0"] {
            assert!(is_slug(good), "{good}");
        }
        for bad in ["", "-a", "a b", "a/b", "ü", "a!b", "a:b"] {
            assert!(!is_slug(bad), "{bad}");
        }
    }

    #[test]
    fn suggests_the_nearest() {
        let known = ["concurrency", "batches", "onFailure"];
        assert_eq!(nearest("concurency", known), Some("concurrency"));
        assert_eq!(nearest("on_failure", known), Some("onFailure"));
        assert_eq!(nearest("bacthes", known), Some("batches"));
        assert_eq!(nearest("zebra", known), None);
    }
}
