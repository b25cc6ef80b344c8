//! `group`: sees to it that a group of users is there, or is not.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::json;
use windlass_plugin::{About, Call, CallError, Diff, Foresight, Plugin, Reply, Simulated, Simulation};

use super::accounts::{self, Group as Entry};
use super::state::{Done, State, judged, replied};
use super::tool::{self, Tool};

/// Sees to a group of users.
#[derive(Clone, Copy, Debug, Default)]
pub struct Group;

/// What `group` is asked.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// Its name.
    pub name: String,
    /// Whether it shall be there.
    #[serde(default)]
    pub state: State,
    /// Its number; left out, a new one gets the next that is free.
    #[serde(default)]
    pub gid: Option<u32>,
    /// Whether a new one gets its number from those of the system.
    #[serde(default)]
    pub system: bool,
}

// === impl Request ===

impl Request {
    fn diff(&self, found: Option<&Entry>) -> Diff {
        let shown = |gid: Option<u32>| gid.map_or_else(|| "present".to_owned(), |gid| format!("gid {gid}"));
        match (self.state, found) {
            (State::Present, None) => {
                Diff::default().line(format_args!("group {}: absent -> {}", self.name, shown(self.gid)))
            }
            (State::Present, Some(found)) => match self.gid.filter(|gid| *gid != found.gid) {
                Some(gid) => {
                    Diff::default().property(format_args!("group {}: gid", self.name), found.gid, gid)
                }
                None => Diff::default(),
            },
            (State::Absent, Some(found)) => {
                Diff::default().line(format_args!("group {}: gid {} -> absent", self.name, found.gid))
            }
            (State::Absent, None) => Diff::default(),
        }
    }
}

// === impl Group ===

impl Plugin for Group {
    type Request = Request;
    type Response = Done;

    fn about(&self) -> About {
        About::acting("group", "sees to it that a group of users is there or not")
            .on_target()
            .description(
                "Works with `groupadd` and its kin, or with those of BusyBox, which cannot change a number. Files keep \
                 the number that they had.",
            )
            .idempotent()
            .example("add a group", json!({"name": "deploy", "gid": 1500}))
            .example("remove one", json!({"name": "games", "state": "absent"}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        judged(accounts::bad_name("name", &request.name).into_iter().collect())
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Done>, CallError> {
        let found = accounts::group(&request.name).await?;
        let diff = request.diff(found.as_ref());
        if diff.is_empty() {
            return Ok(replied(diff));
        }
        let tool = match (request.state, &found) {
            (State::Absent, _) => Tool::act(accounts::either("groupdel", "delgroup")?),
            (State::Present, None) => {
                let program = accounts::either("groupadd", "addgroup")?;
                let is_large = program == "groupadd";
                let mut tool = Tool::act(program);
                if request.system {
                    tool = tool.arg(if is_large { "--system" } else { "-S" });
                }
                match request.gid {
                    Some(gid) => tool.arg("-g").arg(gid.to_string()),
                    None => tool,
                }
            }
            (State::Present, Some(_)) => {
                if tool::find("groupmod").is_none() {
                    return Err(tool::missing(
                        "groupmod",
                        "without it, the number of a group cannot be changed",
                    ));
                }
                Tool::act("groupmod").arg("-g").arg(request.gid.unwrap_or_default().to_string())
            }
        };
        accounts::change(&call, tool.arg(&request.name)).await?;
        Ok(replied(diff))
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        let found = accounts::group(&request.name).await?;
        Ok(Foresight::of(request.diff(found.as_ref())))
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Done> {
        let after = simulation.plausible(Duration::from_millis(20), Duration::from_millis(200));
        let found = Entry { name: request.name.clone(), gid: 1000, members: Vec::new() };
        let found = (request.state == State::Absent).then_some(found);
        Simulated::changed(after, Some(Done { diff: request.diff(found.as_ref()).some() }))
    }
}
