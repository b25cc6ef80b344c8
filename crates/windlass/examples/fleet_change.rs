//! A change of a fleet from a program: an inventory, a selection, a plan over SSH, and what its actions printed.
//!
//! `cargo run -p windlass --example fleet_change -- INVENTORY PLAN SELECTION DIRECTORY`

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use windlass::prelude::*;

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// What came of a change.
struct Changed {
    nodes: Vec<String>,
    status: RunStatus,
    report: String,
    log: String,
}

/// Runs the plan of a file on the nodes of an inventory that a selection leaves; runs and logs are kept in a directory.
async fn change(inventory: &Path, plan: &Path, selection: &str, directory: &Path) -> Result<Changed> {
    let registry = windlass::plugins::standard()?;
    let inventory = windlass::read_inventory([inventory])?;
    let nodes = windlass::select(&inventory, selection)?.targets.names().map(str::to_owned).collect();
    let plan = windlass::read_plan(plan, &registry, Some(&inventory))?;

    let windlass = Windlass::open(directory, registry).await?;
    let request = Request::new(plan).user("example").nodes(Arc::new(inventory)).selection(selection.parse()?);
    let run = windlass.submit(request.starting()).await?;
    let status = windlass.wait(run).await?.status;
    let report = windlass.report(run).await?;
    let log = match windlass.logs(run).await? {
        Some(directory) => std::fs::read_to_string(windlass::logs::RunFiles::within(directory).all())?,
        None => String::new(),
    };
    windlass.shutdown(Duration::from_secs(5)).await?;
    Ok(Changed { nodes, status, report, log })
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [inventory, plan, selection, directory] = arguments.as_slice() else {
        return Err("give INVENTORY PLAN SELECTION DIRECTORY".into());
    };
    let changed = change(inventory.as_ref(), plan.as_ref(), selection, directory.as_ref()).await?;
    let mut out = std::io::stdout();
    writeln!(out, "{} on {}", changed.status.word(), changed.nodes.join(", "))?;
    write!(out, "{}\n{}", changed.report, changed.log)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAN: &str = "apiVersion: windlass.dev/v1
kind: Plan
metadata: {name: motd}
spec:
  blocks:
    - name: write
      targets: {groups: web}
      concurrency: 100%
      sequence:
        - {name: say, use: shell, with: {script: 'echo {{ vars.greeting }} > HERE/{{ node.name }}; cat HERE/{{ node.name }}'}}
";

    #[tokio::test]
    async fn a_program_changes_a_fleet_over_ssh() {
        let test = "a_program_changes_a_fleet_over_ssh";
        if !windlass_farm::is_possible() {
            return skipped(test, "there is no sshd");
        }
        let farm = windlass_farm::Farm::of(3).unwrap();
        let (nodes, kept) = (farm.nodes(), tempfile::tempdir().unwrap());
        let inventory = kept.path().join("hosts.yaml");
        let head = "apiVersion: windlass.dev/v1\nkind: Inventory\nspec:\n  groups: [{name: web, nodes: ['web*'], vars: {greeting: hello}}]\n";
        std::fs::write(&inventory, format!("{head}  nodes: {nodes}\n")).unwrap();
        let plan = kept.path().join("motd.yaml");
        let text = PLAN.replace("HERE", &kept.path().display().to_string());
        std::fs::write(&plan, &text).unwrap();
        let changed = change(&inventory, &plan, "@web,!web02", &kept.path().join("data")).await.unwrap();
        assert_eq!(
            (changed.nodes.join(" ").as_str(), changed.status),
            ("web01 web03", RunStatus::Succeeded),
            "{}",
            changed.report
        );
        assert!(changed.log.contains("write/web03/say") && changed.log.contains("hello"), "{}", changed.log);
        assert_eq!(std::fs::read_to_string(kept.path().join("web01")).unwrap(), "hello\n");
        assert!(!kept.path().join("web02").exists());

        // What is wrong is told with its place.
        std::fs::write(&plan, text.replace("greeting", "greting")).unwrap();
        let wrong = change(&inventory, &plan, "@web", &kept.path().join("data")).await.err().unwrap();
        assert!(
            wrong.to_string().contains("motd.yaml:10:") && wrong.to_string().contains("greting"),
            "{wrong}"
        );
    }

    fn skipped(test: &str, why: &str) {
        println!("SKIPPED: {test}: {why}");
        if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            writeln!(file.unwrap(), "{test}: {why}").unwrap();
        }
    }
}
