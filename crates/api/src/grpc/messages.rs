//! Messages made of what is answered, and what is asked made of messages.

use prost::Message;
use prost_types::Timestamp;
use serde::de::DeserializeOwned;
use windlass_contract as said;
use windlass_model::Value;
use windlass_model::log_level::LogLevel;
use windlass_model::outcome::{RunStatus, Status};
use windlass_model::time::Time;
use windlass_objects::{Error, Kind, Name, Scope, kinds};
use windlass_rpc::v1;

use crate::answer::Problem;
use crate::runs::look::ToldEvent;

/// A text of a message; nothing where it is empty.
pub(super) fn given(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

/// The kind of a name or plural.
pub(super) fn kind(text: &str) -> Result<&'static Kind, Problem> {
    let kind = kinds::all().iter().find(|kind| kind.name == text || kind.plural == text);
    Ok(*kind.ok_or_else(|| Error::UnknownKind(text.to_owned()))?)
}

/// The namespace in which objects of a kind are meant; none where they are those of all.
pub(super) fn namespace(kind: &Kind, namespace: String) -> Result<Option<String>, Problem> {
    match kind.scope {
        Scope::Global if !namespace.is_empty() => {
            Err(Problem::bad(format!("a {} lies in no namespace", kind.name)))
        }
        _ => Ok(given(namespace)),
    }
}

/// Where an object is.
pub(super) fn name(kind: &Kind, within: String, name: String) -> Result<Name, Problem> {
    if name.is_empty() {
        return Err(Problem::bad("`name` is empty"));
    }
    match (kind.scope, namespace(kind, within)?) {
        (Scope::Namespaced, None) => Err(Problem::bad(format!("a {} lies in a `namespace`", kind.name))),
        (_, namespace) => Ok(Name { namespace, name }),
    }
}

/// JSON in a field of a message.
pub(super) fn json<T: DeserializeOwned>(field: &str, text: &str) -> Result<T, Problem> {
    serde_json::from_str(text).map_err(|error| Problem::bad(format!("`{field}`: {error}")))
}

/// JSON for a field of a message; nothing for null.
pub(super) fn text(value: &Value) -> String {
    if value.is_null() { String::new() } else { value.to_string() }
}

/// A point in time, to the microsecond.
pub(super) fn stamp(time: Time) -> Timestamp {
    let seconds = i64::try_from(time.0 / 1_000_000).unwrap_or(i64::MAX);
    let nanos = i32::try_from(time.0 % 1_000_000).unwrap_or_default().saturating_mul(1000);
    Timestamp { seconds, nanos }
}

pub(super) fn time(field: &str, stamp: Timestamp) -> Result<Time, Problem> {
    let wrong = || Problem::bad(format!("`{field}` is no time since 1970"));
    let seconds = u64::try_from(stamp.seconds).map_err(|_| wrong())?;
    let nanos = u32::try_from(stamp.nanos).ok().filter(|nanos| *nanos < 1_000_000_000).ok_or_else(wrong)?;
    let micros = seconds.checked_mul(1_000_000).and_then(|it| it.checked_add(u64::from(nanos / 1000)));
    micros.map(Time).ok_or_else(wrong)
}

pub(super) fn object(object: said::Object) -> v1::Object {
    let said::Object { api_version, kind, metadata, spec, status } = object;
    let metadata = v1::Metadata {
        name: metadata.name,
        namespace: metadata.namespace.unwrap_or_default(),
        uid: metadata.uid.to_string(),
        labels: metadata.labels.into_iter().collect(),
        annotations: metadata.annotations.into_iter().collect(),
        version: metadata.version,
        created_at: Some(stamp(metadata.created_at)),
        updated_at: Some(stamp(metadata.updated_at)),
    };
    v1::Object {
        api_version,
        kind,
        metadata: Some(metadata),
        spec_json: spec.to_string(),
        status_json: text(&status),
    }
}

pub(super) fn applied(applied: said::AppliedObject) -> v1::AppliedObject {
    let word = match applied.applied {
        said::Applied::Created => v1::Applied::Created,
        said::Applied::Changed => v1::Applied::Changed,
        said::Applied::Unchanged => v1::Applied::Unchanged,
    };
    v1::AppliedObject { applied: word.into(), object: Some(object(applied.object)) }
}

pub(super) fn change(changed: said::Changed) -> v1::ObjectChange {
    use v1::object_change::What;
    let what = match changed.what {
        said::What::Created => What::Created,
        said::What::Updated => What::Updated,
        said::What::Deleted => What::Deleted,
    };
    v1::ObjectChange { what: what.into(), version: changed.version, object: Some(object(changed.object)) }
}

pub(super) fn revision(revision: said::OneRevision) -> v1::Revision {
    let said::OneRevision { number, by, at, spec } = revision;
    v1::Revision { number, by, at: at.parse().ok().map(stamp), spec_json: spec.to_string() }
}

pub(super) fn difference(difference: said::Difference) -> v1::Difference {
    let said::Difference { pointer, from, to } = difference;
    let text = |value: Option<Value>| value.map(|value| value.to_string());
    v1::Difference { pointer, from_json: text(from), to_json: text(to) }
}

pub(super) fn run_status(status: RunStatus) -> v1::RunStatus {
    match status {
        RunStatus::Submitted => v1::RunStatus::Submitted,
        RunStatus::AwaitingApproval => v1::RunStatus::AwaitingApproval,
        RunStatus::Running => v1::RunStatus::Running,
        RunStatus::Paused => v1::RunStatus::Paused,
        RunStatus::Succeeded => v1::RunStatus::Succeeded,
        RunStatus::Failed => v1::RunStatus::Failed,
        RunStatus::Stopped => v1::RunStatus::Stopped,
    }
}

