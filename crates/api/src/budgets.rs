//! Budgets: what objects say of them goes to the runs, and how they stand comes back.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::sync::{Mutex, watch};
use windlass_objects::{Kind, Object, kinds};
use windlass_runtime::{Handle, Seats};

use crate::answer::Problem;
use crate::gathered::Gathered;

/// The budgets of all namespaces. Clones share it.
#[derive(Clone, Debug)]
pub struct Budgets {
    gathered: Gathered,
    runs: Handle,
    /// How often anything had been changed when they were read last.
    read_at: Arc<Mutex<u64>>,
}

/// How long is waited after one change for more of them: agents come and go by the thousand.
const PAUSE: Duration = Duration::from_millis(500);

// === impl Budgets ===

impl Budgets {
    /// The budgets of runs that were given them as they were after so many changes.
    #[must_use]
    pub fn new(gathered: Gathered, runs: Handle, read_at: u64) -> Self {
        Self { gathered, runs, read_at: Arc::new(Mutex::new(read_at)) }
    }

    /// Gives the runs what objects say now, if that has changed.
    pub async fn refresh(&self) -> Result<(), Problem> {
        let mut read_at = self.read_at.lock().await;
        let changes = self.gathered.budget_changes();
        if *read_at != changes {
            self.runs.set_budgets(self.gathered.budgets().await?).await?;
            *read_at = changes;
        }
        Ok(())
    }

    /// Does that whenever something changes, as long as `ended` has a sender.
    pub async fn follow(self, mut changed: watch::Receiver<()>, mut ended: watch::Receiver<()>) {
        loop {
            if let Err(problem) = self.refresh().await {
                // The runs keep to what they know.
                tracing::error!(problem = problem.detail, "budgets cannot be read: those of before stay");
            }
            tokio::select! {
                _ = ended.changed() => return,
                () = tokio::time::sleep(PAUSE) => {}
            }
            tokio::select! {
                _ = ended.changed() => return,
                going = changed.changed() => if going.is_err() { return },
            }
        }
    }

    /// Writes into the status of budgets how they stand.
    pub(crate) async fn show(&self, kind: &Kind, objects: &mut [Object]) -> Result<(), Problem> {
        if kind.plural != kinds::BUDGET.plural || objects.is_empty() {
            return Ok(());
        }
        self.refresh().await?;
        let standing = self.runs.budgets().await?;
        for object in objects {
            let name = Gathered::budget_name(object);
            if let Ok(at) = standing.binary_search_by(|(known, _)| known.as_str().cmp(&name))
                && let Some((_, Seats { most, taken, waiting })) = standing.get(at)
            {
                object.status = json!({"most": most, "atWork": taken, "runsWaiting": waiting});
            }
        }
        Ok(())
    }
}
