//! `windlass apply FILE...`, `windlass delete`.

use windlass_client::Write;
use windlass_contract::Applied;

use super::{called, files, kind, place, print};
use crate::args::{ApplyArgs, DeleteArgs, ObjectFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{BUSY, FAINT, GOOD, Printer, Styled, WARN};
use crate::session::tokio_runtime;

/// `windlass apply`: every object has its turn, and what failed is said of each.
pub(in crate::command) fn apply(args: &ApplyArgs, printer: &mut Printer) -> Outcome {
    let context = args.context.choose()?;
    let all = files::read(&args.files, &context.namespace)?;
    let write = Write { dry_run: args.dry_run, version: None };
    let is_text = args.output == ObjectFormat::Text;
    tokio_runtime()?.block_on(async {
        let (mut exit, mut documents) = (Exit::Succeeded, Vec::new());
        for one in &all {
            let at = place(one.kind, &one.namespace);
            match context.client.apply(&at, &one.name, &one.document, write).await {
                Ok(applied) => {
                    if is_text {
                        let word = match applied.applied {
                            Applied::Created => Styled(GOOD, "created"),
                            Applied::Changed => Styled(BUSY, "changed"),
                            Applied::Unchanged => Styled(FAINT, "unchanged"),
                        };
                        let dry = if args.dry_run { " (nothing was written)" } else { "" };
                        printer.line(format_args!(
                            "{} {word}{dry}",
                            called(one.kind, &one.namespace, &one.name)
                        ));
                    } else {
                        documents.push(serde_json::to_value(&applied).unwrap_or_default());
                    }
                }
                // Whatever comes behind would fail in the same way.
                Err(error) if error.problem().is_none() => return Err(error.into()),
                Err(error) => {
                    let failure = one.failure(error);
                    exit = files::worse(exit, failure.exit());
                    printer.note(format_args!("{}:", called(one.kind, &one.namespace, &one.name)));
                    failure.print(printer);
                }
            }
        }
        if !is_text {
            print::documents(args.output, &documents, true, printer);
        }
        Ok(exit)
    })
}

/// `windlass delete`: those of files in the order in which nothing is needed any more.
pub(in crate::command) fn delete(args: &DeleteArgs, printer: &mut Printer) -> Outcome {
    let context = args.context.choose()?;
    let named = match &args.kind {
        Some(word) => {
            let kind = kind(word)?;
            args.names.iter().map(|name| (kind, context.namespace.clone(), name.clone())).collect()
        }
        None => {
            let mut all = files::read(&args.file, &context.namespace)?;
            all.reverse();
            all.into_iter().map(|one| (one.kind, one.namespace, one.name)).collect::<Vec<_>>()
        }
    };
    let write = Write { dry_run: args.dry_run, version: None };
    tokio_runtime()?.block_on(async {
        let mut exit = Exit::Succeeded;
        for (kind, namespace, name) in named {
            let is_called = called(kind, &namespace, &name);
            match context.client.delete(&place(kind, &namespace), &name, write).await {
                Ok(_) if args.dry_run => printer.line(format_args!("{is_called} would be deleted")),
                Ok(_) => printer.line(format_args!("{is_called} {}", Styled(WARN, "deleted"))),
                Err(error) if error.problem().is_none() => return Err(error.into()),
                Err(error) => {
                    let failure = Failure::from(error);
                    exit = files::worse(exit, failure.exit());
                    failure.print(printer);
                }
            }
        }
        Ok(exit)
    })
}
