//! What `windlass up` begins with: nodes, a group, two plans.

use std::path::Path;

use serde_json::json;
use windlass_client::{Client, Place, Write};
use windlass_lang::Source;
use windlass_model::Value;
use windlass_objects::{Scope, kinds};

use crate::data_dir;
use crate::failure::Failure;

pub(super) const NAMESPACE: &str = "default";
/// The plan of the first run.
pub(super) const PLAN: &str = "rolling-patch";
/// The one that waits for somebody to agree.
pub(super) const TWO: &str = "two-agree";

const OBJECTS: &str = include_str!("demo.yaml");
const SITES: [&str; 2] = ["north", "south"];

/// The names of so many nodes.
pub(super) fn nodes(count: u16) -> Vec<String> {
    (1..=count).map(|number| format!("web{number:02}")).collect()
}

/// The release that the first run installs.
pub(super) fn release() -> String {
    "1.4".to_owned()
}

/// Makes the objects as they are meant to be, and a directory for each node. What somebody has changed of them since stays.
pub(super) async fn furnish(client: &Client, nodes: &[String], directory: &Path) -> Result<(), Failure> {
    for (number, node) in nodes.iter().enumerate() {
        let home = directory.join(node).join("home");
        data_dir::create(&home)?;
        let site = SITES.get(number % SITES.len()).copied().unwrap_or_default();
        let document = json!({
            "metadata": {"labels": {"role": "web", "site": site}},
            "spec": {"transport": {"use": "agent"}, "vars": {"home": home}},
        });
        missing(client, &Place::global(kinds::NODE.plural), node, &document).await?;
    }
    for document in windlass_lang::documents(&Source::new("demo.yaml", OBJECTS))? {
        let text =
            |pointer: &str| document.value.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
        let kind = kinds::all().iter().find(|kind| kind.is_called(text("/kind")));
        let Some(kind) = kind else { continue };
        let place = match kind.scope {
            Scope::Global => Place::global(kind.plural),
            Scope::Namespaced => Place::within(kind.plural, NAMESPACE),
        };
        missing(client, &place, text("/metadata/name"), &document.value).await?;
    }
    Ok(())
}

/// Makes an object, where there is none.
async fn missing(client: &Client, place: &Place, name: &str, document: &Value) -> Result<(), Failure> {
    match client.get(place, name).await {
        Ok(_) => Ok(()),
        Err(error) if error.problem().is_some_and(|said| said.status == 404) => {
            client.apply(place, name, document, Write::default()).await?;
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}
