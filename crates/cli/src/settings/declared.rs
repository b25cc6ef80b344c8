//! The declaration: every setting once, with its type, its default and what it means.

use std::net::SocketAddr;
use std::path::PathBuf;

use tracing::Level;
use windlass_model::span::Span;

use super::Setting;
use super::form::{Address, Count, Form, Text, Words};
use super::given::Given;
use crate::failure::Failure;
use crate::logging::LineForm;

/// Declares settings: their words, and the struct that holds them.
macro_rules! settings {
    ($(
        $(#[doc = $about:literal])+
        $field:ident: $form:ty = $key:literal, default $default:literal, such as $example:literal, flag $flag:literal;
    )*) => {
        /// Every setting of a server.
        #[derive(Clone, Debug)]
        pub(crate) struct Settings {
            $($(#[doc = $about])+ pub(crate) $field: $form,)*
        }

        /// Their declarations, in the order of the example and the reference.
        pub(crate) const ALL: &[Setting] = &[$(Setting {
            key: $key,
            about: concat!($($about),+),
            default: $default,
            example: $example,
            flag: $flag,
            expects: <$form as Form>::EXPECTS,
            sort: <$form as Form>::SORT,
        }),*];

        impl Settings {
            /// What was given, and the defaults where nothing was; or everything that is wrong.
            pub(crate) fn of(mut given: Given) -> Result<Self, Failure> {
                $(let $field = given.take::<$form>($key, $default);)*
                // Each is there, or is the reason why it is not.
                let settings = (|| Some(Self { $($field: $field?,)* }))();
                given.judge(settings)
            }
        }
    };
}

settings! {
    /// Where everything is kept: the store, logs, keys. Where neither this nor XDG_STATE_HOME says so, it is
    /// ~/.local/state/windlass.
    data_dir: Option<PathBuf> = "data-dir", default "", such as "/var/lib/windlass", flag "--data-dir";
    /// Where it listens, for people and for agents. Addresses that other machines can reach need a certificate.
    listen: SocketAddr = "listen", default "127.0.0.1:8380", such as "0.0.0.0:8443", flag "--listen";

    /// The certificate and those that lead to its authority, in PEM.
    tls_certificate: Option<PathBuf> = "tls.certificate", default "", such as "/etc/windlass/server.pem", flag "--tls-cert";
    /// The key of the certificate, in PEM.
    tls_key: Option<PathBuf> = "tls.key", default "", such as "/etc/windlass/server.key", flag "--tls-key";
    /// Listen without a certificate where other machines can reach it: something in front of it speaks TLS.
    tls_elsewhere: bool = "tls.elsewhere", default "false", such as "true", flag "--without-tls";

    /// The program that is offered to agents on machines like this one, whose own is another; the server's own unless
    /// given.
    agent_program: Option<PathBuf> = "agents.program", default "", such as "/usr/lib/windlass/windlass", flag "--agent-program";

    /// The provider of OpenID Connect by which people may sign in: its address, to the letter as it stands in its tokens.
    oidc_issuer: Option<Address> = "oidc.issuer", default "", such as "https://id.example.org", flag "";
    /// Where browsers reach this server. The provider has to know this address with `/api/v1/oidc/callback` behind it, as one that
    /// it sends people back to.
    oidc_url: Option<Address> = "oidc.url", default "", such as "https://windlass.example.org", flag "";
    /// What the server is called at the provider.
    oidc_client_id: Option<Text> = "oidc.client-id", default "", such as "windlass", flag "";
    /// A file with what the server shows to the provider, unless it is known there without.
    oidc_client_secret: Option<PathBuf> = "oidc.client-secret-file", default "", such as "/etc/windlass/oidc.secret", flag "";
    /// What people call the provider: it stands on the button.
    oidc_name: Text = "oidc.name", default "single sign-on", such as "Example Corp", flag "";
    /// What is asked for beside `openid`, with blanks between.
    oidc_scopes: Words = "oidc.scopes", default "profile email", such as "profile email groups", flag "";
    /// The claim that names a user. Its value is the `subject` among the `identities` of a User; one that people can choose or change
    /// lets them become somebody else. `email` counts when the provider has verified it.
    oidc_user_claim: Text = "oidc.user-claim", default "sub", such as "email", flag "";
    /// The claim with the groups of a user. A RoleBinding names them with `oidc:` before them.
    oidc_groups_claim: Option<Text> = "oidc.groups-claim", default "", such as "groups", flag "";
    /// Whom an ID token may be for beside this server, with blanks between.
    oidc_audiences: Option<Words> = "oidc.audiences", default "", such as "https://api.example.org", flag "";
    /// Make a User of somebody who signs in and whom nobody here knows, without any right.
    oidc_create: bool = "oidc.create", default "false", such as "true", flag "";
    /// Let terminals sign in by a code that is typed into a browser elsewhere, where the provider offers that.
    oidc_device: bool = "oidc.device", default "true", such as "false", flag "";
    /// How long a sign-in is good for. Groups, and whether somebody is still known to the provider, are asked for again after that;
    /// sessions of browsers end after seven days in any case.
    oidc_lasts: Span = "oidc.lasts", default "12h", such as "8h", flag "";
    /// Certificates to trust when the provider is spoken to, in PEM; those of this machine unless given.
    oidc_ca: Option<PathBuf> = "oidc.ca", default "", such as "/etc/windlass/ca.pem", flag "";

    /// Where metrics and health are told over HTTP to whoever can reach it, without a token. Without it, `/metrics` of the API
    /// gives them to who may view `Server`.
    metrics_listen: Option<SocketAddr> = "metrics.listen", default "", such as "127.0.0.1:9380", flag "";

    /// Where traces of runs and requests are told: the address of a collector that takes in OTLP over HTTP, whole.
    traces_url: Option<Text> = "traces.url", default "", such as "http://127.0.0.1:4318/v1/traces", flag "";
    /// A file with what is sent along, such as the key of a provider: a header on each line, as `NAME: VALUE`.
    traces_headers: Option<PathBuf> = "traces.headers-file", default "", such as "/etc/windlass/traces.headers", flag "";
    /// How many traces of 100 are told. Requests of those who keep a trace of their own, and say so, always are.
    traces_percent: Count = "traces.percent", default "100", such as "10", flag "";
    /// What the server is called in traces: its `service.name`.
    traces_service: Text = "traces.service", default "windlass", such as "windlass-production", flag "";
    /// Certificates to trust when the collector is spoken to, in PEM; those of this machine unless given.
    traces_ca: Option<PathBuf> = "traces.ca", default "", such as "/etc/windlass/ca.pem", flag "";

    /// How many requests of one user are answered in a second for as long as they ask; what is more is answered with 429.
    requests_per_second: Count = "limits.requests-per-second", default "1000", such as "50", flag "";
    /// How many requests of one user may come at once, when they have not asked for a while.
    burst: Count = "limits.burst", default "2000", such as "200", flag "";
    /// How many connections of people there may be at once; those that come then are closed. Agents are not counted.
    connections: Count = "limits.connections", default "10000", such as "500", flag "";
    /// How long the head of a request may take to come, counted from the end of the one before.
    head_within: Span = "limits.head-within", default "60s", such as "10s", flag "";
    /// How long what is sent with a request may take to come.
    body_within: Span = "limits.body-within", default "60s", such as "5m", flag "";

    /// How long runs are kept when they have ended, with their events, reports and output; for ever, unless set. A namespace
    /// that says otherwise counts for more.
    retention_runs: Option<Span> = "retention.runs", default "", such as "365d", flag "";
    /// How long what they printed is kept.
    retention_output: Option<Span> = "retention.output", default "", such as "90d", flag "";
    /// How many runs of each plan are kept whatever their age: the newest.
    retention_newest: Count = "retention.newest", default "10", such as "50", flag "";
    /// How often it is looked which runs were kept long enough.
    retention_every: Span = "retention.every", default "1h", such as "15m", flag "";

    /// How the server's own log on standard error is written: for people, or a JSON document on each line.
    log_format: LineForm = "log.format", default "text", such as "json", flag "--log-format";
    /// From which level on something is said.
    log_level: Level = "log.level", default "warn", such as "info", flag "";

    /// How many connections to nodes may be made at once.
    connect_at_once: Count = "nodes.connect-at-once", default "64", such as "200", flag "--connect-at-once";
}

/// What the tables of the file are about.
pub(crate) const TABLES: &[(&str, &str)] = &[
    ("tls", "How it is spoken to people. Agents have certificates of the server's own authority."),
    ("agents", "The agents that dial in."),
    (
        "oidc",
        "Signing in by a provider of OpenID Connect, beside tokens and passwords, which always are good.",
    ),
    ("metrics", "What is counted, for whoever watches over the server."),
    ("traces", "What went on in runs and requests, for a collector of OpenTelemetry."),
    ("limits", "What one client may ask, so that all others are answered, too."),
    ("retention", "How long runs that have ended are kept. The record of who did what never goes."),
    ("log", "What the server says of its work, which is not the output of runs."),
    ("nodes", "The nodes that the server reaches by itself."),
];

/// The declaration of a key.
pub(crate) fn find(key: &str) -> Option<&'static Setting> {
    ALL.iter().find(|setting| setting.key == key)
}

#[cfg(test)]
mod tests {
    use super::super::Sort;
    use super::*;

    #[test]
    fn every_key_stands_once_with_words_and_a_good_example() {
        for setting in ALL {
            assert_eq!(ALL.iter().filter(|other| other.key == setting.key).count(), 1, "{}", setting.key);
            assert!(setting.about.trim().ends_with('.'), "{}: {}", setting.key, setting.about);
            if let (Some(table), _) = setting.place() {
                assert!(TABLES.iter().any(|(name, _)| *name == table), "{}", setting.key);
            }
            assert!(!setting.example.is_empty() && setting.example != setting.default, "{}", setting.key);
        }
        let has = |table: &str| ALL.iter().any(|setting| setting.place().0 == Some(table));
        assert!(TABLES.iter().all(|(table, _)| has(table)));
        assert!(ALL.iter().any(|setting| setting.sort == Sort::Number));
    }
}
