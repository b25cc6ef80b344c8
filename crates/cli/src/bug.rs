//! Bugs: what a panic of our own looks like to the person in front of it.
//!
//! A panic in a plugin is caught by whoever calls it and becomes a failed attempt, so a panic says nothing by itself:
//! it is remembered, and told only when it has come through to the top.

use std::cell::RefCell;

use anstyle::Style;

use crate::args::ColorWhen;
use crate::printer::{BAD, FAINT, Printer, Styled};

const WHERE: &str = "https://github.com/windlass-dev/windlass/issues";

thread_local! {
    static LAST: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Remembers panics instead of printing them.
pub(crate) fn listen() {
    std::panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let what = payload.downcast_ref::<&str>().copied();
        let what =
            what.or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
        let place =
            info.location().map(|place| format!(" ({}:{})", place.file(), place.line())).unwrap_or_default();
        LAST.with_borrow_mut(|last| *last = format!("{what}{place}"));
        if std::env::var_os("RUST_BACKTRACE").is_some_and(|value| value != "0") {
            let trace = std::backtrace::Backtrace::force_capture();
            // Not what was said: a plugin may have said a secret. Where it is recorded, tokens stand in it.
            Printer::new(ColorWhen::Auto).note(format_args!("panic{place}\n{trace}"));
        }
    }));
}

/// Says that this thread's last panic is a bug, and what to do.
pub(crate) fn report() {
    let what = LAST.with_borrow(String::clone);
    Printer::new(ColorWhen::Auto).note(format_args!(
        "{} {}: this is a bug in Windlass {}: {what}\n  \
         What was acknowledged is on disk; `windlass recover` goes on with unfinished runs.\n  \
         {}: report it with what you did and, from a run with RUST_BACKTRACE=1, where, at {}",
        Styled(BAD, "error"),
        Styled(FAINT, windlass_model::code::BUG),
        env!("CARGO_PKG_VERSION"),
        Styled(crate::printer::GOOD, "help"),
        Styled(Style::new().underline(), WHERE),
    ));
}
