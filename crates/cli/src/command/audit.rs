//! `windlass audit`: who did what on a server.

use windlass_contract::{Entry, Outcome as Noted};
use windlass_report::{Clock, Stamp};

use crate::args::{AuditArgs, ObjectFormat};
use crate::command::objects::print;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{BAD, GOOD, Printer, Styled, WARN};
use crate::session::tokio_runtime;
use crate::table::Table;

pub(super) fn run(args: &AuditArgs, printer: &mut Printer) -> Outcome {
    let context = args.context.choose()?;
    tokio_runtime()?.block_on(async {
        if args.verify {
            let verified = context.client.verify_audit().await?;
            let exit = if verified.whole { Exit::Succeeded } else { Exit::Failed };
            if args.output != ObjectFormat::Text {
                print::documents(
                    args.output,
                    &[serde_json::to_value(&verified).unwrap_or_default()],
                    false,
                    printer,
                );
            } else if verified.whole {
                printer.line(format_args!("{}: {} entries", Styled(GOOD, "whole"), verified.entries));
            } else {
                let why = verified.broken.unwrap_or_default();
                printer.line(format_args!(
                    "{}: {why}; {} entries before it are whole",
                    Styled(BAD, "broken"),
                    verified.entries
                ));
            }
            return Ok(exit);
        }
        let mut entries = Vec::new();
        let mut before = args.before;
        while entries.len() < args.limit {
            let page = context.client.audit(args.limit.saturating_sub(entries.len()), before).await?;
            entries.extend(page.items);
            match page.next {
                Some(next) => before = Some(next),
                None => break,
            }
        }
        if args.output != ObjectFormat::Text {
            let all: Vec<_> = entries.iter().filter_map(|entry| serde_json::to_value(entry).ok()).collect();
            print::documents(args.output, &all, true, printer);
            return Ok(Exit::Succeeded);
        }
        let mut table = Table::new(["SEQ", "AT", "USER", "FROM", "WHAT", "TO"]);
        for entry in &entries {
            table.row(row(entry));
        }
        printer.out(table);
        Ok(Exit::Succeeded)
    })
}

fn row(entry: &Entry) -> [String; 6] {
    let what = &entry.what;
    let verb = match what.outcome {
        Noted::Done => what.verb.clone(),
        Noted::Denied => format!("{} {}", what.verb, Styled(BAD, "denied")),
        Noted::Failed => format!("{} {}", what.verb, Styled(WARN, "failed")),
    };
    let at = Stamp(Clock::Wall, what.at).to_string();
    [entry.seq.to_string(), at, what.user.clone(), what.from.clone(), verb, what.resource.clone()]
}
