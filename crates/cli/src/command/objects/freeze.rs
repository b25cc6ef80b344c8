//! `windlass freeze NAME`: no change in a scope, until it is lifted.

use serde_json::json;
use windlass_client::{Place, Write};
use windlass_contract::Applied;
use windlass_objects::kinds::FREEZE;

use crate::args::{ContextArgs, FreezeArgs};
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{Printer, STRONG, Styled, WARN};
use crate::session::tokio_runtime;

pub(in crate::command) fn freeze(args: &FreezeArgs, printer: &mut Printer) -> Outcome {
    let context = ContextArgs { context: args.context.clone(), namespace: None }.choose()?;
    let (at, client) = (Place::global(FREEZE.plural), &context.client);
    tokio_runtime()?.block_on(async {
        if args.lift {
            client.delete(&at, &args.name, Write::default()).await?;
            printer.line(format_args!("freeze {} is lifted", Styled(STRONG, &args.name)));
            return Ok(Exit::Succeeded);
        }
        let mut spec = json!({"reason": args.reason.clone().unwrap_or_default()});
        if let Some(spec) = spec.as_object_mut() {
            for (key, words) in
                [("namespaces", &args.namespaces), ("plans", &args.plan), ("labels", &args.label)]
            {
                if !words.is_empty() {
                    spec.insert(key.to_owned(), json!(words));
                }
            }
        }
        let applied = client.apply(&at, &args.name, &json!({"spec": spec}), Write::default()).await?;
        let scope = if args.namespaces.is_empty() && args.plan.is_empty() && args.label.is_empty() {
            "everything"
        } else {
            "its scope"
        };
        let word = match applied.applied {
            Applied::Unchanged => "was in force already",
            _ => "is in force",
        };
        printer.line(format_args!(
            "freeze {} {word}: {} in {scope}, and no run begins",
            Styled(STRONG, &args.name),
            Styled(WARN, "running work is stopped")
        ));
        printer.note(format_args!("`windlass freeze {} --lift` lifts it", args.name));
        Ok(Exit::Succeeded)
    })
}
