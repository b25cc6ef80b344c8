//! The list of all plugins.

use windlass_plugin::{Registry, RegistryError};

use crate::files::{absent, archive, directory, fetch, file, line, link, replace, section};
use crate::system::{
    cron, disk_free, git, group, hostname, load, mount, package, puppet, reboot, repository, service, sysctl,
    user, wait, wait_login,
};
use crate::{command, facts, fail, file_contains, file_exists, http, noop, port_open, script, shell, sleep};

/// A plugin's name, and what registers it.
type Row = (&'static str, fn(&mut Registry) -> Result<(), RegistryError>);

/// All of them, by name.
const ROWS: &[Row] = &[
    ("absent", |registry| registry.register(absent::Absent)),
    ("archive", |registry| registry.register(archive::Archive)),
    ("command", |registry| registry.register(command::Command)),
    ("command.check", |registry| registry.register(command::CommandCheck)),
    ("cron", |registry| registry.register(cron::Cron)),
    ("directory", |registry| registry.register(directory::Directory)),
    ("disk.free", |registry| registry.register(disk_free::DiskFree)),
    ("facts", |registry| registry.register(facts::FactsOf)),
    ("fail", |registry| registry.register(fail::Fail)),
    ("fail.check", |registry| registry.register(fail::FailCheck)),
    ("fetch", |registry| registry.register(fetch::Fetch)),
    ("file", |registry| registry.register(file::File)),
    ("file.contains", |registry| registry.register(file_contains::FileContains)),
    ("file.exists", |registry| registry.register(file_exists::FileExists)),
    ("git", |registry| registry.register(git::Git)),
    ("group", |registry| registry.register(group::Group)),
    ("hostname", |registry| registry.register(hostname::Hostname)),
    ("http", |registry| registry.register(http::Http)),
    ("http.check", |registry| registry.register(http::HttpCheck)),
    ("line", |registry| registry.register(line::Line)),
    ("link", |registry| registry.register(link::Link)),
    ("load", |registry| registry.register(load::Load)),
    ("mount", |registry| registry.register(mount::Mount)),
    ("noop", |registry| registry.register(noop::Noop)),
    ("noop.check", |registry| registry.register(noop::NoopCheck)),
    ("package", |registry| registry.register(package::Package)),
    ("port.open", |registry| registry.register(port_open::PortOpen)),
    ("puppet.agent", |registry| registry.register(puppet::PuppetAgent)),
    ("puppet.apply", |registry| registry.register(puppet::PuppetApply)),
    ("reboot", |registry| registry.register(reboot::Reboot)),
    ("replace", |registry| registry.register(replace::Replace)),
    ("repository", |registry| registry.register(repository::Repository)),
    ("script", |registry| registry.register(script::Script)),
    ("section", |registry| registry.register(section::Section)),
    ("service", |registry| registry.register(service::Service)),
    ("service.running", |registry| registry.register(service::ServiceRunning)),
    ("shell", |registry| registry.register(shell::Shell)),
    ("shell.check", |registry| registry.register(shell::ShellCheck)),
    ("sleep", |registry| registry.register(sleep::Sleep)),
    ("sysctl", |registry| registry.register(sysctl::Sysctl)),
    ("user", |registry| registry.register(user::User)),
    ("wait.command", |registry| registry.register(wait::WaitCommand::default())),
    ("wait.file", |registry| registry.register(wait::WaitFile::default())),
    ("wait.http", |registry| registry.register(wait::WaitHttp::default())),
    ("wait.login", |registry| registry.register(wait_login::WaitLogin)),
    ("wait.port", |registry| registry.register(wait::WaitPort::default())),
];

/// A registry with all of them.
pub fn standard() -> Result<Registry, RegistryError> {
    let mut registry = Registry::new();
    register(&mut registry)?;
    Ok(registry)
}

/// Adds all of them to a registry.
pub fn register(registry: &mut Registry) -> Result<(), RegistryError> {
    ROWS.iter().try_for_each(|(_, register)| register(registry))
}

/// Adds the one of a name, if there is one. Whoever needs one has no use for what all the others say of themselves.
pub fn register_named(registry: &mut Registry, name: &str) -> Result<(), RegistryError> {
    let row = ROWS.iter().find(|(named, _)| *named == name);
    row.map_or(Ok(()), |(_, register)| register(registry))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_found_by_its_own_name() {
        for (name, _) in ROWS {
            let mut registry = Registry::trusting();
            register_named(&mut registry, name).unwrap();
            assert_eq!(registry.names().collect::<Vec<_>>(), [*name]);
        }
        let mut registry = Registry::trusting();
        register_named(&mut registry, "nothing").unwrap();
        assert_eq!(registry.names().count(), 0);
    }
}
