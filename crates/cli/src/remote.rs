//! Runs of a server: the same questions as to another process here, asked over its API.

use std::sync::Arc;

use windlass_client::{LogQuery, RunQuery};
use windlass_contract::{Reason, Resolution, Run};
use windlass_model::code;
use windlass_model::event::Command;
use windlass_model::fact::Catalog;
use windlass_model::id::RunId;
use windlass_runtime::{Filter, RunView};

use crate::context::Context;
use crate::control::{Answer, Ask, Logs, Row};
use crate::exit::Exit;
use crate::failure::Failure;

/// A server, and the plugins by which logs are read.
#[derive(Clone, Debug)]
pub(crate) struct Remote {
    pub(crate) context: Context,
    pub(crate) catalog: Arc<Catalog>,
}

/// How many runs are asked for at a time.
const PAGE: usize = 500;

// === impl Remote ===

impl Remote {
    pub(crate) async fn ask(&self, ask: Ask) -> Result<Answer, Failure> {
        let Context { client, namespace, .. } = &self.context;
        let reason = |why: String| Reason { why, digest: None };
        Ok(match ask {
            Ask::Search { limit, filter } => Answer::Rows(self.search(limit, &filter).await?),
            Ask::Find { text } => Answer::Run(self.find(&text).await?),
            Ask::Status { run } => Answer::Row(Box::new(row(client.run(namespace, run).await?)?)),
            Ask::Submission { run } => Answer::Submission(Box::new(client.submission(namespace, run).await?)),
            // They are read over the API, not as files.
            Ask::Logs { .. } => Answer::Logs(Logs { directory: None, lost: None }),
            Ask::Follow { .. } => return Err(Failure::usage("events are followed, not asked for")),
            Ask::Command { run, command, by } => {
                let word = match command {
                    Command::Pause => "pause",
                    Command::Resume => "resume",
                    Command::Stop => "stop",
                    Command::Cancel => "cancel",
                    Command::Kill => "kill",
                };
                client.say(namespace, run, word, &reason(by.why)).await?;
                Answer::Done
            }
            Ask::Approve { run, digest, by } => {
                let digest = digest.map(|digest| digest.to_string());
                client.say(namespace, run, "approve", &Reason { why: by.why, digest }).await?;
                Answer::Done
            }
            Ask::Reject { run, by } => {
                client.say(namespace, run, "reject", &reason(by.why)).await?;
                Answer::Done
            }
            Ask::Resolve { run, address, verdict, by } => {
                client.resolve(namespace, run, &Resolution { address, verdict, why: by.why }).await?;
                Answer::Done
            }
        })
    }

    /// Some lines of a run's output, as they are kept.
    pub(crate) async fn logs(&self, run: RunId, query: &LogQuery) -> Result<windlass_client::Body, Failure> {
        Ok(self.context.client.logs(&self.context.namespace, run, query).await?)
    }

    async fn search(&self, limit: usize, filter: &Filter) -> Result<Vec<Row>, Failure> {
        let Context { client, namespace, .. } = &self.context;
        let joined = |words: Vec<String>| (!words.is_empty()).then(|| words.join(","));
        let labels = filter.labels.iter().flat_map(|(name, values)| {
            let pairs = values.iter().map(move |value| format!("{name}={value}"));
            let any = values.is_empty().then(|| name.clone());
            pairs.chain(any)
        });
        let mut query = RunQuery {
            status: joined(filter.statuses.iter().map(|it| it.word().to_owned()).collect()),
            id: filter.id_begins.clone(),
            plan: joined(filter.plans.clone()),
            user: joined(filter.users.clone()),
            group: joined(filter.groups.iter().map(ToString::to_string).collect()),
            labels: joined(labels.collect()),
            text: filter.text.clone(),
            since: filter.since.map(|time| time.to_string()),
            until: filter.until.map(|time| time.to_string()),
            limit: None,
            cursor: None,
        };
        let mut rows = Vec::new();
        // One that is named by its id is asked for by it, whatever else there is.
        for id in &filter.ids {
            let run = client.run(namespace, *id).await?;
            let row = row(run)?;
            if filter.matches(&row.view) {
                rows.push(row);
            }
        }
        if !filter.ids.is_empty() {
            return Ok(rows);
        }
        loop {
            let left = if limit == 0 { PAGE } else { limit.saturating_sub(rows.len()).min(PAGE) };
            if left == 0 {
                return Ok(rows);
            }
            query.limit = Some(left);
            let page = client.runs(Some(namespace), &query).await?;
            for run in page.items {
                rows.push(row(run)?);
            }
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return Ok(rows),
            }
        }
    }

    async fn find(&self, text: &str) -> Result<RunId, Failure> {
        let Context { client, namespace, .. } = &self.context;
        let unknown = |message: String| {
            Failure::new(Exit::Invalid, code::UNKNOWN_RUN, message)
                .help(format!("`{}` lists the runs there", self.context.typed().command("runs list")))
        };
        if text != "last"
            && let Ok(run) = text.parse::<RunId>()
        {
            return Ok(client.run(namespace, run).await?.id);
        }
        let id = (text != "last").then(|| text.to_ascii_lowercase());
        if id.as_ref().is_some_and(|id| {
            id.is_empty() || !id.chars().all(|char| char.is_ascii_hexdigit() || char == '-')
        }) {
            return Err(unknown(format!(
                "`{text}` is not the id of a run; write an id, the beginning of one, or `last`"
            )));
        }
        let most = if id.is_some() { 2 } else { 1 };
        let found =
            client.runs(Some(namespace), &RunQuery { id, limit: Some(most), ..RunQuery::default() }).await?;
        match found.items.as_slice() {
            [run] => Ok(run.id),
            [] if text == "last" => Err(unknown(format!("there is no run in {namespace} yet"))),
            [] => Err(unknown(format!("there is no run in {namespace} whose id begins with `{text}`"))),
            _ => Err(unknown(format!("several runs have ids that begin with `{text}`"))
                .help("give more of the id")),
        }
    }
}

/// A run of the server as one of ours.
fn row(run: Run) -> Result<Row, Failure> {
    let (is_driven, asked, trouble) = (run.driven, run.asked.clone(), run.trouble.clone());
    Ok(Row { view: view(&run)?, is_driven, asked, needs_person: run.needs_person, trouble })
}

/// Records write times as numbers, answers as texts.
fn view(run: &Run) -> Result<RunView, Failure> {
    let mut value = serde_json::to_value(run).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        map.insert("v".into(), 1.into());
        map.insert("submittedAt".into(), run.submitted_at.0.into());
        for (key, time) in [("startedAt", run.started_at), ("endedAt", run.ended_at)] {
            if let Some(time) = time {
                map.insert(key.into(), time.0.into());
            }
        }
        if let (Some(approval), Some(map)) =
            (&run.approval, map.get_mut("approval").and_then(|it| it.as_object_mut()))
        {
            map.insert("until".into(), approval.until.0.into());
        }
    }
    serde_json::from_value(value).map_err(|error| {
        Failure::new(Exit::Store, code::UNREACHABLE, "the server answered with something else than a run")
            .because(&error)
            .help("is it of this version, or a later one?")
    })
}
