//! The console: pages that a browser gets from the server, and nothing that only they could do.
//!
//! ```text
//!   cargo xtask web ──▶ web/dist ──▶ in here ──▶ GET /ui/…
//! ```
//!
//! Without Node there is no `web/dist`, and a page that says how to get the console is served in its place. What is served has a
//! policy under which a browser runs no script and loads nothing but what comes from here.

mod pages;

pub use self::pages::{is_here, router};
