//! `windlass-agent`: see `windlass_agent::program`.

fn main() -> std::process::ExitCode {
    windlass_agent::program::main(std::env::args_os().skip(1))
}
