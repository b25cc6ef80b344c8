//! `windlass runs resolve [RUN] --done|--failed|--again ADDRESS`

use windlass_model::code;
use windlass_model::event::{Author, Verdict};
use windlass_rehearsal::Pattern;
use windlass_report::words;

use super::command::mention_recovery;
use crate::access::Access;
use crate::args::ResolveArgs;
use crate::control::Ask;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::user;

pub(super) async fn run(args: &ResolveArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let fold = access.fold(run).await?;
    let asked: Vec<String> = fold.asked().map(|(element, _)| fold.layout().address(element)).collect();
    let wanted =
        [(Verdict::Done, &args.done), (Verdict::Failed, &args.failed), (Verdict::Again, &args.again)];
    let mut settled: Vec<(String, Verdict)> = Vec::new();
    for (verdict, globs) in wanted {
        for glob in globs {
            let pattern = Pattern::new(glob.clone());
            let found: Vec<&String> =
                asked.iter().filter(|address| *address == glob || pattern.matches(address)).collect();
            if found.is_empty() {
                return Err(nothing_there(glob, &asked));
            }
            for address in found {
                if let Some((_, other)) = settled.iter().find(|(settled, _)| settled == address) {
                    if *other != verdict {
                        return Err(Failure::usage(format!("`{address}` is given two verdicts"))
                            .help("settle it once, with --done, --failed or --again"));
                    }
                    continue;
                }
                settled.push((address.clone(), verdict));
            }
        }
    }
    let by = Author { user: user::current(), why: args.why.clone() };
    for (address, verdict) in settled {
        access.ask(Ask::Resolve { run, address: address.clone(), verdict, by: by.clone() }).await?;
        printer.line(format_args!("{address} is settled as {}", words::verdict(verdict)));
    }
    mention_recovery(access, printer);
    Ok(Exit::Succeeded)
}

fn nothing_there(glob: &str, asked: &[String]) -> Failure {
    let message = format!("nothing that waits for a person is called `{glob}`");
    let failure = Failure::new(Exit::Invalid, code::NOT_INTERRUPTED, message);
    if asked.is_empty() {
        return failure
            .help("nothing of this run waits for a person; `windlass runs show` says how it stands");
    }
    let first: Vec<&str> = asked.iter().take(10).map(String::as_str).collect();
    let more = if asked.len() > first.len() { ", …" } else { "" };
    failure.help(format!("what waits: {}{more}", first.join(", ")))
}
