//! Colours of text reports, as data: the caller knows whether its terminal has any.

/// What is written before and after a piece of text to give it its tone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Palette {
    /// Headings and names.
    pub strong: &'static str,
    /// What matters less.
    pub faint: &'static str,
    /// What went well.
    pub good: &'static str,
    /// What went badly.
    pub bad: &'static str,
    /// What waits for somebody.
    pub warn: &'static str,
    /// Commands to type.
    pub command: &'static str,
    /// The end of each of them.
    pub reset: &'static str,
}

// === impl Palette ===

impl Palette {
    /// No colours.
    pub const PLAIN: Self =
        Self { strong: "", faint: "", good: "", bad: "", warn: "", command: "", reset: "" };
    /// The colours of the terminal's own theme.
    pub const ANSI: Self = Self {
        strong: "\x1b[1m",
        faint: "\x1b[2m",
        good: "\x1b[32m",
        bad: "\x1b[31m",
        warn: "\x1b[33m",
        command: "\x1b[36m",
        reset: "\x1b[0m",
    };
}

impl Default for Palette {
    fn default() -> Self {
        Self::PLAIN
    }
}
