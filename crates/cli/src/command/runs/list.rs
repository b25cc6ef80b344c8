//! `windlass runs list`

use serde_json::{Value, json};
use windlass_model::code;
use windlass_model::id::GroupId;
use windlass_model::name;
use windlass_model::outcome::RunStatus;
use windlass_report::{Clock as Shown, Length, Stamp, legible, words};
use windlass_runtime::{Clock, Filter, RunView};

use crate::access::Access;
use crate::args::{DocumentFormat, ListArgs};
use crate::control::{Answer, Ask, Row};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::{BAD, BUSY, FAINT, GOOD, Printer, Styled, WARN};
use crate::table::Table;

/// How long a message may be in the table.
const MESSAGE: usize = 60;

const STATUSES: [RunStatus; 7] = [
    RunStatus::Submitted,
    RunStatus::AwaitingApproval,
    RunStatus::Running,
    RunStatus::Paused,
    RunStatus::Succeeded,
    RunStatus::Failed,
    RunStatus::Stopped,
];

pub(super) async fn run(args: &ListArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let filter = Box::new(filter(args, access).await?);
    let is_filtered = !filter.is_empty();
    let rows = match access.ask(Ask::Search { limit: args.limit, filter }).await? {
        Answer::Rows(rows) => rows,
        _ => Vec::new(),
    };
    match args.output {
        DocumentFormat::Json => printer.line(Value::from_iter(rows.iter().map(document))),
        DocumentFormat::Text if rows.is_empty() => {
            printer.note(if is_filtered { "no runs like that" } else { "no runs" });
        }
        DocumentFormat::Text => {
            let mut table = Table::new(["RUN", "PLAN", "STATUS", "SUBMITTED", "TOOK", "BY", "WHY"]);
            for row in &rows {
                table.row(cells(row));
            }
            if let Some(width) = crate::printer::out_width() {
                // By, took, submitted: `runs show` says them, too.
                table.fit(width, &[5, 4, 3]);
            }
            printer.out(table);
            if args.limit > 0 && rows.len() == args.limit {
                printer.note(Styled(FAINT, format_args!("the newest {}; -n 0 lists all", args.limit)));
            }
        }
    }
    Ok(Exit::Succeeded)
}

/// What is looked for.
async fn filter(args: &ListArgs, access: &Access) -> Result<Filter, Failure> {
    let now = Clock::system().now();
    let mut filter = Filter {
        statuses: args.status.iter().map(|text| status(text)).collect::<Result<_, _>>()?,
        plans: args.plan.clone(),
        groups: args.group.iter().map(|text| group(text)).collect(),
        users: args.user.clone(),
        text: args.text.clone(),
        since: args.since.map(|when| when.time(now)),
        until: args.until.map(|when| when.time(now)),
        ..Filter::default()
    };
    for label in &args.label {
        // A label of any value is asked for as well as one of its values: the narrower question is meant.
        filter.labels.entry(label.key.clone()).or_default().extend(label.value.clone());
    }
    for id in &args.id {
        filter.ids.push(access.find(id).await?);
    }
    Ok(filter)
}

/// A group by its id, or by the name that plans give it.
fn group(text: &str) -> GroupId {
    let text = text.trim();
    text.parse().unwrap_or_else(|_| GroupId::named(text))
}

/// A status as people and programs write it.
fn status(text: &str) -> Result<RunStatus, Failure> {
    let wanted = text.trim().to_ascii_lowercase().replace(['-', '_', ' '], "");
    let found = STATUSES.into_iter().find(|status| status.word().to_ascii_lowercase() == wanted);
    found.ok_or_else(|| {
        let known = STATUSES.map(RunStatus::word);
        let near =
            name::nearest(text, known).map(|near| format!("did you mean `{near}`? ")).unwrap_or_default();
        Failure::new(Exit::Invalid, code::USAGE, format!("`{text}` is no status of a run"))
            .help(format!("{near}there are: {}", known.join(", ")))
    })
}

fn cells(row: &Row) -> [String; 7] {
    let view = &row.view;
    let word = words::run_status(view.status);
    let status = match view.status {
        RunStatus::Succeeded => Styled(GOOD, word),
        RunStatus::Failed | RunStatus::Stopped => Styled(BAD, word),
        RunStatus::AwaitingApproval | RunStatus::Paused => Styled(WARN, word),
        RunStatus::Running | RunStatus::Submitted => Styled(BUSY, word),
    };
    let status = match (view.status, row.is_driven) {
        (RunStatus::Running, false) => Styled(WARN, "unfinished").to_string(),
        _ => status.to_string(),
    };
    let took = view.started_at.zip(view.ended_at).map(|(start, end)| Length(end.since(start)).to_string());
    let why = match (&row.trouble, row.asked.len(), &view.reason) {
        (Some(trouble), _, _) => legible::line(trouble, MESSAGE),
        (None, 1.., _) => format!("{} for a person", words::count(row.asked.len() as u64, "wait")),
        (None, 0, Some(reason)) => {
            let at = if reason.address.is_empty() { String::new() } else { format!("{}: ", reason.address) };
            legible::line(&format!("{at}{}", reason.message), MESSAGE)
        }
        (None, 0, None) => approval(view).unwrap_or_default(),
    };
    let status = if view.noop { format!("{status} {}", Styled(FAINT, "(noop)")) } else { status };
    [
        view.id.to_string(),
        legible::line(&view.plan, 30),
        status,
        Stamp(Shown::Wall, view.submitted_at).to_string(),
        took.unwrap_or_default(),
        legible::line(&view.user, 16),
        why,
    ]
}

/// How far it has come with being approved.
fn approval(view: &RunView) -> Option<String> {
    let approval = view.approval.as_ref().filter(|_| view.status == RunStatus::AwaitingApproval)?;
    let (given, quorum, until) = (approval.by.len(), approval.quorum, Stamp(Shown::Wall, approval.until));
    let is_over = approval.until <= Clock::system().now();
    let what = if is_over { "too late since" } else { "until" };
    Some(format!("{given} of {quorum} approvals, {what} {until}"))
}

pub(super) fn document(row: &Row) -> Value {
    let view = &row.view;
    json!({
        "id": view.id,
        "group": view.group,
        "retryOf": view.retry_of,
        "plan": view.plan,
        "labels": view.labels,
        "stepSet": view.step_set,
        "user": view.user,
        "targets": view.targets,
        "noop": view.noop,
        "status": view.status.word(),
        "reason": view.reason,
        "approval": view.approval.as_ref().map(|approval| json!({
            "quorum": approval.quorum,
            "until": approval.until.to_string(),
            "by": approval.by,
        })),
        "submittedAt": view.submitted_at.to_string(),
        "startedAt": view.started_at.map(|at| at.to_string()),
        "endedAt": view.ended_at.map(|at| at.to_string()),
        "driven": row.is_driven,
        "asked": row.asked,
        "trouble": row.trouble,
    })
}
