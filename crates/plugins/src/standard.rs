//! The list of all plugins.

use windlass_plugin::{Registry, RegistryError};

use crate::files::{absent, archive, directory, fetch, file, line, link, replace, section};
use crate::{command, facts, fail, file_contains, file_exists, http, noop, port_open, script, shell, sleep};

/// A registry with all of them.
pub fn standard() -> Result<Registry, RegistryError> {
    let mut registry = Registry::new();
    register(&mut registry)?;
    Ok(registry)
}

/// Adds all of them to a registry.
pub fn register(registry: &mut Registry) -> Result<(), RegistryError> {
    registry.register(absent::Absent)?;
    registry.register(archive::Archive)?;
    registry.register(command::Command)?;
    registry.register(command::CommandCheck)?;
    registry.register(directory::Directory)?;
    registry.register(facts::FactsOf)?;
    registry.register(fail::Fail)?;
    registry.register(fail::FailCheck)?;
    registry.register(fetch::Fetch)?;
    registry.register(file::File)?;
    registry.register(file_contains::FileContains)?;
    registry.register(file_exists::FileExists)?;
    registry.register(http::Http)?;
    registry.register(http::HttpCheck)?;
    registry.register(line::Line)?;
    registry.register(link::Link)?;
    registry.register(noop::Noop)?;
    registry.register(noop::NoopCheck)?;
    registry.register(port_open::PortOpen)?;
    registry.register(replace::Replace)?;
    registry.register(script::Script)?;
    registry.register(section::Section)?;
    registry.register(shell::Shell)?;
    registry.register(shell::ShellCheck)?;
    registry.register(sleep::Sleep)?;
    register_system(registry)
}

/// Those about the system of a machine.
fn register_system(registry: &mut Registry) -> Result<(), RegistryError> {
    use crate::system::{
        cron, disk_free, git, group, hostname, load, mount, package, puppet, reboot, repository, service,
        sysctl, user, wait, wait_login,
    };
    registry.register(cron::Cron)?;
    registry.register(disk_free::DiskFree)?;
    registry.register(git::Git)?;
    registry.register(group::Group)?;
    registry.register(hostname::Hostname)?;
    registry.register(load::Load)?;
    registry.register(mount::Mount)?;
    registry.register(package::Package)?;
    registry.register(puppet::PuppetAgent)?;
    registry.register(puppet::PuppetApply)?;
    registry.register(reboot::Reboot)?;
    registry.register(repository::Repository)?;
    registry.register(service::Service)?;
    registry.register(service::ServiceRunning)?;
    registry.register(sysctl::Sysctl)?;
    registry.register(user::User)?;
    registry.register(wait::WaitCommand::default())?;
    registry.register(wait::WaitFile::default())?;
    registry.register(wait::WaitHttp::default())?;
    registry.register(wait::WaitPort::default())?;
    registry.register(wait_login::WaitLogin)
}
