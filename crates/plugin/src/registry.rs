//! The plugins that there are, by name. No globals: a process may have as many registries as it likes.
//!
//! Registering is where a plugin is judged once, so that nothing has to be at run time: its name,
//! its retry policy, its schemas, and whether it treats what looks like a secret as one.

use std::any::Any;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock};
use std::task::Poll;
use std::time::Duration;

use windlass_model::Value;
use windlass_model::code::{self, Code};
use windlass_model::fact::{Catalog, Judge, PluginFacts};
use windlass_model::limit::Backoff;
use windlass_model::name::is_slug;
use windlass_model::plan::Plan;
use windlass_model::problem::Problem;
use windlass_model::validate::walk;

use crate::about::About;
use crate::dynamic::{BoxFuture, DynPlugin, Typed};
use crate::plugin::Plugin;
use crate::raw::{Raw, RawPlugin};
use crate::secrecy;
use crate::shape::Shape;

/// Plugins by name.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    plugins: BTreeMap<String, Registered>,
    judges: Judges,
}

#[derive(Clone, Debug)]
struct Registered {
    /// Worked out when somebody asks.
    facts: OnceLock<PluginFacts>,
    plugin: Arc<dyn DynPlugin>,
}

/// Whether plugins are judged when they are registered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Judges {
    #[default]
    All,
    Nothing,
}

// === impl Registered ===

impl Registered {
    fn facts(&self) -> &PluginFacts {
        self.facts.get_or_init(|| facts(&self.plugin))
    }
}

/// Why a plugin was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// The name is taken.
    #[error("a plugin named `{name}` is registered; register this one under another name")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The name is blank or has characters that names cannot have.
    #[error("`{name}` is no plugin name; write lower-case words joined by dots, such as `file.exists`")]
    Name {
        /// The name.
        name: String,
    },
    /// A retry policy or timeout makes no sense.
    #[error("the policy of plugin `{name}` makes no sense: {what}")]
    Policy {
        /// The plugin.
        name: String,
        /// What is wrong.
        what: String,
    },
    /// Fields look like secrets and are not of the secret type.
    #[error("plugin `{name}` has fields that look like secrets and are not of type `Secret`: {}", fields.join(", "))]
    Secret {
        /// The plugin.
        name: String,
        /// The fields, such as `request.login.password`.
        fields: Vec<String>,
    },
    /// A schema says what is not understood.
    #[error("a schema of plugin `{name}` cannot be used: {what}")]
    Schema {
        /// The plugin.
        name: String,
        /// What is wrong, and where.
        what: String,
    },
}

/// A plugin that cannot work here.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("plugin `{name}` is not ready: {why}")]
pub struct NotReady {
    /// The plugin.
    pub name: String,
    /// Why.
    pub why: String,
}

/// How long a plugin may take to say whether it is ready.
const READY_WITHIN: Duration = Duration::from_secs(10);

// === impl Registry ===

impl Registry {
    /// A registry without plugins.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A registry that judges nothing but names, for those who only make attempts with plugins that were judged
    /// where they are asked for: working out all schemas takes longer than most attempts.
    #[must_use]
    pub fn trusting() -> Self {
        Self { judges: Judges::Nothing, ..Self::default() }
    }

    /// Adds a plugin under its own name.
    pub fn register<P: Plugin>(&mut self, plugin: P) -> Result<(), RegistryError> {
        self.register_dyn(Arc::new(Typed::new(plugin)))
    }

    /// Adds a plugin under another name, for several instances of one type.
    pub fn register_as<P: Plugin>(
        &mut self,
        name: impl Into<String>,
        plugin: P,
    ) -> Result<(), RegistryError> {
        self.register_dyn(Arc::new(Typed::new(plugin).named(name)))
    }

    /// Adds a plugin whose schemas are only known now.
    pub fn register_raw<P: RawPlugin>(&mut self, plugin: P) -> Result<(), RegistryError> {
        self.register_dyn(Arc::new(Raw::new(plugin)))
    }

    /// Adds a plugin of which the types are not known.
    pub fn register_dyn(&mut self, plugin: Arc<dyn DynPlugin>) -> Result<(), RegistryError> {
        let about = plugin.about();
        check_name(&about.name)?;
        let Slot::Vacant(slot) = self.plugins.entry(about.name.clone()) else {
            return Err(RegistryError::Duplicate { name: about.name.clone() });
        };
        if self.judges == Judges::All {
            check_policy(about)?;
            check_schemas(&*plugin)?;
            check_secrets(&*plugin)?;
        }
        slot.insert(Registered { facts: OnceLock::new(), plugin });
        Ok(())
    }

