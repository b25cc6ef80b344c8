//! What terminals can show: problems and warnings drawn where they are, in the plan's file and in what was given with it,
//! and signs for those that have only ASCII.

use std::borrow::Cow;
use std::sync::LazyLock;

use miette::{GraphicalReportHandler, GraphicalTheme};
use windlass_lang::Findings;
use windlass_report::legible;

use crate::printer::{self, Printer};

/// Says all of them to a person, on standard error, each under the line that it is about.
pub(crate) fn show(findings: &Findings, printer: &mut Printer) {
    let text = draw(findings, printer.is_err_colored());
    printer.write_err(text);
}

fn draw(findings: &Findings, is_colored: bool) -> String {
    let theme = match (is_colored, is_unicode()) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => {
            GraphicalTheme { characters: miette::ThemeCharacters::ascii(), ..GraphicalTheme::unicode() }
        }
        (false, true) => GraphicalTheme::unicode_nocolor(),
        (false, false) => GraphicalTheme::none(),
    };
    let width = printer::terminal_size().0.clamp(40, 120);
    let handler =
        GraphicalReportHandler::new_themed(theme).with_width(width).with_links(false).with_context_lines(2);
    findings.render(&handler)
}

/// Whether the locale of the terminal has more than ASCII.
pub(crate) fn is_unicode() -> bool {
    static IS_UNICODE: LazyLock<bool> = LazyLock::new(|| {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        locale.is_some_and(|locale| {
            let locale = locale.to_ascii_lowercase();
            locale.contains("utf-8") || locale.contains("utf8")
        })
    });
    *IS_UNICODE
}

/// The text as this terminal can show it.
pub(crate) fn shown(text: &str) -> Cow<'_, str> {
    if is_unicode() || text.is_ascii() { Cow::Borrowed(text) } else { Cow::Owned(in_ascii(text)) }
}

/// The text without anything that could drive a terminal, colours excepted: file names, plans and what targets answer
/// may hold anything.
pub(crate) fn harmless(text: &str) -> Cow<'_, str> {
    if is_plain(text) {
        return Cow::Borrowed(text);
    }
    let is_odd =
        |char: char| !matches!(char, ' '..='~' | '\n' | '\t' | '\x1b') && legible::visible(char) != char;
    if !text.contains(is_odd) && text.match_indices('\x1b').all(|(at, _)| color(text.get(at..)).is_some()) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(char) = rest.chars().next() {
        let taken = match color(Some(rest)) {
            Some(color) => {
                out.push_str(color);
                color.len()
            }
            None => {
                out.push(if matches!(char, '\n' | '\t') { char } else { legible::visible(char) });
                char.len_utf8()
            }
        };
        rest = rest.get(taken..).unwrap_or_default();
    }
    Cow::Owned(out)
}

/// Whether there is nothing but letters that every terminal shows, and the ends of lines. It is asked of all output of all
/// nodes, so bytes are looked at many at once.
pub(crate) fn is_plain(text: &str) -> bool {
    all_are(text, |byte| matches!(byte, b' '..=b'~' | b'\n' | b'\t'))
}

/// The same without the ends of lines.
pub(crate) fn is_plain_line(text: &str) -> bool {
    all_are(text, |byte| matches!(byte, b' '..=b'~' | b'\t'))
}

fn all_are(text: &str, what: impl Fn(u8) -> bool) -> bool {
    text.as_bytes().chunks(32).all(|piece| piece.iter().fold(true, |all, byte| all & what(*byte)))
}

/// The escape sequence at the beginning of a text that sets a colour.
fn color(text: Option<&str>) -> Option<&str> {
    let numbers = text?.strip_prefix("\x1b[")?;
    let end = numbers.find(|char: char| !char.is_ascii_digit() && char != ';')?;
    numbers.get(end..)?.starts_with('m').then_some(())?;
    text?.get(..2 + end + 1)
}

/// Our own signs in ASCII. What others wrote stays as it is: a name must not become another one.
fn in_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '·' => out.push('-'),
            '⋅' => out.push('.'),
            '…' => out.push_str("..."),
            '✓' | '▪' => out.push('+'),
            '✗' | '×' => out.push('x'),
            '▸' => out.push('>'),
            '■' => out.push('#'),
            '≤' => out.push_str("<="),
            '→' => out.push_str("->"),
            '–' | '—' => out.push('-'),
            '«' => out.push('<'),
            '»' => out.push('>'),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_can_set_no_more_than_colours() {
        let check = |text: &str, expect: &str| assert_eq!(harmless(text), expect);
        check("\x1b[1;31mred\x1b[0m\n\tü", "\x1b[1;31mred\x1b[0m\n\tü");
        check("a\x1b[2Jb\x1b]0;owned\x07", "a␛[2Jb␛]0;owned␇");
        check("over\rwritten\x1b", "over␍written␛");
        check("\x1b[31", "␛[31");
        check("turn\u{202e}ed\u{9b}5n", "turn\u{fffd}ed\u{fffd}5n");
    }

    #[test]
    fn our_signs_have_others_in_ascii() {
        assert_eq!(in_ascii("✓ a · b … ▸⋅ «secret:t» ≤ ü"), "+ a - b ... >. <secret:t> <= ü");
    }
}
