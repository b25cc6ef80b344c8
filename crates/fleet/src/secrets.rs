//! What it takes to log in: from the environment, the simplest source there is, and from another one before it.

use std::path::PathBuf;
use std::sync::Arc;

use windlass_plugin::{BoxFuture, Secret, SecretError, SecretProvider};

/// What the names of variables begin with that hold secrets.
const VARIABLE_PREFIX: &str = "WINDLASS_SECRET_";

/// Secrets from variables: `{{ secret('web-login') }}` stands in `WINDLASS_SECRET_WEB_LOGIN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromEnvironment;

/// Secrets that another source declares, and all others from the environment.
#[derive(Clone, Debug)]
pub struct Declared(pub Arc<dyn SecretProvider>);

/// The variable in which a secret stands.
fn variable(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    VARIABLE_PREFIX.chars().chain(letters).collect()
}

impl SecretProvider for FromEnvironment {
    fn names(&self) -> Vec<String> {
        Vec::new()
    }

    fn place(&self) -> String {
        "the environment".to_owned()
    }

    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        let variable = variable(name);
        let found = match std::env::var(&variable) {
            Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
            Ok(_) => Err(format!("the variable {variable} is empty")),
            Err(std::env::VarError::NotPresent) => {
                Err(format!("set the variable {variable}, or declare it in the file of --secrets"))
            }
            Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {variable} is no UTF-8")),
        };
        let (name, from) = (name.to_owned(), self.place());
        let found = found.map_err(|why| SecretError::Failed { name, from, why });
        Box::pin(std::future::ready(found))
    }
}

impl SecretProvider for Declared {
    fn names(&self) -> Vec<String> {
        self.0.names()
    }

    fn place(&self) -> String {
        self.0.place()
    }

    fn file(&self) -> Option<PathBuf> {
        self.0.file()
    }

    fn resolve<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, SecretError>> {
        if self.0.names().iter().any(|known| known == name) {
            return self.0.resolve(name);
        }
        Box::pin(async move { FromEnvironment.resolve(name).await })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_variables() {
        assert_eq!(variable("web-login.v2"), "WINDLASS_SECRET_WEB_LOGIN_V2");
    }
}
