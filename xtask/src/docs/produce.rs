//! The ways in which a document comes from the code.

use anyhow::{Result, bail};

use crate::process::{capture, describe, run};
use crate::repo::{Repo, TextFile};

/// Who makes the text of a document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Producer {
    /// What `windlass ARGS` writes to standard output.
    Windlass(&'static [&'static str]),
    /// A function over the files of the checkout.
    Function(fn(&[TextFile]) -> String),
    /// The same, where the files may not be right.
    Maybe(fn(&[TextFile]) -> Result<String>),
}

impl Producer {
    pub(super) fn produce(self, repo: &Repo) -> Result<String> {
        match self {
            Self::Function(function) => Ok(function(&repo.text_files()?)),
            Self::Maybe(function) => function(&repo.text_files()?),
            Self::Windlass(args) => {
                // With what the tests need, so that nothing is built twice where they are run, too.
                run(&mut repo.cargo(&["build", "--quiet", "--workspace", "--tests"]))?;
                let binary = repo.target().join("debug/windlass");
                let mut command = repo.command(&binary.to_string_lossy());
                // A terminal's width and colours must not leak into a committed file.
                command.args(args).env("NO_COLOR", "1").env("COLUMNS", "100");
                let text = capture(&mut command)?;
                if text.trim().is_empty() {
                    bail!("`{}` wrote nothing", describe(&command));
                }
                Ok(text)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_sees_the_files_of_the_checkout() {
        let producer = Producer::Function(|files| {
            files.iter().filter(|file| file.path == "Cargo.toml").count().to_string()
        });
        assert_eq!(producer.produce(&Repo::find().unwrap()).unwrap(), "1");
    }
}