pub(super) fn asked_status(status: i32) -> Result<RunStatus, Problem> {
    Ok(match v1::RunStatus::try_from(status) {
        Ok(v1::RunStatus::Submitted) => RunStatus::Submitted,
        Ok(v1::RunStatus::AwaitingApproval) => RunStatus::AwaitingApproval,
        Ok(v1::RunStatus::Running) => RunStatus::Running,
        Ok(v1::RunStatus::Paused) => RunStatus::Paused,
        Ok(v1::RunStatus::Succeeded) => RunStatus::Succeeded,
        Ok(v1::RunStatus::Failed) => RunStatus::Failed,
        Ok(v1::RunStatus::Stopped) => RunStatus::Stopped,
        Ok(v1::RunStatus::Unspecified) | Err(_) => {
            return Err(Problem::bad(format!("`{status}` is no status of a run")));
        }
    })
}

pub(super) fn target_status(status: Status) -> v1::target_state::Status {
    use v1::target_state::Status as Told;
    match status {
        Status::Pending => Told::Pending,
        Status::Running => Told::Running,
        Status::Succeeded => Told::Succeeded,
        Status::Failed => Told::Failed,
        Status::Skipped => Told::Skipped,
        Status::Stopped => Told::Stopped,
    }
}

pub(super) fn level(level: LogLevel) -> v1::Level {
    match level {
        LogLevel::Debug => v1::Level::Debug,
        LogLevel::Info => v1::Level::Info,
        LogLevel::Warn => v1::Level::Warn,
        LogLevel::Error => v1::Level::Error,
    }
}

pub(super) fn asked_level(level: i32) -> Result<Option<LogLevel>, Problem> {
    Ok(match v1::Level::try_from(level) {
        Ok(v1::Level::Unspecified) => None,
        Ok(v1::Level::Debug) => Some(LogLevel::Debug),
        Ok(v1::Level::Info) => Some(LogLevel::Info),
        Ok(v1::Level::Warn) => Some(LogLevel::Warn),
        Ok(v1::Level::Error) => Some(LogLevel::Error),
        Err(_) => return Err(Problem::bad(format!("`{level}` is no level"))),
    })
}

pub(super) fn event(event: ToldEvent) -> v1::RunEvent {
    let ToldEvent { seq, at, kind, value } = event;
    v1::RunEvent { seq, at: Some(stamp(at)), kind, event_json: value.to_string() }
}

pub(super) fn run(run: said::Run) -> v1::Run {
    v1::Run {
        id: run.id.to_string(),
        group: run.group.to_string(),
        retry_of: run.retry_of.map(|it| it.to_string()).unwrap_or_default(),
        plan: run.plan,
        description: run.description,
        labels: run.labels.into_iter().collect(),
        step_set: run.step_set,
        user: run.user,
        targets: run.targets,
        noop: run.noop,
        submitted_at: Some(stamp(run.submitted_at)),
        started_at: run.started_at.map(stamp),
        ended_at: run.ended_at.map(stamp),
        status: run_status(run.status).into(),
        reason: run.reason.map(|it| v1::RunReason {
            kind: serde_json::json!(it.kind).as_str().unwrap_or_default().to_owned(),
            address: it.address,
            message: it.message,
        }),
        approval: run.approval.map(|it| v1::RunApproval {
            quorum: it.quorum,
            until: Some(stamp(it.until)),
            by: it.by,
        }),
        seq: run.seq,
        driven: run.driven,
        asked: run.asked,
        needs_person: run.needs_person,
        trouble: run.trouble.unwrap_or_default(),
    }
}

/// Looks at bytes as a server looks at those of every call: for tests that hand it any.
pub fn look(bytes: &[u8]) {
    fn take<M: Message + Default + PartialEq + std::fmt::Debug>(bytes: &[u8], ask: impl FnOnce(M)) {
        let Ok(message) = M::decode(bytes) else { return };
        let again = M::decode(message.encode_to_vec().as_slice());
        assert_eq!(again.as_ref(), Ok(&message), "a message changed");
        ask(message);
    }
    take(bytes, |asked: v1::GetRequest| {
        let _ = kind(&asked.kind).and_then(|kind| name(kind, asked.namespace, asked.name));
    });
    take(bytes, |asked: v1::ListRequest| {
        let _ = kind(&asked.kind).and_then(|kind| namespace(kind, asked.namespace));
        let _ = windlass_objects::Selector::read(Some(&asked.labels), Some(&asked.fields));
    });
    take(bytes, |asked: v1::ApplyRequest| {
        let _ = json::<Value>("document_json", &asked.document_json);
    });
    take(bytes, |asked: v1::PatchRequest| {
        let _ = asked.patch.map(super::objects::patch);
    });
    take(bytes, |_: v1::CreateRequest| ());
    take(bytes, |_: v1::ReplaceRequest| ());
    take(bytes, |_: v1::DeleteRequest| ());
    take(bytes, |_: v1::WatchRequest| ());
    take(bytes, |_: v1::RevisionsRequest| ());
    take(bytes, |_: v1::DiffRequest| ());
    take(bytes, |asked| drop(super::runs::new_run(asked)));
    take(bytes, |asked| drop(super::runs::listing(asked)));
    take(bytes, |asked| drop(super::runs::retry(asked)));
    take(bytes, |asked| drop(super::runs::resolution(asked)));
    take(bytes, |asked: v1::WatchStateRequest| drop(asked.since.map(super::runs::since)));
    take(bytes, |_: v1::ControlRequest| ());
    take(bytes, |_: v1::EventsRequest| ());
    take(bytes, |_: v1::ReportRequest| ());
    take(bytes, |asked| drop(super::logs::part(asked)));
}
