//! `user`: sees to it that an account is there and as described, or is not there.

mod change;
mod keys;

use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use windlass_plugin::{
    About, Call, CallError, Diff, Foresight, Plugin, Reply, Secret, Simulated, Simulation,
};

use self::change::Found;
use super::accounts;
use super::state::{State, judged};

/// Sees to an account.
#[derive(Clone, Copy, Debug, Default)]
pub struct User;

/// What `user` is asked. What is left out stays as it is, and is what the machine chooses for a new account.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The account's name.
    pub name: String,
    /// Whether it shall be there.
    #[serde(default)]
    pub state: State,
    /// Its number.
    #[serde(default)]
    pub uid: Option<u32>,
    /// Its own group: a name or a number. The group must exist.
    #[serde(default)]
    pub group: Option<String>,
    /// The other groups that it is in. They must exist.
    #[serde(default)]
    pub groups: Option<Vec<String>>,
    /// Whether it stays in groups that `groups` does not name.
    #[serde(default)]
    pub append: bool,
    /// What is said of it; most often the full name of a person.
    #[serde(default)]
    pub comment: Option<String>,
    /// Its home directory.
    #[serde(default)]
    pub home: Option<String>,
    /// Whether a new account's home directory is made, and moved along where `home` changes; left out, it is
    /// except for a system account.
    #[serde(default)]
    pub make_home: Option<bool>,
    /// The shell that it logs in to.
    #[serde(default)]
    pub shell: Option<String>,
    /// The hash of its password, as it stands in `/etc/shadow`: `openssl passwd -6` makes one. `!` or `*` mean that no
    /// password fits.
    #[serde(default)]
    pub password_hash: Option<Secret>,
    /// Public keys that may log in by SSH, each a line of `~/.ssh/authorized_keys`.
    #[serde(default)]
    pub authorized_keys: Vec<String>,
    /// Whether keys that `authorizedKeys` does not name are taken out of that file.
    #[serde(default)]
    pub only_these_keys: bool,
    /// Whether a new account gets its number from those of the system.
    #[serde(default)]
    pub system: bool,
    /// Whether the home directory goes with an account that is removed.
    #[serde(default)]
    pub remove_home: bool,
}

/// What was done.
#[derive(Clone, Debug, Default, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Response {
    /// Its number; null where the account is not there.
    pub uid: Option<u32>,
    /// The number of its own group.
    pub gid: Option<u32>,
    /// Its home directory.
    pub home: Option<String>,
    /// What was changed; null where nothing was. Passwords are not shown.
    pub diff: Option<Diff>,
}

// === impl User ===

impl Plugin for User {
    type Request = Request;
    type Response = Response;

    fn about(&self) -> About {
        About::acting("user", "sees to it that an account is there or not")
            .on_target()
            .description(
                "Knows the accounts of the machine's own files. Works with `useradd` and its kin; with those of BusyBox, too, \
                 which cannot change an account that is there, except its groups and its password.\n\nThe password's hash goes \
                 over standard input and is shown nowhere. The file of keys is written without following links, with the account \
                 as its owner; a key is known by its body, so a changed comment replaces the line.",
            )
            .idempotent()
            .example(
                "a person with two keys",
                json!({"name": "ada", "comment": "Ada Lovelace", "groups": ["sudo"], "append": true, "shell": "/bin/bash",
                       "authorizedKeys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9Wm0M0R1mSmN1Z0mJd0Zs3X1Y8Tq9xVvUu0k3sJ5aB ada@desk"]}),
            )
            .example(
                "an account for a daemon",
                json!({"name": "app", "system": true, "home": "/var/lib/app", "shell": "/usr/sbin/nologin"}),
            )
            .example("remove an account with its home", json!({"name": "bob", "state": "absent", "removeHome": true}))
    }

    fn validate(&self, request: &Request) -> Result<(), Vec<String>> {
        let mut problems: Vec<String> = accounts::bad_name("name", &request.name).into_iter().collect();
        let texts = [
            ("comment", &request.comment),
            ("home", &request.home),
            ("shell", &request.shell),
            ("group", &request.group),
        ];
        problems.extend(
            texts.into_iter().filter_map(|(field, text)| accounts::bad_field(field, text.as_deref()?)),
        );
        for (field, path) in [("home", &request.home), ("shell", &request.shell)] {
            if path.as_ref().is_some_and(|path| !path.starts_with('/')) {
                problems.push(format!("`{field}`: it must be an absolute path"));
            }
        }
        for (index, group) in request.groups.iter().flatten().enumerate() {
            problems.extend(accounts::bad_name(&format!("groups.{index}"), group));
        }
        if let Some(hash) = &request.password_hash
            && accounts::bad_field("passwordHash", hash.expose()).is_some()
        {
            problems.push("`passwordHash`: it holds a colon or a line break".into());
        }
        // The mistake is common, and the account would be one that nobody can log in to.
        if let Some(hash) = &request.password_hash
            && !hash.expose().starts_with(['$', '!', '*', '_'])
        {
            problems
                .push("`passwordHash`: this is no hash; `openssl passwd -6` makes one of a password".into());
        }
        for (index, key) in request.authorized_keys.iter().enumerate() {
            problems.extend(keys::bad(key).map(|why| format!("`authorizedKeys.{index}`: {why}")));
        }
        if request.append && request.groups.is_none() {
            problems.push("`append`: it says something only of `groups`".into());
        }
        judged(problems)
    }

    async fn call(&self, call: Call, request: Request) -> Result<Reply<Response>, CallError> {
        let found = Found::look(&request).await?;
        let diff = found.diff(&request)?;
        let mut response = Response { diff: diff.clone().some(), ..Response::default() };
        if !diff.is_empty() {
            found.change(&request, &call).await?;
        }
        if let Some(account) = accounts::account(&request.name).await? {
            response.uid = Some(account.uid);
            response.gid = Some(account.gid);
            response.home = Some(account.home.clone());
            if request.state == State::Present
                && (!request.authorized_keys.is_empty() || request.only_these_keys)
            {
                keys::apply(&account, &request.authorized_keys, request.only_these_keys)?;
            }
        }
        Ok(Reply { response, changed: !diff.is_empty() })
    }

    async fn noop(&self, _: Call, request: Request) -> Result<Foresight, CallError> {
        let found = Found::look(&request).await?;
        match found.diff(&request) {
            Ok(diff) => Ok(Foresight::of(diff)),
            // A group that is missing may be what an earlier action would add.
            Err(error) if error.code == change::NO_GROUP => Ok(Foresight::unknown(error.message)),
            Err(error) => Err(error),
        }
    }

    fn simulate(&self, simulation: &Simulation<'_>, request: &Request) -> Simulated<Response> {
        let after = simulation.plausible(Duration::from_millis(50), Duration::from_millis(500));
        let is_there = request.state == State::Present;
        let home = request.home.clone().unwrap_or_else(|| format!("/home/{}", request.name));
        Simulated::changed(
            after,
            Some(Response {
                uid: is_there.then(|| request.uid.unwrap_or(1000)),
                gid: is_there.then(|| request.uid.unwrap_or(1000)),
                home: is_there.then_some(home),
                diff: None,
            }),
        )
    }
}
