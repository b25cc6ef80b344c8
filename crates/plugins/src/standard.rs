//! The list of all plugins.

use windlass_plugin::{Registry, RegistryError};

use crate::files::{absent, directory, file, link};
use crate::{command, fail, file_contains, file_exists, http, noop, port_open, shell, sleep};

/// A registry with all of them.
pub fn standard() -> Result<Registry, RegistryError> {
    let mut registry = Registry::new();
    register(&mut registry)?;
    Ok(registry)
}

/// Adds all of them to a registry.
pub fn register(registry: &mut Registry) -> Result<(), RegistryError> {
    registry.register(absent::Absent)?;
    registry.register(command::Command)?;
    registry.register(command::CommandCheck)?;
    registry.register(directory::Directory)?;
    registry.register(fail::Fail)?;
    registry.register(fail::FailCheck)?;
    registry.register(file::File)?;
    registry.register(file_contains::FileContains)?;
    registry.register(file_exists::FileExists)?;
    registry.register(http::Http)?;
    registry.register(http::HttpCheck)?;
    registry.register(link::Link)?;
    registry.register(noop::Noop)?;
    registry.register(noop::NoopCheck)?;
    registry.register(port_open::PortOpen)?;
    registry.register(shell::Shell)?;
    registry.register(shell::ShellCheck)?;
    registry.register(sleep::Sleep)
}
