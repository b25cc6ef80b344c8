//! The command as a person or script meets it: the real binary, real files, real signals.

mod harness;

mod control;
mod crash;
mod documents;
mod examples;
mod inspect;
mod people;
mod rehearse;
mod run;
mod store;
