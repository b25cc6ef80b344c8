//! What a run looks like to whoever asks: a fold of its log, and that fold as JSON, text and HTML.
//!
//! ```text
//! Event ─ Fold::apply ─► Fold ─┬─ write_json   one document, for programs
//!   └─ event_json ─► one line of `--output events`
//! ```
//!
//! Everything here is pure: events and a [`Layout`](windlass_model::layout::Layout) go in, views and
//! bytes come out. The crate decides nothing about a run and knows nothing of stores, engines or clocks.
//!
//! Reading order: [`view`] (what there is to see), [`fold`] (how events become it), then the forms.

pub mod clock;
pub mod event_json;
mod failures;
pub mod fold;
pub mod html;
pub mod json;
mod last_lines;
pub mod legible;
pub mod limits;
mod log_line;
pub mod noop;
pub mod order;
pub mod palette;
pub mod recent;
mod story;
mod summary;
pub mod text;
pub mod view;
pub mod words;

pub use self::clock::{Clock, Length, Stamp};
pub use self::event_json::event_json;
pub use self::fold::{Applied, Fold, Gap};
pub use self::html::{HtmlOptions, write_html};
pub use self::json::{JsonOptions, write_json};
pub use self::last_lines::beside_message;
pub use self::log_line::{LogLine, log_line, node_of};
pub use self::order::elements;
pub use self::palette::Palette;
pub use self::text::{TextOptions, write_text};

#[cfg(test)]
mod fixture;
