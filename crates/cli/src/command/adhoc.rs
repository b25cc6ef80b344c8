//! `windlass exec SELECTION -- COMMAND...` and `windlass copy SELECTION SOURCE DESTINATION`.
//!
//! Both are runs of a plan of one block with one action, which is made here and nowhere else different from one in a file.

use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value, json};
use windlass_contract::NewRun;
use windlass_model::plan::{API_VERSION, Plan};
use windlass_model::target::{Frozen, NodeEntry, Targets};
use windlass_model::{code, eval};
use windlass_plugin::Registry;
use windlass_runtime::{Request, Start};

use super::nodes::choose;
use super::run::remote::{Followed, follow};
use super::run::{Seating, go};
use crate::access::Access;
use crate::args::{AdHocArgs, CopyArgs, ExecArgs, LiveFormat};
use crate::context::Context;
use crate::drive::{Tells, catch_signals};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::session::tokio_runtime;
use crate::{inventory, plan_file, secrets, user};

/// How much of what a command prints is kept a second time, in the record of its run.
const KEPT: usize = 16 << 10;
/// How large a file is that is sent along with a run to a server.
const MOST_SENT: usize = 256 << 10;

/// The one action of such a plan.
struct Work {
    /// What the plan and its block are called.
    name: &'static str,
    plugin: &'static str,
    request: Value,
    tells: Tells,
}

pub(super) fn exec(args: &ExecArgs, printer: &mut Printer) -> Outcome {
    let text = |text: &str| if args.template { text.to_owned() } else { literal(text) };
    let words: Vec<String> = args.command.iter().map(|word| text(word)).collect();
    let mut request = Map::new();
    let plugin = if args.shell {
        let script = if args.template { words.join(" ") } else { literal(&args.command.join(" ")) };
        request.insert("script".into(), script.into());
        "shell"
    } else {
        request.insert("argv".into(), words.into());
        "command"
    };
    if let Some(cwd) = &args.cwd {
        request.insert("cwd".into(), text(cwd).into());
    }
    if args.ad_hoc.live.output == LiveFormat::Text {
        // All of it is in the log, and shown; a report needs the end of it.
        request.insert("output".into(), json!({"keep": KEPT}));
    }
    // What would be done is told by the report; nothing is printed on any node.
    let tells = if args.ad_hoc.noop { Tells::EveryNode } else { Tells::Output };
    perform(&args.ad_hoc, Work { name: "exec", plugin, request: request.into(), tells }, printer)
}

pub(super) fn copy(args: &CopyArgs, printer: &mut Printer) -> Outcome {
    let (source, is_directory) = source(&args.source)?;
    let is_sent = args.ad_hoc.place.server()?.is_some();
    if is_directory && args.backup {
        return Err(Failure::usage("--backup is for files, and SOURCE is a directory"));
    }
    if !is_directory && args.purge {
        return Err(Failure::usage("--purge is for directories, and SOURCE is a file"));
    }
    let mut destination = args.destination.clone();
    if destination.ends_with('/') && !is_directory {
        let name = args.source.file_name().map(|name| name.to_string_lossy().into_owned());
        destination.push_str(&name.unwrap_or_default());
    }
    let mut request = Map::new();
    request.insert("path".into(), literal(&destination).into());
    if is_sent {
        // What is on this machine is not on that of the server.
        request.insert("content".into(), literal(&sent(&args.source, is_directory)?).into());
    } else {
        request.insert("source".into(), literal(&source).into());
    }
    for (key, value) in [("owner", &args.owner), ("group", &args.group), ("mode", &args.mode)] {
        if let Some(value) = value {
            request.insert(key.into(), literal(value).into());
        }
    }
    for (key, flag) in [("backup", args.backup), ("purge", args.purge)] {
        if flag {
            request.insert(key.into(), true.into());
        }
    }
    let plugin = if is_directory { "directory" } else { "file" };
    perform(
        &args.ad_hoc,
        Work { name: "copy", plugin, request: request.into(), tells: Tells::EveryNode },
        printer,
    )
}

/// The source's absolute path, which is what goes into the run, and whether it is a directory.
fn source(path: &Path) -> Result<(String, bool), Failure> {
    let cannot = |error: std::io::Error| Failure::file("read", path, &error);
    let found = std::fs::metadata(path).map_err(cannot)?;
    let whole = std::path::absolute(path).map_err(cannot)?;
    let Some(text) = whole.to_str() else {
        return Err(Failure::usage(format!("{} is no UTF-8, and runs are kept as text", whole.display())));
    };
    if found.is_dir() || found.is_file() {
        return Ok((text.to_owned(), found.is_dir()));
    }
    Err(Failure::usage(format!("{} is neither a file nor a directory", path.display())))
}

