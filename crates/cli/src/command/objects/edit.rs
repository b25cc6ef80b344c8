//! `windlass edit KIND NAME`: an object in an editor. What somebody else changed meanwhile is not written over.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use windlass_client::Write;
use windlass_contract::Applied;
use windlass_lang::to_yaml;
use windlass_model::code;

use super::{called, files, kind, place};
use crate::args::OneArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::session::tokio_runtime;

pub(in crate::command) fn edit(args: &OneArgs, printer: &mut Printer) -> Outcome {
    let kind = kind(&args.kind)?;
    let context = args.context.choose()?;
    let at = place(kind, &context.namespace);
    let runtime = tokio_runtime()?;
    let object = runtime.block_on(async { context.client.get(&at, &args.name).await })?;
    let version = object.metadata.version;
    let mut document = serde_json::to_value(&object).unwrap_or_default();
    if let Some(map) = document.as_object_mut() {
        map.shift_remove("status");
    }
    let before = to_yaml(&document);
    let path = std::env::temp_dir().join(format!("windlass-{}-{}.yaml", args.name, std::process::id()));
    write(&path, &before)?;
    let edited = open_editor(&path)
        .and_then(|()| std::fs::read_to_string(&path).map_err(|error| Failure::file("read", &path, &error)));
    let after = match edited {
        Ok(after) => after,
        Err(failure) => {
            let _ = std::fs::remove_file(&path);
            return Err(failure);
        }
    };
    if after == before || after.trim().is_empty() {
        let _ = std::fs::remove_file(&path);
        printer.line(format_args!("{} unchanged", called(kind, &context.namespace, &args.name)));
        return Ok(Exit::Succeeded);
    }
    let sent = send(&path, &context, &at, args, version, &runtime);
    match sent {
        Ok(applied) => {
            let _ = std::fs::remove_file(&path);
            let word = if applied == Applied::Unchanged { "unchanged" } else { "changed" };
            printer.line(format_args!("{} {word}", called(kind, &context.namespace, &args.name)));
            Ok(Exit::Succeeded)
        }
        Err(failure) => {
            printer.note(format_args!("what you wrote is kept in {}", path.display()));
            Err(failure)
        }
    }
}

fn send(
    path: &Path,
    context: &crate::context::Context,
    at: &windlass_client::Place,
    args: &OneArgs,
    version: u64,
    runtime: &tokio::runtime::Runtime,
) -> Result<Applied, Failure> {
    let all = files::read(&[path.to_owned()], &context.namespace)?;
    let [one] = all.as_slice() else {
        return Err(Failure::usage("one object is edited at a time"));
    };
    let mut document = one.document.clone();
    if let Some(metadata) = document.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.shift_remove("version");
    }
    let write = Write { dry_run: false, version: Some(version) };
    let replaced = runtime.block_on(async { context.client.replace(at, &args.name, &document, write).await });
    Ok(replaced.map_err(|error| one.failure(error))?.applied)
}

/// For the eyes of its owner only.
fn write(path: &Path, text: &str) -> Result<(), Failure> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let written = file.and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::file("write", path, &error))
}

fn open_editor(path: &Path) -> Result<(), Failure> {
    let variable = |name| std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let editor = variable("VISUAL").or_else(|| variable("EDITOR")).unwrap_or_else(|| "vi".to_owned());
    let failed = |what: String| {
        Failure::new(Exit::Invalid, code::USAGE, what).help("set EDITOR to the editor that you use")
    };
    // It may come with flags, as in EDITOR='code --wait'.
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{editor} \"$1\"")).arg("sh").arg(path);
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(format!("the editor `{editor}` ended with {status}; nothing was changed"))),
        Err(error) => Err(failed(format!("the editor `{editor}` cannot be started")).because(&error)),
    }
}
