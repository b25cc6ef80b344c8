//! The language of plan files: YAML with places, templates, and every problem at once.
//!
//! Nearly pure: it reads texts that are given to it and knows no files, no clock and no network.
//! What a plan is, is the business of `windlass-model`; this crate reads plans from text and brings
//! the template language along.
//!
//! Reading order: [`load`] (a text to plans), [`Findings`] (what is wrong with it, drawn in the file),
//! [`Loaded::findings`] (the same for what is found out later), [`validate`] and [`inputs`] (for plans that were not
//! read from a file too), [`Evaluator`] (templates and conditions when a run needs them).

mod evaluator;
mod findings;
mod inputs;
mod load;
mod loaded;
mod misfits;
mod params;
mod patterns;
mod references;
mod schema;
mod secrets;
mod settle;
mod source;
mod spans;
mod validate;
mod warn;
mod yaml;

pub use self::evaluator::{Evaluator, MAX_OUTPUT};
pub use self::findings::{Excerpt, Findings, Found};
pub use self::inputs::{Among, Inputs, choose, inputs};
pub use self::load::load;
pub use self::loaded::Loaded;
pub use self::misfits::misfits;
pub use self::params::{Given, Params, params};
pub use self::references::asks_an_inventory;
pub use self::schema::plan_schema;
pub use self::secrets::{SecretUse, secret_uses};
pub use self::settle::{Beside, settle};
pub use self::source::{Source, decode};
pub use self::spans::{Located, Range, SpanTree};
pub use self::validate::{Surroundings, validate};
pub use self::yaml::{
    Document, MAX_ALIAS_NODES, MAX_BYTES, MAX_DEPTH, MAX_NODES, documents, parse, scalar, to_yaml,
};
