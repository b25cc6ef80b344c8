//! Nodes for blocks that choose their targets when they begin: the inventory that the run was submitted with, read again.
//!
//! What is read are files, folders and programs; facts of nodes are not asked for. Who has its nodes elsewhere, or selects
//! by facts, gives [`windlass_runtime::Options`] `inventories` of its own.

use std::path::PathBuf;
use std::sync::Arc;

use windlass_model::freeze::Nodes;
use windlass_plugin::BoxFuture;
use windlass_runtime::{Inventories, Wanted};

use crate::read::read_inventory;

/// Reads the inventory of a run again, from where its request says (`Request::read_again`).
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadAgain;

impl Inventories for ReadAgain {
    fn now(&self, wanted: Wanted) -> BoxFuture<'_, Result<Option<Arc<dyn Nodes>>, String>> {
        Box::pin(async move {
            let paths: Vec<PathBuf> = wanted.submission.late.inventory.iter().map(PathBuf::from).collect();
            if paths.is_empty() {
                return Ok(None);
            }
            // Programs among them take a while.
            let read = tokio::task::spawn_blocking(move || read_inventory(paths)).await;
            let read = read.map_err(|error| error.to_string())?;
            let inventory = read.map_err(|error| format!("the inventory cannot be read again: {error}"))?;
            Ok(Some(Arc::new(inventory) as Arc<dyn Nodes>))
        })
    }
}
