//! `windlass server backup` and `restore`.

use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use windlass_contract::NewBackup;
use windlass_model::code;
use windlass_report::{Clock as Wall, Stamp};
use windlass_runtime::Clock;
use windlass_server::{BackupError, BackupHead, BackupSum, BackupWanted, Maker};
use windlass_store::Store as _;

use crate::args::{BackupArgs, RestoreArgs};
use crate::data_dir::quoted;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{GOOD, Printer, STRONG, Styled};
use crate::session::tokio_runtime;

/// A file beside the one that is meant, which takes its place when it is whole.
struct Part {
    path: PathBuf,
    to: PathBuf,
    file: Option<File>,
}

pub(super) fn backup(args: &BackupArgs, printer: &mut Printer) -> Outcome {
    let mut part = Part::begin(&args.to)?;
    let wanted = NewBackup { keys: args.with_keys, logs: !args.without_logs };
    if args.data_dir.data_dir.is_some() {
        beside(args, wanted, &mut part)?;
    } else {
        let context = args.context.choose()?;
        tokio_runtime()?.block_on(async {
            let mut body = context.client.backup(&wanted).await?;
            while let Some(piece) = body.chunk().await? {
                part.write(&piece)?;
            }
            Ok::<_, Failure>(())
        })?;
    }
    // What came over a line may have been cut off.
    let (head, sum) =
        windlass_server::check(BufReader::new(part.reread()?)).map_err(|error| failure(error, &args.to))?;
    part.done()?;
    printer.line(format_args!(
        "{} {}: {}",
        Styled(GOOD, "backed up to"),
        Styled(STRONG, args.to.display()),
        holds(&head, &sum)
    ));
    printer.note(match head.keys {
        true => "it has the keys in it: whoever has it has every secret",
        false => "the keys are not in it: keep a copy of `keys/` apart from it, or secrets are lost with the server",
    });
    Ok(Exit::Succeeded)
}

/// Of the directory of a server that does not run.
fn beside(args: &BackupArgs, wanted: NewBackup, part: &mut Part) -> Result<(), Failure> {
    let (data_dir, store) = super::opened(&args.data_dir).map_err(|error| {
        if error.is(&code::STORE_LOCKED) {
            return error.help("a server runs there: back it up with --context NAME instead of --data-dir");
        }
        error
    })?;
    let wanted = BackupWanted { keys: wanted.keys, logs: wanted.logs };
    let now = Clock::system().now();
    let made = Maker::new(&store, data_dir.path(), wanted, env!("CARGO_PKG_VERSION"), now);
    let made = made.map_err(|error| failure(error, &args.to))?;
    for piece in made {
        part.write(&piece.map_err(|error| failure(error, &args.to))?)?;
    }
    Ok(tokio_runtime()?.block_on(store.close())?)
}

pub(super) fn restore(args: &RestoreArgs, printer: &mut Printer) -> Outcome {
    let open = || File::open(&args.from).map_err(|error| Failure::file("read", &args.from, &error));
    let wrong = |error| failure(error, &args.from);
    if args.check {
        let (head, sum) = windlass_server::check(BufReader::new(open()?)).map_err(wrong)?;
        printer.line(format_args!("{} {}: {}", Styled(GOOD, "ok"), args.from.display(), holds(&head, &sum)));
        return Ok(Exit::Succeeded);
    }
    let data_dir = args.data_dir.choose()?;
    let (head, sum) = windlass_server::restore(BufReader::new(open()?), data_dir.path()).map_err(wrong)?;
    printer.line(format_args!(
        "{} {}: {}",
        Styled(GOOD, "restored into"),
        Styled(STRONG, data_dir.path().display()),
        holds(&head, &sum)
    ));
    if !head.keys {
        printer.warn(format_args!(
            "the keys are not in this backup. Put a copy of `keys/` into {} before a server begins there: without it the secrets of objects \
             cannot be read, runs that need theirs have to be given up, and every agent has to join again",
            quoted(&data_dir.path().to_string_lossy())
        ));
    }
    if !head.logs {
        printer.note("what runs have printed is not in this backup");
    }
    printer.note(
        "what was unfinished goes on as soon as a server begins there; the world may have gone on without it, \
         so see to it that the other server is gone",
    );
    Ok(Exit::Succeeded)
}

fn holds(head: &BackupHead, sum: &BackupSum) -> String {
    let and =
        |is: bool, what: &str| if is { format!(" · with {what}") } else { format!(" · without {what}") };
    format!(
        "as of {}, {} entries, {} files, {} MiB{}{}",
        Stamp(Wall::Wall, head.at),
        sum.entries,
        sum.files,
        sum.bytes.div_ceil(1 << 20),
        and(head.keys, "keys"),
        and(head.logs, "logs"),
    )
}

fn failure(error: BackupError, path: &Path) -> Failure {
    let (exit, help) = match &error {
        BackupError::Store(_) | BackupError::Io(_) => (Exit::Store, "look at the disk, then try again"),
        BackupError::Exists(_) => (Exit::Invalid, "give a directory that is not there yet with --data-dir"),
        BackupError::Newer { .. } => (Exit::Invalid, "use the Windlass that made it, or a later one"),
        BackupError::None | BackupError::Broken(_) => {
            (Exit::Invalid, "use another backup; nothing was written")
        }
    };
    let message = match &error {
        BackupError::Exists(_) => error.to_string(),
        _ => format!("{}: {error}", path.display()),
    };
    let failure = Failure::new(exit, code::BACKUP, message).help(help);
    match std::error::Error::source(&error) {
        Some(source) => failure.because(source),
        None => failure,
    }
}

// === impl Part ===

impl Part {
    fn begin(to: &Path) -> Result<Self, Failure> {
        if to.symlink_metadata().is_ok() {
            let message = format!("{} is there already, and a backup writes nothing over", to.display());
            return Err(
                Failure::new(Exit::Invalid, code::BACKUP, message).help("give a file that is not there yet")
            );
        }
        let path = to.with_added_extension("part");
        let _ = fs::remove_file(&path);
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let file = file.map_err(|error| Failure::file("write", &path, &error))?;
        Ok(Self { path, to: to.to_owned(), file: Some(file) })
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        let Some(file) = &mut self.file else { return Ok(()) };
        file.write_all(piece).map_err(|error| Failure::file("write", &self.path, &error))
    }

    fn reread(&mut self) -> Result<File, Failure> {
        let failed = |error: std::io::Error| Failure::file("write", &self.path, &error);
        if let Some(file) = self.file.take() {
            file.sync_all().map_err(failed)?;
        }
        File::open(&self.path).map_err(failed)
    }

    /// It is there as a whole. Whoever made such a file meanwhile keeps theirs.
    fn done(self) -> Result<(), Failure> {
        let placed = fs::hard_link(&self.path, &self.to).and_then(|()| {
            let folder = self.to.parent().filter(|folder| !folder.as_os_str().is_empty());
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        });
        placed.map_err(|error| Failure::file("write", &self.to, &error))
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
