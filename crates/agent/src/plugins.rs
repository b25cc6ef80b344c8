//! The plugins of an agent.

use std::sync::{Arc, Mutex, PoisonError};

use windlass_plugin::{DynPlugin, Registry};

/// Where a session finds plugins.
#[derive(Debug)]
pub(crate) enum Plugins {
    /// Those that somebody registered.
    These(Registry),
    /// Those that Windlass comes with. Each is made when it is first asked for: to make all of them takes longer than most
    /// attempts, and most agents make attempts with one or two.
    Standard(Mutex<Registry>),
}

// === impl Plugins ===

impl Plugins {
    pub(crate) fn standard() -> Self {
        // Whoever asks for an attempt has the same plugins, and has judged them.
        Self::Standard(Mutex::new(Registry::trusting()))
    }

    pub(crate) fn get(&self, name: &str) -> Option<Arc<dyn DynPlugin>> {
        match self {
            Self::These(registry) => registry.get(name),
            Self::Standard(registry) => {
                let mut registry = registry.lock().unwrap_or_else(PoisonError::into_inner);
                if registry.get(name).is_none() {
                    // It can be refused for nothing but a name that is taken, and that is not.
                    windlass_plugins::register_named(&mut registry, name).ok()?;
                }
                registry.get(name)
            }
        }
    }
}
