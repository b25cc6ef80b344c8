//! Secrets from the environment: the simplest source there is.

use windlass_plugin::{BoxFuture, CallError, Secret, Secrets};

/// What the names of variables begin with that hold secrets.
const VARIABLE_PREFIX: &str = "WINDLASS_SECRET_";

/// Secrets from variables: `{{ secret('web-login') }}` stands in `WINDLASS_SECRET_WEB_LOGIN`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FromEnvironment;

/// The variable in which a secret stands.
fn variable(name: &str) -> String {
    let letters = name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' });
    VARIABLE_PREFIX.chars().chain(letters).collect()
}

impl Secrets for FromEnvironment {
    fn secret<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Secret, CallError>> {
        let variable = variable(name);
        let found = match std::env::var(&variable) {
            Ok(text) if !text.is_empty() => Ok(Secret::new(text)),
            Ok(_) => Err(format!("the variable {variable} is empty")),
            Err(std::env::VarError::NotPresent) => Err(format!("set the variable {variable}")),
            Err(std::env::VarError::NotUnicode(_)) => Err(format!("the variable {variable} is no UTF-8")),
        };
        let found = found
            .map_err(|how| CallError::permanent("secret", format!("there is no secret `{name}`; {how}")));
        Box::pin(std::future::ready(found))
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
