//! W18: what a registry refuses, and what it knows of what it accepts.

#![cfg(test)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use windlass_model::plan::Plan;
use windlass_plugin::*;

#[derive(Deserialize, JsonSchema)]
struct Nothing {}

/// A plugin that is whatever its `About` says.
struct Sample(About);

impl Plugin for Sample {
    type Request = Nothing;
    type Response = ();

    fn about(&self) -> About {
        self.0.clone()
    }

    async fn call(&self, _: Call, _: Nothing) -> Result<Reply<()>, CallError> {
        Ok(Reply::changed(()))
    }
}

fn named(name: &str) -> Sample {
    Sample(About::acting(name, "does nothing"))
}

fn backed_off(initial: Span, factor: f64, jitter: f64, max: Span) -> Sample {
    Sample(About::acting("a", "does nothing").backoff(BackoffChoice::Custom(Backoff {
        initial,
        factor,
        jitter,
        max,
    })))
}

fn refused(plugin: impl Plugin) -> (String, String) {
    let error = Registry::new().register(plugin).unwrap_err();
    (error.code().to_string(), error.to_string())
}

#[test]
fn w18_registry_refuses_duplicates_but_takes_instances() {
    let mut registry = Registry::new();
    registry.register(named("a")).unwrap();
    let error = registry.register(named("a")).unwrap_err();
    assert_eq!(error.code().as_str(), "WL-0501");
    assert_eq!(error.to_string(), "a plugin named `a` is registered; register this one under another name");
    registry.register_as("a.second", named("a")).unwrap();
    assert_eq!(registry.names().collect::<Vec<_>>(), ["a", "a.second"]);
    assert_eq!(registry.get("a.second").unwrap().about().name, "a.second");
    assert!(Registry::new().get("a").is_none(), "registries share nothing");
}

#[test]
fn w18_registry_refuses_blank_and_bad_names() {
    for name in ["", " ", "A", "a b", ".a", "a.", "a..b", "-a", "a/b", "ä", &"a".repeat(200)] {
        let (code, message) = refused(named(name));
        assert_eq!(code, "WL-0502", "{name}");
        assert!(message.starts_with(&format!("`{name}` is no plugin name")), "{message}");
    }
    for name in ["a", "file.exists", "git-checkout", "k8s.job_2"] {
        Registry::new().register(named(name)).unwrap();
    }
}

