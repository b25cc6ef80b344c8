//! `cargo xtask`: the commands a developer of Windlass needs, from first start to the gate that every change passes.
//!
//! Owns how the project is built, checked and tested. Knows nothing of plans or runs: what it needs from Windlass it
//! asks of the built `windlass` binary.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a developer tool talks to its terminal")]

mod agent;
mod bench;
mod ci;
mod commands;
mod deny;
mod docs;
mod fleet;
mod fuzz;
mod kept;
mod node;
mod process;
mod python;
mod repo;
mod test;
mod tidy;
mod tools;
mod up;
mod web;

use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match commands::dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        // A failure that was already explained has nothing to add; the test summary stays the last thing on screen.
        Err(error) if error.is::<process::Reported>() => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}
