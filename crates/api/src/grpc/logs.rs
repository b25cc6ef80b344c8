//! Logs, called.

use futures_util::StreamExt as _;
use tonic::{Request, Response, Status};
use windlass_logs::{Form, Found};
use windlass_rpc::v1;
use windlass_rpc::v1::logs_server::Logs;

use super::messages::{asked_level, level, stamp};
use super::{Calls, Sending, answer, heard, stream};
use crate::answer::Problem;
use crate::runs::look::{self, LogPart, LogPortion};

/// Which lines are told.
pub(super) fn part(asked: v1::FollowRequest) -> Result<LogPart, Problem> {
    let tail = asked.tail.and_then(|tail| usize::try_from(tail).ok());
    let most = asked.most.and_then(|most| usize::try_from(most).ok());
    let mut part = LogPart {
        from: asked.from,
        until: asked.until,
        tail,
        most,
        follow: asked.follow,
        ..LogPart::default()
    };
    part.filter.text = asked.text;
    if let Some(level) = asked_level(asked.level)? {
        part.filter.level = level;
    }
    part.filter.nodes.extend(asked.nodes);
    Ok(part)
}

/// A line as a message.
fn take(found: &Found<'_>, lines: &mut Vec<v1::LogLine>) {
    let Some(record) = &found.record else { return };
    lines.push(v1::LogLine {
        at: Some(stamp(record.at)),
        level: level(record.level).into(),
        source: record.source.word().to_owned(),
        address: record.address.to_owned(),
        attempt: record.attempt,
        node: record.node.unwrap_or_default().to_owned(),
        printed_at: record.printed_at.map(stamp),
        text: record.text.to_vec(),
        goes_on: record.form == Form::Part,
    });
}

#[tonic::async_trait]
impl Logs for Calls {
    type FollowStream = Sending<v1::LogLines>;

    async fn follow(
        &self,
        request: Request<v1::FollowRequest>,
    ) -> Result<Response<Self::FollowStream>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let (namespace, run) = (asked.namespace.clone(), asked.run.clone());
            let (_, lines) = look::logs(&caller, &namespace, &run, || part(asked), take).await?;
            let lines = lines.map(|portion| portion.map_err(|error| Problem::unreadable(&error)));
            Ok(stream(&caller, lines, |LogPortion { lines, next }| v1::LogLines { lines, next }))
        })
        .await
    }
}
