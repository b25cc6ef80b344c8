//! From files to a plan and an inventory, as the command reads them.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use windlass_inventory::Inventory;
use windlass_lang::{Evaluator, Findings, Surroundings};
use windlass_model::eval::Scope;
use windlass_model::freeze::{Choice, KnownVars};
use windlass_model::plan::Plan;
use windlass_model::selection::SelectionError;
use windlass_model::target::Targets;
use windlass_plugin::Registry;
use windlass_sources::Folder;

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Something is wrong in it: everything that is, at its places.
    #[error("{}", findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Wrong {
        /// Text by text.
        findings: Vec<Findings>,
    },
    /// It does not hold exactly one plan.
    #[error("{} holds {count} plans", path.display())]
    Plans {
        /// The file.
        path: PathBuf,
        /// How many it holds.
        count: usize,
    },
}

/// The plan of a file, with what it refers to beside it. Its templates may name variables of the inventory's nodes.
///
/// # Errors
///
/// What is wrong with the file, all of it at once.
pub fn read_plan(
    path: impl AsRef<Path>,
    registry: &Registry,
    inventory: Option<&Inventory>,
) -> Result<Plan, ReadError> {
    let path = path.as_ref();
    let wrong = |found: Findings| ReadError::Wrong { findings: vec![found] };
    let bytes =
        std::fs::read(path).map_err(|source| ReadError::Unreadable { path: path.to_owned(), source })?;
    let name = path.display().to_string();
    let text = windlass_lang::decode(&name, bytes).map_err(wrong)?;
    let catalog = registry.catalog();
    let nodes = inventory.map(|inventory| inventory as &dyn KnownVars);
    let loaded =
        windlass_lang::load(&name, &text, Surroundings { catalog: &catalog, nodes }).map_err(wrong)?;
    let count = loaded.len();
    match loaded.into_iter().next() {
        Some(loaded) if count == 1 => {
            let settled = loaded.settled(&catalog, &Folder::of(path)).map_err(wrong)?;
            Ok(Arc::unwrap_or_clone(settled.plan))
        }
        _ => Err(ReadError::Plans { path: path.to_owned(), count }),
    }
}

/// The inventory of files, folders, and programs that print one. It blocks while it reads.
///
/// # Errors
///
/// What is wrong with any of them, text by text.
pub fn read_inventory<P: Into<PathBuf>>(paths: impl IntoIterator<Item = P>) -> Result<Inventory, ReadError> {
    let paths: Vec<PathBuf> = paths.into_iter().map(Into::into).collect();
    let read = windlass_sources::load(&paths).map_err(|findings| ReadError::Wrong { findings })?;
    Ok(read.inventory)
}

/// What a selection chooses from an inventory: `@web,!web07`, `label:rack=r1`.
///
/// # Errors
///
/// That it is no selection. What is wrong with what it asks for, as a name that nobody has, stands in the choice.
pub fn select(inventory: &Inventory, selection: &str) -> Result<Choice, SelectionError> {
    let targets: Targets = selection.parse()?;
    Ok(inventory.select(&targets, &Evaluator::new(), &Scope::default()))
}
