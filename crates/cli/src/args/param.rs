//! A plan and its parameters: `FILE`, `--stepset`, `-p name=value`, `-p name=@file`, `--params-file`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::nodes::AmongArgs;

/// Which plan, and what it is given.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlanArgs {
    /// The plan file; `-` is standard input.
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    #[command(flatten)]
    pub(crate) params: ParamArgs,
    #[command(flatten)]
    pub(crate) secrets: SecretsArgs,
    /// Which step set of the plan.
    #[arg(long, value_name = "NAME")]
    pub(crate) stepset: Option<String>,
    #[command(flatten)]
    pub(crate) among: AmongArgs,
}

/// Where secrets come from.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SecretsArgs {
    /// The file that says where the secrets come from that plan and nodes name; secrets.yaml beside the plan unless given.
    ///
    /// A run that goes on, or is retried, keeps to the file that it was submitted with.
    #[arg(id = "secrets", long = "secrets", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
}

/// Values for the plan's parameters.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct ParamArgs {
    /// Give a parameter its value; `NAME=@FILE` reads it from a file, `NAME=@-` from standard input.
    ///
    /// Values are read as the plan declares them: `-p count=5`, `-p hosts=web01,web02`, `-p map='{"a":1}'`. A text that
    /// begins with `@` is written `@@`. A secret does not belong on a command line, where every user of this machine can
    /// read it: give `NAME=@FILE`, or set the variable WINDLASS_PARAM_NAME.
    #[arg(short = 'p', long = "param", value_name = "NAME=VALUE", value_parser = ParamArg::from_str)]
    pub(crate) params: Vec<ParamArg>,
    /// Read parameters from a YAML or JSON file: a map from names to values. `-p` wins over it.
    #[arg(long, value_name = "FILE")]
    pub(crate) params_file: Vec<PathBuf>,
}

/// One `-p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParamArg {
    pub(crate) name: String,
    pub(crate) value: ParamValue,
}

/// Where the value of a `-p` is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ParamValue {
    /// On the command line.
    Given(String),
    /// In this file.
    File(PathBuf),
    /// On standard input.
    Stdin,
}

// === impl ParamArg ===

impl FromStr for ParamArg {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((name, value)) = text.split_once('=') else {
            return Err("write NAME=VALUE, such as release=1.4, or NAME=@FILE".into());
        };
        let name = name.trim();
        if name.is_empty() {
            return Err("the name is missing; write NAME=VALUE, such as release=1.4".into());
        }
        let value = match value.strip_prefix('@') {
            None => ParamValue::Given(value.to_owned()),
            Some(escaped) if escaped.starts_with('@') => ParamValue::Given(escaped.to_owned()),
            Some("") => {
                return Err(format!("the file is missing; write {name}=@FILE, or {name}=@@ for a text `@`"));
            }
            Some("-") => ParamValue::Stdin,
            Some(file) => ParamValue::File(file.into()),
        };
        Ok(Self { name: name.to_owned(), value })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_values_files_and_texts_with_an_at() {
        let value = |text: &str| text.parse::<ParamArg>().unwrap().value;
        assert_eq!(value("a=b=c"), ParamValue::Given("b=c".into()));
        assert_eq!(value("a="), ParamValue::Given(String::new()));
        assert_eq!(value("a=@f.txt"), ParamValue::File("f.txt".into()));
        assert_eq!(value("a=@-"), ParamValue::Stdin);
        assert_eq!(value("a=@@x"), ParamValue::Given("@x".into()));
        for wrong in ["a", "=x", "a=@"] {
            assert!(wrong.parse::<ParamArg>().is_err(), "{wrong}");
        }
    }
}
