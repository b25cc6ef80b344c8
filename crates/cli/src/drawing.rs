//! What terminals can show: problems and warnings drawn where they are, in the plan's file and in what was given with it,
//! and signs for those that have only ASCII.

use std::borrow::Cow;
use std::sync::LazyLock;

use miette::{GraphicalReportHandler, GraphicalTheme};
use windlass_lang::Findings;

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
    fn our_signs_have_others_in_ascii() {
        assert_eq!(in_ascii("✓ a · b … ▸⋅ «secret:t» ≤ ü"), "+ a - b ... >. <secret:t> <= ü");
    }
}
