//! What is to be changed of an account, and the programs that change it.

use std::path::Path;

use windlass_plugin::{Call, CallError, Diff};

use super::{Request, keys};
use crate::system::accounts::{self, Account, Group};
use crate::system::state::State;
use crate::system::tool::{self, Tool};

/// What was found.
#[derive(Debug)]
pub(super) struct Found {
    account: Option<Account>,
    groups: Vec<Group>,
    /// What stands in the place of its password, where it was asked for.
    password: Option<String>,
    /// What the file of keys lacks, and has too much.
    keys: Diff,
}

/// The code of a group that does not exist.
pub(super) const NO_GROUP: &str = "unknownGroup";

// === impl Found ===

impl Found {
    pub(super) async fn look(request: &Request) -> Result<Self, CallError> {
        let account = accounts::account(&request.name).await?;
        let groups = accounts::groups().await?;
        let password = match &request.password_hash {
            Some(_) => accounts::password(&request.name).await?,
            None => None,
        };
        let home = request.home.as_deref().or(account.as_ref().map(|account| account.home.as_str()));
        let keys = keys::diff(home.map(Path::new), &request.authorized_keys, request.only_these_keys)?;
        Ok(Self { account, groups, password, keys })
    }

    pub(super) fn diff(&self, request: &Request) -> Result<Diff, CallError> {
        let name = &request.name;
        let Some(account) = &self.account else {
            return match request.state {
                State::Absent => Ok(Diff::default()),
                State::Present => self.diff_of_new(request),
            };
        };
        if request.state == State::Absent {
            let diff = Diff::default().line(format_args!("user {name}: uid {} -> absent", account.uid));
            let home =
                request.remove_home && is_removable(&account.home) && Path::new(&account.home).exists();
            return Ok(if home { diff.property(&account.home, "directory", "absent") } else { diff });
        }
        let mut diff = Diff::default();
        let mut compare = |what: &str, before: &str, after: Option<String>| {
            if let Some(after) = after {
                diff = std::mem::take(&mut diff).property(format_args!("user {name}: {what}"), before, after);
            }
        };
        compare("uid", &account.uid.to_string(), request.uid.map(|uid| uid.to_string()));
        let gid = self.gid(request)?;
        compare("gid", &account.gid.to_string(), gid.map(|gid| gid.to_string()));
        compare("comment", &account.comment, request.comment.clone());
        compare("home", &account.home, request.home.clone());
        compare("shell", &account.shell, request.shell.clone());
        let (before, after) = (self.memberships(name), self.wanted_memberships(request)?);
        compare("groups", &before.join(","), after.map(|after| after.join(",")));
        if self.is_other_password(request) {
            diff = diff.line(format_args!("user {name}: password: another one"));
        }
        Ok(diff.and(&self.keys))
    }

    fn diff_of_new(&self, request: &Request) -> Result<Diff, CallError> {
        let (gid, groups) = (self.gid(request)?, self.wanted_memberships(request)?);
        let mut about = Vec::new();
        about.extend(request.uid.map(|uid| format!("uid {uid}")));
        about.extend(gid.map(|gid| format!("gid {gid}")));
        about.extend(
            groups.filter(|groups| !groups.is_empty()).map(|groups| format!("groups {}", groups.join(","))),
        );
        about.extend(request.home.as_ref().map(|home| format!("home {home}")));
        about.extend(request.shell.as_ref().map(|shell| format!("shell {shell}")));
        let about = if about.is_empty() { "present".to_owned() } else { about.join(", ") };
        Ok(Diff::default().line(format_args!("user {}: absent -> {about}", request.name)).and(&self.keys))
    }

    /// Makes it so.
    pub(super) async fn change(&self, request: &Request, call: &Call) -> Result<(), CallError> {
        match (&self.account, request.state) {
            (Some(account), State::Absent) => self.remove(request, account, call).await,
            (None, State::Absent) => Ok(()),
            (None, State::Present) => {
                self.add(request, call).await?;
                self.set_password(request, call).await
            }
            (Some(account), State::Present) => {
                self.modify(request, account, call).await?;
                self.set_password(request, call).await
            }
        }
    }

    async fn add(&self, request: &Request, call: &Call) -> Result<(), CallError> {
        let make_home = request.make_home.unwrap_or(!request.system);
        let uid = request.uid.map(|uid| uid.to_string());
        let groups = request.groups.iter().flatten();
        let program = accounts::either("useradd", "adduser")?;
        let is_large = program == "useradd";
        let mut tool = Tool::act(program);
        let mut put = |flag: &str, value: Option<&String>| {
            if let Some(value) = value {
                tool = tool.clone().arg(flag).arg(value);
            }
        };
        put("-u", uid.as_ref());
        put(if is_large { "-c" } else { "-g" }, request.comment.as_ref());
        put(if is_large { "-d" } else { "-h" }, request.home.as_ref());
        put("-s", request.shell.as_ref());
        if is_large {
            put("-g", request.group.as_ref());
            let groups: Vec<&str> = groups.clone().map(String::as_str).collect();
            put("-G", (!groups.is_empty()).then(|| groups.join(",")).as_ref());
            tool = tool.arg(if make_home { "-m" } else { "-M" });
            if request.system {
                tool = tool.arg("-r");
            }
            return accounts::change(call, tool.arg(&request.name)).await;
        }
        put("-G", request.group.as_ref());
        tool = tool.arg("-D");
        if !make_home {
            tool = tool.arg("-H");
        }
        if request.system {
            tool = tool.arg("-S");
        }
        accounts::change(call, tool.arg(&request.name)).await?;
        for group in groups {
            accounts::change(call, Tool::act("addgroup").args([&request.name, group])).await?;
        }
        Ok(())
    }

