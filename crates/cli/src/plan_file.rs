//! Plan files: from a path to plans, with everything that is wrong with them.

use std::fs::File;
use std::io::Read;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::Duration;

use windlass_lang::{Loaded, Surroundings};
use windlass_model::code;
use windlass_model::problem::Problem;
use windlass_plugin::Registry;
use windlass_sources::Folder;

use crate::exit::Exit;
use crate::failure::Failure;
use crate::inventory::Among;

/// How long somebody has to begin to write to a pipe that is given for a file.
const WRITER_PATIENCE: Duration = Duration::from_secs(5);

/// The plugins that the command comes with.
pub(crate) fn registry() -> Result<Registry, Failure> {
    // All of them are ours, and tests judge them: that takes longer than most commands.
    let mut registry = Registry::trusting();
    windlass_plugins::register(&mut registry).map_err(|error| {
        Failure::new(Exit::Bug, code::BUG, "a plugin of ours is not well-formed").because(&error)
    })?;
    Ok(registry)
}

/// The plans of a file; `-` is standard input.
pub(crate) fn load(path: &Path, registry: &Registry, among: &Among) -> Result<Vec<Loaded>, Failure> {
    let (name, bytes) = read(path)?;
    let text = windlass_lang::decode(&name, bytes)?;
    let (catalog, beside) = (registry.catalog(), Folder::of(path));
    let loaded = windlass_lang::load(&name, &text, Surroundings { catalog: &catalog, nodes: among.vars() })?;
    Ok(loaded.into_iter().map(|plan| plan.settled(&catalog, &beside)).collect::<Result<_, _>>()?)
}

/// The plan of a file that must hold exactly one.
pub(crate) fn load_one(path: &Path, registry: &Registry, among: &Among) -> Result<Loaded, Failure> {
    let mut plans = load(path, registry, among)?;
    match plans.as_slice() {
        [_, second, ..] => {
            let message =
                format!("{} holds {} plans, and one can be run at a time", path.display(), plans.len());
            let problem = Problem::new(code::WRONG_KIND, "", "/kind", message)
                .help("put each plan into a file of its own");
            Err(second.findings([problem], &|_| None).into())
        }
        _ => plans.pop().ok_or_else(|| {
            Failure::new(Exit::Invalid, code::WRONG_KIND, format!("{} holds no plan", path.display()))
                .help("a plan begins with `apiVersion: windlass.dev/v1` and `kind: Plan`")
        }),
    }
}

fn read(path: &Path) -> Result<(String, Vec<u8>), Failure> {
    // One byte more than is accepted is enough to know that it is too much.
    let limit = windlass_lang::MAX_BYTES as u64 + 1;
    let mut bytes = Vec::new();
    if path.as_os_str() == "-" {
        let read = std::io::stdin().lock().take(limit).read_to_end(&mut bytes);
        read.map_err(|error| Failure::file("read", Path::new("standard input"), &error))?;
        return Ok(("<stdin>".to_owned(), bytes));
    }
    let read = open(path)?.take(limit).read_to_end(&mut bytes);
    read.map_err(|error| Failure::file("read", path, &error))?;
    Ok((path.display().to_string(), bytes))
}

/// Opens a file. A pipe that nobody writes to would be waited for without end.
fn open(path: &Path) -> Result<File, Failure> {
    let cannot = |error: std::io::Error| Failure::file("read", path, &error);
    if !std::fs::metadata(path).map_err(cannot)?.file_type().is_fifo() {
        return File::open(path).map_err(cannot);
    }
    let (sender, opened) = std::sync::mpsc::sync_channel(1);
    let pipe = path.to_owned();
    std::thread::spawn(move || {
        // Where nobody waits any more, nobody needs it.
        let _ = sender.send(File::open(pipe));
    });
    opened
        .recv_timeout(WRITER_PATIENCE)
        .map_err(|_| {
            let seconds = WRITER_PATIENCE.as_secs();
            let message =
                format!("{} is a pipe, and nobody has opened it to write within {seconds} s", path.display());
            Failure::new(Exit::Invalid, code::FILE_UNREADABLE, message)
                .help("start what writes to it, or give a file")
        })?
        .map_err(cannot)
}
