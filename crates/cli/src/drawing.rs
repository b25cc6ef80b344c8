//! Problems drawn in the file that they are in.

use miette::{GraphicalReportHandler, GraphicalTheme};
use windlass_lang::Invalid;

use crate::printer;

/// All problems of a file, each under the line that it is about.
pub(crate) fn draw(invalid: &Invalid, is_colored: bool) -> String {
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
    invalid.render(&handler)
}

/// Whether the locale of the terminal has more than ASCII.
pub(crate) fn is_unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}