    async fn modify(&self, request: &Request, account: &Account, call: &Call) -> Result<(), CallError> {
        let mut args: Vec<String> = Vec::new();
        let mut put = |flag: &str, value: Option<String>, before: &str| {
            if let Some(value) = value.filter(|value| value != before) {
                args.extend([flag.to_owned(), value]);
                return true;
            }
            false
        };
        put("-u", request.uid.map(|uid| uid.to_string()), &account.uid.to_string());
        put("-g", self.gid(request)?.map(|gid| gid.to_string()), &account.gid.to_string());
        put("-c", request.comment.clone(), &account.comment);
        put("-s", request.shell.clone(), &account.shell);
        let moves = put("-d", request.home.clone(), &account.home);
        if moves && request.make_home.unwrap_or(!request.system) {
            args.push("-m".into());
        }
        let before = self.memberships(&request.name);
        let after = self.wanted_memberships(request)?.filter(|after| *after != before);
        if tool::find("usermod").is_some() {
            if let Some(after) = after {
                args.extend(["-G".into(), after.join(",")]);
            }
            if args.is_empty() {
                return Ok(());
            }
            return accounts::change(call, Tool::act("usermod").args(args).arg(&request.name)).await;
        }
        if !args.is_empty() {
            return Err(tool::missing("usermod", "without it, an account that is there cannot be changed"));
        }
        let after = after.unwrap_or_else(|| before.clone());
        for group in after.iter().filter(|group| !before.contains(group)) {
            accounts::change(call, Tool::act("addgroup").args([&request.name, group])).await?;
        }
        for group in before.iter().filter(|group| !after.contains(group)) {
            accounts::change(call, Tool::act("delgroup").args([&request.name, group])).await?;
        }
        Ok(())
    }

    async fn remove(&self, request: &Request, account: &Account, call: &Call) -> Result<(), CallError> {
        let home = request.remove_home && is_removable(&account.home);
        let program = accounts::either("userdel", "deluser")?;
        let mut tool = Tool::act(program);
        if home {
            tool = tool.arg(if program == "userdel" { "-r" } else { "--remove-home" });
        }
        accounts::change(call, tool.arg(&request.name)).await
    }

    async fn set_password(&self, request: &Request, call: &Call) -> Result<(), CallError> {
        let Some(hash) = request.password_hash.as_ref().filter(|_| self.is_other_password(request)) else {
            return Ok(());
        };
        if tool::find("chpasswd").is_none() {
            return Err(tool::missing("chpasswd", "without it, a password cannot be set"));
        }
        let line = format!("{}:{}\n", request.name, hash.expose());
        accounts::change(call, Tool::act("chpasswd").arg("-e").stdin(line)).await
    }

    fn is_other_password(&self, request: &Request) -> bool {
        let wanted = request.password_hash.as_ref().map(windlass_plugin::Secret::expose);
        wanted.is_some() && wanted != self.password.as_deref()
    }

    /// The number of the group that shall be its own, where one is named.
    fn gid(&self, request: &Request) -> Result<Option<u32>, CallError> {
        let Some(group) = &request.group else { return Ok(None) };
        let known = self.groups.iter().find(|known| known.name == *group);
        match (known, group.parse()) {
            (Some(known), _) => Ok(Some(known.gid)),
            (None, Ok(number)) => Ok(Some(number)),
            (None, Err(_)) => Err(no_group(group)),
        }
    }

    /// The groups that it is in, without its own.
    fn memberships(&self, name: &str) -> Vec<String> {
        let in_it = self.groups.iter().filter(|group| group.members.iter().any(|member| member == name));
        let mut names: Vec<String> = in_it.map(|group| group.name.clone()).collect();
        names.sort();
        names
    }

    fn wanted_memberships(&self, request: &Request) -> Result<Option<Vec<String>>, CallError> {
        let Some(groups) = &request.groups else { return Ok(None) };
        if let Some(missing) =
            groups.iter().find(|name| !self.groups.iter().any(|known| known.name == **name))
        {
            return Err(no_group(missing));
        }
        let mut wanted = groups.clone();
        if request.append {
            wanted.extend(self.memberships(&request.name));
        }
        wanted.sort();
        wanted.dedup();
        Ok(Some(wanted))
    }
}

/// A home that is a directory of the system is nobody's to remove.
fn is_removable(home: &str) -> bool {
    const KEPT: &[&str] = &[
        "", "/bin", "/dev", "/etc", "/home", "/lib", "/opt", "/proc", "/root", "/run", "/sbin", "/srv",
        "/sys", "/tmp", "/usr", "/var",
    ];
    !KEPT.contains(&home.trim_end_matches('/'))
}

fn no_group(name: &str) -> CallError {
    CallError::permanent(NO_GROUP, format!("there is no group `{name}`; add it first, with `use: group`"))
}
