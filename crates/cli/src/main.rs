//! The `windlass` command. Everything is in the library beside it.

use std::process::ExitCode;

fn main() -> ExitCode {
    windlass_cli::run_from_env()
}
