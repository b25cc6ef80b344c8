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
    for (key, is_said) in [
        ("traces.headers-file", settings.traces_headers.is_some()),
        ("traces.ca", settings.traces_ca.is_some()),
    ] {
        if is_said && settings.traces_url.is_none() {
            say(key, "it is about a collector of traces, and none is named", "name it with `traces.url`");
        }
    }
    if settings.traces_percent.0 > 100 {
        say("traces.percent", "there are 100 of 100 at most", "write a number from 1 to 100");
    }
    let is_provided = settings.oidc_issuer.is_some();
    for (key, is_said, is_needed) in [
        ("oidc.url", settings.oidc_url.is_some(), true),
        ("oidc.client-id", settings.oidc_client_id.is_some(), true),
        ("oidc.client-secret-file", settings.oidc_client_secret.is_some(), false),
        ("oidc.groups-claim", settings.oidc_groups_claim.is_some(), false),
        ("oidc.audiences", settings.oidc_audiences.is_some(), false),
        ("oidc.ca", settings.oidc_ca.is_some(), false),
    ] {
        if is_said && !is_provided {
            say(key, "it is about a provider of identities, and none is named", "name it with `oidc.issuer`");
        } else if is_needed && !is_said && is_provided {
            say(
                "oidc.issuer",
                &format!("there is a provider of identities, and no `{key}`"),
                "`windlass server config example` says what it means",
            );
        }
    }
    problems
}