#[test]
fn w18_registry_refuses_bad_policies() {
    let second = Span::secs(1);
    for (plugin, says) in [
        (backed_off(second, 0.5, 0.0, second), "at least 1"),
        (backed_off(second, f64::NAN, 0.0, second), "at least 1"),
        (backed_off(second, 2.0, 0.0, Span::millis(10)), "shorter than the first"),
        (backed_off(second, 2.0, 1.5, second), "from 0 to 1"),
        (backed_off(second, 2.0, -0.1, second), "from 0 to 1"),
        (Sample(About::acting("a", "does nothing").timeout(Span::ZERO)), "timeout is zero"),
    ] {
        let (code, message) = refused(plugin);
        assert_eq!(code, "WL-0503");
        assert!(message.contains("`a`") && message.contains(says), "{message}");
    }
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
struct Login<P> {
    user: String,
    #[serde(rename = "Pass_Word")]
    password: P,
}

#[derive(Deserialize, JsonSchema)]
#[expect(dead_code, reason = "only its schema matters")]
struct Asked<P> {
    logins: Vec<Login<P>>,
    api_key: Option<P>,
    retry_tokens: u32,
}

#[derive(Serialize, JsonSchema)]
struct Answered<P> {
    session: Option<Session<P>>,
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Session<P> {
    access_token: P,
}

struct Secretive<P>(std::marker::PhantomData<P>);

impl<P> Plugin for Secretive<P>
where
    P: serde::de::DeserializeOwned + Serialize + JsonSchema + Send + Sync + 'static,
{
    type Request = Asked<P>;
    type Response = Answered<P>;

    fn about(&self) -> About {
        About::acting("login", "logs in")
    }

    async fn call(&self, _: Call, _: Asked<P>) -> Result<Reply<Answered<P>>, CallError> {
        Ok(Reply::changed(Answered { session: None }))
    }
}

#[test]
fn w18_registry_refuses_secret_looking_fields() {
    let error = Registry::new().register(Secretive::<String>(Default::default())).unwrap_err();
    assert_eq!(error.code().as_str(), "WL-0504");
    let RegistryError::Secret { name, fields } = error else { panic!() };
    assert_eq!(name, "login");
    assert_eq!(
        fields,
        ["request.api_key", "request.logins[].Pass_Word", "response.session.accessToken"],
        "nested, in request and response, whatever the spelling; and a count of tokens is no token"
    );
    Registry::new().register(Secretive::<Secret>(Default::default())).unwrap();
}

#[test]
fn w18_registry_refuses_schemas_it_does_not_understand() {
    struct Odd;
    impl RawPlugin for Odd {
        fn about(&self) -> About {
            About::acting("odd", "is odd")
        }
        fn request_schema(&self) -> Value {
            serde_json::json!({"properties": {"a": {"dependentRequired": {}, "pattern": "("}}})
        }
        fn response_schema(&self) -> Value {
            serde_json::json!({"$ref": "https://elsewhere/schema"})
        }
        fn call(&self, _: Call, _: std::sync::Arc<Value>) -> BoxFuture<'_, Result<Reply<Value>, CallError>> {
            unreachable!()
        }
    }
    let error = Registry::new().register_raw(Odd).unwrap_err();
    assert_eq!(error.code().as_str(), "WL-0507");
    let message = error.to_string();
    for part in [
        "request/properties/a: the keyword `dependentRequired`",
        "pattern `(`",
        "\"https://elsewhere/schema\" leads nowhere",
    ] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn secrets_are_shown_nowhere() {
    let secret: Secret = serde_json::from_value("hunter22".into()).unwrap();
    assert_eq!(secret.expose(), "hunter22");
    let shown = format!("{secret:?} {}", serde_json::to_string(&secret).unwrap());
    assert!(!shown.contains("hunter22"), "{shown}");
}

#[test]
fn catalog_tells_what_validation_must_know() {
    let mut registry = Registry::new();
    registry.register(named("b")).unwrap();
    registry.register(Sample(About::check("a", "looks").timeout(Span::secs(5)))).unwrap();
    let catalog = registry.catalog();
    assert_eq!(catalog.names().collect::<Vec<_>>(), ["a", "b"]);
    let facts = catalog.get("a").unwrap();
    assert_eq!(
        (facts.kind, facts.recovery, facts.timeout),
        (PluginKind::Check, Recovery::Idempotent, Some(Span::secs(5)))
    );
    assert_eq!(facts.request.get("type"), Some(&Value::from("object")));
    assert_eq!(catalog.get("b").unwrap().recovery, Recovery::Neither);
}

enum Start {
    Fine,
    Lacking,
    Panicking,
    Hanging,
}

struct Starting(Start);

impl Plugin for Starting {
    type Request = Nothing;
    type Response = ();

    fn about(&self) -> About {
        let name = match self.0 {
            Start::Fine => "fine",
            Start::Lacking => "lacking",
            Start::Panicking => "panicking",
            Start::Hanging => "hanging",
        };
        About::acting(name, "starts")
    }

    async fn call(&self, _: Call, _: Nothing) -> Result<Reply<()>, CallError> {
        Ok(Reply::unchanged(()))
    }

    async fn ready(&self) -> Result<(), String> {
        match self.0 {
            Start::Fine => Ok(()),
            Start::Lacking => Err("git is not installed".into()),
            Start::Panicking => std::panic::panic_any("ouch"),
            Start::Hanging => std::future::pending().await,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn ready_reports_each_that_is_not() {
    let mut registry = Registry::new();
    for start in [Start::Fine, Start::Lacking, Start::Panicking, Start::Hanging] {
        registry.register(Starting(start)).unwrap();
    }
    let said: Vec<String> = registry.ready().await.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "plugin `hanging` is not ready: no answer within 10 s",
            "plugin `lacking` is not ready: git is not installed",
            "plugin `panicking` is not ready: it panicked: ouch",
        ]
    );
    let plan: Plan = serde_json::from_value(serde_json::json!({
        "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "p"},
        "spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
            {"name": "a", "use": "fine", "undo": {"use": "lacking"}},
        ]}]}]},
    }))
    .unwrap();
    let problems: Vec<_> = registry.ready().await.iter().flat_map(|lame| lame.problems(&plan)).collect();
    assert_eq!(problems.len(), 1, "only what the plan uses");
    assert_eq!(
        problems[0].to_string(),
        "WL-0505 b/s/a!undo: plugin `lacking` is not ready: git is not installed"
    );
    assert_eq!(problems[0].pointer, "/spec/blocks/0/sequences/0/actions/0/undo/use");
}

#[test]
fn a_registry_that_trusts_judges_names_only() {
    let odd = || backed_off(Span::secs(1), 0.5, 0.0, Span::secs(1));
    let mut trusting = Registry::trusting();
    trusting.register(odd()).unwrap();
    assert!(matches!(trusting.register(odd()), Err(RegistryError::Duplicate { .. })));
    assert!(matches!(trusting.register(named("A")), Err(RegistryError::Name { .. })));
    assert!(trusting.catalog().get("a").is_some());
    assert!(Registry::new().register(odd()).is_err());
}