    /// The plugin of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Arc<dyn DynPlugin>> {
        self.plugins.get(name).map(|registered| Arc::clone(&registered.plugin))
    }

    /// All plugins in the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<dyn DynPlugin>> {
        self.plugins.values().map(|registered| &registered.plugin)
    }

    /// All names in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.plugins.keys().map(String::as_str)
    }

    /// What validation and the engine know of the plugins.
    #[must_use]
    pub fn catalog(&self) -> Catalog {
        self.plugins.values().map(|registered| registered.facts().clone()).collect()
    }

    /// Asks all plugins at once whether they can work here, and returns those that cannot.
    ///
    /// One that panics or does not answer within ten seconds is not ready.
    pub async fn ready(&self) -> Vec<NotReady> {
        let mut asked: Vec<(&str, BoxFuture<'_, Result<(), String>>)> =
            self.plugins.iter().map(|(name, plugin)| (name.as_str(), ask(&plugin.plugin))).collect();
        let mut not_ready = Vec::new();
        poll_fn(|context| {
            asked.retain_mut(|(name, answer)| match answer.as_mut().poll(context) {
                Poll::Pending => true,
                Poll::Ready(Ok(())) => false,
                Poll::Ready(Err(why)) => {
                    not_ready.push(NotReady { name: (*name).to_owned(), why });
                    false
                }
            });
            if asked.is_empty() { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        not_ready.sort_by(|a, b| a.name.cmp(&b.name));
        not_ready
    }
}

// === impl RegistryError ===

impl RegistryError {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        match self {
            Self::Duplicate { .. } => code::PLUGIN_DUPLICATE,
            Self::Name { .. } => code::PLUGIN_NAME,
            Self::Policy { .. } => code::PLUGIN_POLICY,
            Self::Secret { .. } => code::PLUGIN_SECRET,
            Self::Schema { .. } => code::PLUGIN_SCHEMA,
        }
    }
}

// === impl NotReady ===

impl NotReady {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> Code {
        code::PLUGIN_NOT_READY
    }

    /// A problem for each place where a plan uses the plugin.
    #[must_use]
    pub fn problems(&self, plan: &Plan) -> Vec<Problem> {
        let mut problems = Vec::new();
        walk::actions(plan, &mut |at| {
            if at.action.uses == self.name {
                let pointer = format!("{}/use", at.pointer);
                let problem = Problem::new(self.code(), at.address, pointer, self.to_string());
                problems.push(problem.help("install or configure what it lacks, then try again"));
            }
        });
        problems
    }
}

fn ask(plugin: &Arc<dyn DynPlugin>) -> BoxFuture<'_, Result<(), String>> {
    Box::pin(async move {
        let answer = async {
            let mut answer =
                catch_unwind(AssertUnwindSafe(|| plugin.ready())).map_err(|panic| say(&*panic))?;
            poll_fn(move |context| {
                catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context)))
                    .unwrap_or_else(|panic| Poll::Ready(Err(say(&*panic))))
            })
            .await
        };
        tokio::time::timeout(READY_WITHIN, answer)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", READY_WITHIN.as_secs())))
    })
}

fn say(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("it panicked: {}", text.unwrap_or("without a message"))
}

fn facts(plugin: &Arc<dyn DynPlugin>) -> PluginFacts {
    let about = plugin.about();
    let judging = Arc::clone(plugin);
    let judge = move |request: &Value| {
        catch_unwind(AssertUnwindSafe(|| judging.validate(request)))
            .unwrap_or_else(|panic| {
                Err(vec![format!("the plugin cannot judge this request: {}", say(&*panic))])
            })
            .err()
            .unwrap_or_default()
    };
    PluginFacts {
        name: about.name.clone(),
        kind: about.kind,
        summary: about.summary.clone(),
        recovery: about.recovery,
        outlives: about.outlives,
        backoff: about.backoff.numbers(),
        timeout: about.timeout,
        request: Arc::clone(plugin.request().schema()),
        response: Arc::clone(plugin.response().schema()),
        judge: Judge::new(judge),
    }
}

fn check_name(name: &str) -> Result<(), RegistryError> {
    let is_word = |word: &str| is_slug(word) && !word.ends_with('-') && !word.ends_with('_');
    if is_slug(name) && name.split('.').all(is_word) && !name.contains(|c: char| c.is_ascii_uppercase()) {
        return Ok(());
    }
    Err(RegistryError::Name { name: name.to_owned() })
}

fn check_policy(about: &About) -> Result<(), RegistryError> {
    let Backoff { initial, factor, jitter, max } = about.backoff.numbers();
    let what = if !(factor.is_finite() && factor >= 1.0) {
        format!("the factor of the backoff is {factor}; it must be at least 1")
    } else if max < initial {
        format!("the longest backoff, {max}, is shorter than the first, {initial}")
    } else if !(0.0..=1.0).contains(&jitter) {
        format!("the jitter of the backoff is {jitter}; it must be from 0 to 1")
    } else if about.timeout.is_some_and(windlass_model::span::Span::is_zero) {
        "the timeout is zero; leave it out for the default of 30 s".to_owned()
    } else {
        return Ok(());
    };
    Err(RegistryError::Policy { name: about.name.clone(), what })
}

fn check_schemas(plugin: &dyn DynPlugin) -> Result<(), RegistryError> {
    let defects_of = |side: &str, shape: &Shape| {
        shape.defects().into_iter().map(|defect| format!("{side}{defect}")).collect::<Vec<_>>()
    };
    let mut defects = defects_of("request", plugin.request());
    defects.extend(defects_of("response", plugin.response()));
    if defects.is_empty() {
        return Ok(());
    }
    Err(RegistryError::Schema { name: plugin.about().name.clone(), what: defects.join("; ") })
}

fn check_secrets(plugin: &dyn DynPlugin) -> Result<(), RegistryError> {
    let mut fields = secrecy::untyped_secrets("request", plugin.request().schema());
    fields.extend(secrecy::untyped_secrets("response", plugin.response().schema()));
    if fields.is_empty() {
        return Ok(());
    }
    Err(RegistryError::Secret { name: plugin.about().name.clone(), fields })
}
