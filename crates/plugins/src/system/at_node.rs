//! Asks the node of a call by a script: over its connection, or here where the node is this machine.

use std::collections::BTreeMap;

use serde_json::json;
use windlass_plugin::{Call, CallError, Line, NodeAsk, Output, Plugin as _, Span, Value};

use crate::shell::Shell;

/// A script for the node.
#[derive(Clone, Debug)]
pub(super) struct Script<'a> {
    pub(super) text: &'a str,
    pub(super) args: &'a [String],
    pub(super) env: BTreeMap<&'a str, String>,
    /// How long it may take, reaching the node included.
    pub(super) within: Span,
    pub(super) line: Line,
    /// Whether what it prints is output of the action.
    pub(super) shown: bool,
}

/// How it ended.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) code: i64,
    pub(super) stdout: String,
    pub(super) last_line: String,
}

// === impl Script ===

impl Script<'_> {
    pub(super) async fn run(self, call: &Call) -> Result<Ended, CallError> {
        let request = json!({"script": self.text, "args": self.args, "env": self.env, "exitCodes": "all"});
        let output = if self.shown { call.output.clone() } else { Output::default() };
        let call = Call { output, deadline_in: self.within.0, ..call.clone() };
        let response = match call.at_node.calls() {
            Some(node) => {
                let ask = NodeAsk { plugin: "shell".into(), request, within: self.within.0, line: self.line };
                node.ask(&call, ask).await?.response
            }
            None => {
                let request = serde_json::from_value(request)?;
                let reply = tokio::time::timeout(self.within.0, Shell.call(call, request)).await;
                let late =
                    || CallError::retryable("timeout", format!("it did not end within {}", self.within));
                serde_json::to_value(reply.unwrap_or_else(|_| Err(late()))?.response)?
            }
        };
        let text = |key: &str| response.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (stdout, stderr) = (text("stdout"), text("stderr"));
        let last =
            |text: &str| text.lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned);
        Ok(Ended {
            code: response.get("exitCode").and_then(Value::as_i64).unwrap_or(-1),
            last_line: last(&stderr).or_else(|| last(&stdout)).unwrap_or_default(),
            stdout,
        })
    }
}
