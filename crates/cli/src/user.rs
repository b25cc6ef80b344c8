//! Who sits in front of the terminal.

use std::path::PathBuf;

/// `$WINDLASS_USER`, else the login name of the process's user, else its number.
pub(crate) fn current() -> String {
    let variable = |name| std::env::var(name).ok().filter(|value: &String| !value.trim().is_empty());
    if let Some(user) = variable("WINDLASS_USER") {
        return user;
    }
    let uid = rustix::process::getuid().as_raw();
    // Not $USER: a variable that anybody can set must not be mistaken for who somebody is.
    login_name(uid).unwrap_or_else(|| format!("uid {uid}"))
}

fn login_name(uid: u32) -> Option<String> {
    let accounts = std::fs::read_to_string(PathBuf::from("/etc/passwd")).ok()?;
    let uid = uid.to_string();
    accounts.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}