/// What a file says, to be sent along with the run.
fn sent(path: &Path, is_directory: bool) -> Result<String, Failure> {
    if is_directory {
        return Err(Failure::usage(
            "SOURCE is a directory, and a server is to copy it: it takes one text file at a time",
        )
        .help("put it where nodes can fetch it, and use `fetch`, `git` or `archive` in a plan"));
    }
    let cannot = |error: std::io::Error| Failure::file("read", path, &error);
    let bytes = std::fs::read(path).map_err(cannot)?;
    if bytes.len() > MOST_SENT {
        let message = format!(
            "{} is larger than the {} KiB that are sent along with a run",
            path.display(),
            MOST_SENT >> 10
        );
        return Err(
            Failure::usage(message).help("put it where nodes can fetch it, and use `fetch` in a plan")
        );
    }
    String::from_utf8(bytes).map_err(|_| {
        Failure::usage(format!("{} is no UTF-8, and what is sent along with a run is text", path.display()))
            .help("put it where nodes can fetch it, and use `fetch` in a plan")
    })
}

fn perform(args: &AdHocArgs, work: Work, printer: &mut Printer) -> Outcome {
    if let Some(context) = args.place.server()? {
        return on_server(args, work, context, printer);
    }
    // Without an inventory a name would stand for this machine.
    let known = inventory::must_read(&args.inventory, printer)?;
    let known = inventory::with_facts_for(known, &format!("{} {}", args.selection, work.request))?;
    let frozen = choose(&known, "", &args.selection, printer)?.targets;
    let targets: Targets = inventory::selected("", &args.selection)?.targets;
    let tells = work.tells;
    let plan = plan(args, work, &targets)?;
    let registry = plan_file::registry()?;
    let secrets = secrets::provider(None, args.secrets.file.as_deref())?;
    let request = Request { secrets, ..request(args, plan, frozen) };
    tokio_runtime()?.block_on(drive(args, tells, &registry, request, printer))
}

/// A server does it, on nodes of its own.
fn on_server(args: &AdHocArgs, work: Work, context: Context, printer: &mut Printer) -> Outcome {
    for (is_given, what) in [
        (!args.inventory.inventory.is_empty(), "--inventory"),
        (args.secrets.file.is_some(), "--secrets"),
        (args.reach.connect_at_once.is_some(), "--connect-at-once"),
    ] {
        if is_given {
            let message = format!("{what} is for runs on this machine, and a server is to drive this one");
            return Err(
                Failure::usage(message).help("nodes, variables and secrets are those of its namespace")
            );
        }
    }
    let known = inventory::of_server(&context, printer)?;
    let names = choose(&known, "", &args.selection, printer)?.targets;
    let nodes = names.names().map(|name| NodeEntry::Name(name.to_owned())).collect();
    let tells = work.tells;
    let plan = plan(args, work, &Targets { nodes, ..Targets::default() })?;
    let wanted = NewRun {
        document: Some(serde_json::to_value(&plan).unwrap_or_default()),
        noop: args.noop,
        run: Some(windlass_runtime::new_run()),
        ..NewRun::default()
    };
    tokio_runtime()?.block_on(async {
        let submitted = context.client.submit(&context.namespace, &wanted).await?;
        let access = Access::server(context)?;
        let mut signals = catch_signals()?;
        let how = Followed { format: args.live.output, approves: false, tells };
        follow(&access, submitted.run, how, &mut signals, printer).await
    })
}

async fn drive(
    args: &AdHocArgs,
    tells: Tells,
    registry: &Registry,
    request: Request,
    printer: &mut Printer,
) -> Outcome {
    let seating = Seating {
        data_dir: &args.place.data_dir,
        reach: &args.reach,
        format: args.live.output,
        approve: false,
        tells,
    };
    go(seating, registry, request, printer).await
}

fn request(args: &AdHocArgs, plan: Plan, targets: Frozen) -> Request {
    Request {
        targets: Some(vec![targets]),
        user: user::current(),
        start: Start::Now,
        noop: args.noop,
        ..Request::new(Arc::new(plan))
    }
}

fn plan(args: &AdHocArgs, work: Work, targets: &Targets) -> Result<Plan, Failure> {
    let Work { name, plugin, request, .. } = work;
    let failures = args.failures.map_or_else(|| json!("unlimited"), |most| json!(most));
    let plan = json!({
        "apiVersion": API_VERSION,
        "kind": "Plan",
        "metadata": {"name": name},
        "spec": {"blocks": [{
            "name": name,
            "targets": targets,
            "concurrency": args.concurrency,
            "failures": failures,
            "sequence": [{"name": "run", "use": plugin, "with": request, "timeout": args.timeout}],
        }]},
    });
    serde_json::from_value(plan)
        .map_err(|error| Failure::new(Exit::Bug, code::BUG, "a plan of ours is none").because(&error))
}

/// A text as it stands, also where it looks like a template.
fn literal(text: &str) -> String {
    if eval::is_template(text) { format!("{{{{ {} }}}}", Value::from(text)) } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use windlass_lang::Evaluator;
    use windlass_model::eval::{Evaluate, Scope};

    use super::*;

    #[test]
    fn what_looks_like_a_template_stays_as_it_is() {
        for text in
            ["plain", "{{.Names}}", "a {% raw %} b }} c", "\"quoted\" {{ 'x' }}\n\t\u{1}\\n ä", "{# no #}"]
        {
            let rendered = Evaluator::new().render(&Value::from(literal(text)), &Scope::default());
            assert_eq!(rendered.unwrap().clear, Value::from(text), "{text}");
        }
    }
}
