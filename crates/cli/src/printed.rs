//! What programs printed, as it may be shown on a terminal.

use std::borrow::Cow;

use windlass_report::legible;

use crate::drawing;

/// Without whatever could drive a terminal; colours go, because ours say what the line is.
pub(crate) fn legible_line(text: &str) -> Cow<'_, str> {
    if drawing::is_plain_line(text) {
        return Cow::Borrowed(text);
    }
    let is_odd = |char: char| !matches!(char, ' '..='~' | '\t') && legible::visible(char) != char;
    if !text.contains(is_odd) {
        return Cow::Borrowed(text);
    }
    let plain = anstream::adapter::strip_str(text).to_string();
    // What stands before a carriage return was meant to be written over.
    let plain = plain.trim_end_matches('\r');
    Cow::Owned(plain.chars().map(|char| if char == '\t' { char } else { legible::visible(char) }).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_programs_print_drives_no_terminal() {
        let check = |text: &str, expect: &str| assert_eq!(legible_line(text), expect);
        check("plain ä\ttab", "plain ä\ttab");
        check("\x1b[31mred\x1b[0m", "red");
        check("50%\r100%\r", "50%␍100%");
        check("\x1b]0;owned\x07title", "title");
        check("turn\u{202e}ed", "turn\u{fffd}ed");
    }
}
