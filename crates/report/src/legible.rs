//! Foreign text made safe to read: names, messages and output come from targets and may be anything.
//!
//! Control characters could drive a terminal, and characters that turn the direction of writing could
//! make a line say what it does not. Both are replaced before anybody sees them.

/// One line of at most `most` characters: line breaks become spaces, the rest is cut with `…`.
#[must_use]
pub fn line(text: &str, most: usize) -> String {
    let mut out = String::with_capacity(text.len().min(most));
    let mut blank = false;
    for (count, char) in text.trim().chars().enumerate() {
        if count >= most {
            out.push('…');
            break;
        }
        let is_break = matches!(char, '\n' | '\r' | '\t' | ' ');
        match (is_break, blank) {
            (true, true) => {}
            (true, false) => out.push(' '),
            (false, _) => out.push(visible(char)),
        }
        blank = is_break;
    }
    out
}

/// The same text with line breaks and tabs kept, cut after `most` characters.
pub(crate) fn block(text: &str, most: usize) -> (String, usize) {
    let out: String = text
        .chars()
        .take(most)
        .map(|char| if matches!(char, '\n' | '\t') { char } else { visible(char) })
        .collect();
    let cut = if text.len() > out.len() { text.chars().skip(most).count() } else { 0 };
    (out, cut)
}

/// The character itself, or a sign that there was one that cannot be shown.
#[must_use]
pub fn visible(char: char) -> char {
    match char {
        '\0'..='\x1f' => char::from_u32(0x2400 + u32::from(char)).unwrap_or('\u{fffd}'),
        '\x7f' => '\u{2421}',
        '\u{80}'..='\u{9f}' => '\u{fffd}',
        '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            '\u{fffd}'
        }
        '\u{2028}' | '\u{2029}' | '\u{feff}' => '\u{fffd}',
        '\u{fff0}'..='\u{fff8}' | '\u{e0000}'..='\u{e007f}' => '\u{fffd}',
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_one_line_and_harmless() {
        let check = |text: &str, expect: &str| assert_eq!(line(text, 12), expect);
        check("  plain ", "plain");
        check("a\r\n\tb", "a b");
        check("\x1b[31mred\0", "␛[31mred␀");
        check("evil\u{202e}txt", "evil\u{fffd}txt");
        check("0123456789abcdef", "0123456789ab…");
    }

    #[test]
    fn blocks_keep_their_lines_and_say_what_was_cut() {
        assert_eq!(block("a\nb\x07", 10), ("a\nb␇".to_owned(), 0));
        assert_eq!(block("äöü", 2), ("äö".to_owned(), 1));
    }
}
