//! `windlass man DIR`

use clap::CommandFactory;

use crate::args::{Cli, ManArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;

pub(super) fn run(args: &ManArgs, printer: &mut Printer) -> Outcome {
    let dir = &args.dir;
    std::fs::create_dir_all(dir).map_err(|error| Failure::file("create", dir, &error))?;
    let pages = clap_mangen::generate_to(Cli::command(), dir);
    pages.map_err(|error| Failure::file("write into", dir, &error))?;
    printer.note(format_args!(
        "wrote the man pages into {}; begin with `man -l {}/windlass.1`",
        dir.display(),
        dir.display()
    ));
    Ok(Exit::Succeeded)
}
