//! `cargo xtask docs`: the reference docs that are made from the code, the code that is made from other files, and the check that none
//! has drifted from what it is made of.
//!
//! A document is a row of [`DOCUMENTS`]: the file and who produces its text. Nobody edits such a file by hand.

mod errors;
mod grpc;
mod produce;
mod schema;

use std::path::Path;

use anyhow::{Context, Result, bail};

use self::produce::Producer;
use crate::repo::Repo;
use crate::web;

pub(crate) const HELP: &str = "\
Writes every file under docs/ that is made from the code, and the code of crates/rpc. With --check it writes nothing and fails if a file differs
from what the code says now. To add a document, add a row to DOCUMENTS in xtask/src/docs.rs.";

struct Document {
    path: &'static str,
    producer: Producer,
}

/// In this order, because the command that makes most of them needs the code of gRPC, and the references of files are made from their
/// schemas.
const DOCUMENTS: &[Document] = &[
    Document { path: "docs/reference/grpc.md", producer: Producer::Maybe(grpc::reference) },
    Document { path: "crates/rpc/src/generated/windlass.v1.rs", producer: Producer::Maybe(grpc::code) },
    Document {
        path: "crates/rpc/src/generated/descriptors.rs",
        producer: Producer::Maybe(grpc::descriptors),
    },
    Document { path: "docs/schema/plan.json", producer: Producer::Windlass(&["schema", "plan"]) },
    Document { path: "docs/reference/plan.md", producer: Producer::Function(schema::plan) },
    Document { path: "docs/schema/inventory.json", producer: Producer::Windlass(&["schema", "inventory"]) },
    Document { path: "docs/reference/inventory.md", producer: Producer::Function(schema::inventory) },
    Document { path: "docs/reference/cli.md", producer: Producer::Windlass(&["docs", "cli"]) },
    Document { path: "docs/reference/plugins.md", producer: Producer::Windlass(&["docs", "plugins"]) },
    Document { path: "docs/reference/openapi.json", producer: Producer::Windlass(&["docs", "api"]) },
    Document {
        path: "docs/reference/server-config.md",
        producer: Producer::Windlass(&["docs", "server-config"]),
    },
    Document { path: "docs/reference/metrics.md", producer: Producer::Windlass(&["docs", "metrics"]) },
    Document { path: "docs/reference/errors.md", producer: Producer::Function(errors::overview) },
];

pub(crate) fn run(repo: &Repo, args: &[String]) -> Result<()> {
    let is_check = match args {
        [] => false,
        [flag] if flag == "--check" => true,
        _ => bail!("docs takes no argument but --check"),
    };
    // The program that makes most of them is that of the tests, which has the console in it.
    if let Some(missing) = web::ensure(repo) {
        println!("without the console: {}: {}", missing.name, missing.reason);
    }
    let mut drifted = Vec::new();
    for document in DOCUMENTS {
        let text =
            document.producer.produce(repo).with_context(|| format!("cannot produce {}", document.path))?;
        let path = repo.path(document.path);
        if is_current(&path, &text) {
            continue;
        }
        if is_check {
            println!("{}: differs from what the code says", document.path);
            drifted.push(document.path);
        } else {
            write(&path, &text)?;
            println!("wrote {}", document.path);
        }
    }
    if !drifted.is_empty() {
        bail!(
            "{} reference docs have drifted from the code: run `cargo xtask docs` and commit",
            drifted.len()
        );
    }
    println!("docs: {} reference docs are current", DOCUMENTS.len());
    Ok(())
}

fn is_current(path: &Path, text: &str) -> bool {
    std::fs::read_to_string(path).is_ok_and(|present| present == text)
}

fn write(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a document has no folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_is_written_where_no_folder_was_and_then_current() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("docs/reference/a.md");
        assert!(!is_current(&path, "a\n"));
        write(&path, "a\n").unwrap();
        assert!(is_current(&path, "a\n"));
        assert!(!is_current(&path, "b\n"), "drift is seen");
    }
}
