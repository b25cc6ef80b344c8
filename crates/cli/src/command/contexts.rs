//! `windlass contexts`: the servers that are known here.

use serde_json::json;

use crate::args::{ContextsArgs, DocumentFormat};
use crate::context::Contexts;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{FAINT, Printer, Styled};
use crate::table::Table;

pub(super) fn run(args: &ContextsArgs, printer: &mut Printer) -> Outcome {
    let mut contexts = Contexts::read()?;
    if let Some(name) = &args.current {
        contexts.known(Some(name))?;
        contexts.current = Some(name.clone());
        contexts.write()?;
        printer.line(format_args!("`{name}` is the current context"));
        return Ok(Exit::Succeeded);
    }
    if let Some(name) = &args.forget {
        contexts.known(Some(name))?;
        contexts.contexts.remove(name);
        if contexts.current.as_ref() == Some(name) {
            contexts.current = None;
        }
        contexts.write()?;
        printer.line(format_args!("`{name}` is not known here any more"));
        return Ok(Exit::Succeeded);
    }
    let is_current = |name: &str| contexts.current.as_deref() == Some(name);
    match args.output {
        DocumentFormat::Json => {
            let all = contexts.contexts.iter().map(|(name, known)| {
                json!({
                    "name": name,
                    "current": is_current(name),
                    "server": known.server,
                    "namespace": known.namespace,
                    "ca": known.ca,
                })
            });
            printer.line(serde_json::Value::from_iter(all));
        }
        DocumentFormat::Text if contexts.contexts.is_empty() => {
            printer.note("no server is known here; `windlass login URL --token @FILE` makes one known");
        }
        DocumentFormat::Text => {
            let mut table = Table::new(["", "NAME", "SERVER", "NAMESPACE"]);
            for (name, known) in &contexts.contexts {
                let sign = if is_current(name) { "*" } else { "" };
                let namespace = match &known.namespace {
                    Some(namespace) => namespace.clone(),
                    None => Styled(FAINT, "default").to_string(),
                };
                table.row([sign.to_owned(), name.clone(), known.server.clone(), namespace]);
            }
            printer.out(table);
        }
    }
    Ok(Exit::Succeeded)
}
