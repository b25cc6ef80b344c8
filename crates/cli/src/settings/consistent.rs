//! Whether settings that are good by themselves go together.

use windlass_model::code;
use windlass_model::problem::Problem;

use super::Settings;

/// What does not go together, each with the key that it is said at.
pub(crate) fn problems(settings: &Settings) -> Vec<(&'static str, Problem)> {
    let mut problems = Vec::new();
    let mut say = |key: &'static str, message: &str, help: &str| {
        problems.push((key, Problem::new(code::CONFIG, key, "", message).help(help)));
    };
    match (&settings.tls_certificate, &settings.tls_key) {
        (Some(_), None) => say(
            "tls.certificate",
            "there is a certificate, and no key",
            "name the file of its key with `tls.key`, or --tls-key",
        ),
        (None, Some(_)) => say(
            "tls.key",
            "there is a key, and no certificate",
            "name the file of its certificate with `tls.certificate`, or --tls-cert",
        ),
        (Some(_), Some(_)) if settings.tls_elsewhere => say(
            "tls.elsewhere",
            "there is a certificate, and something else is said to speak TLS",
            "leave one of them out",
        ),
        _ => {}
    }
    problems
}
