//! What answers: everything that requests need, and the routes.

use std::collections::HashSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{StatusCode, Uri};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post, put};
use tokio::sync::{Semaphore, watch};
use windlass_access::{Audit, Passwords, Rights, Sessions, Tokens};
use windlass_hub::Hub;
use windlass_model::code;
use windlass_model::time::Time;
use windlass_objects::{Author, Objects, Scope, kinds};
use windlass_plugin::Registry;
use windlass_runtime::{Clock, Handle};
use windlass_traces::Tracer;

use crate::answer::Problem;
use crate::asked::{self, Asked, Tally};
use crate::budgets::Budgets;
use crate::caller::Caller;
use crate::gathered::Gathered;
use crate::grpc::{self, Called};
use crate::host::Host;
use crate::limit::{Limits, Turns};
use crate::oidc::{self, SignOn};
use crate::rates::Rates;
use crate::{
    agents, audit, health, inventory, locks, objects, operate, people, runs, sessions, state, traced,
};

/// What the API stands on.
#[derive(Clone, Debug)]
pub struct Parts {
    /// The objects.
    pub objects: Objects,
    /// The same, as runs need them.
    pub gathered: Gathered,
    /// The runs.
    pub runs: Handle,
    /// How many nodes they may work on at a time.
    pub budgets: Budgets,
    /// How often they may begin.
    pub rates: Rates,
    /// What people may do.
    pub rights: Rights,
    /// Who somebody is.
    pub tokens: Tokens,
    /// The same, by name and password.
    pub passwords: Passwords,
    /// Browsers in which somebody has signed in.
    pub sessions: Sessions,
    /// Signing in by a provider of identities, where there is one.
    pub sign_on: Option<SignOn>,
    /// Whether browsers reach it over TLS, so that cookies need not go any other way.
    pub is_secure: bool,
    /// Who did what.
    pub audit: Audit,
    /// The agents that dial in.
    pub agents: Hub,
    /// The server around it.
    pub host: Arc<dyn Host>,
    /// How often somebody may ask.
    pub limits: Limits,
    /// What plans are rehearsed with: the plugins, which can simulate themselves.
    pub registry: Registry,
    /// Lasts as long as the server goes on: streams end with it.
    pub until: watch::Receiver<()>,
    /// What makes spans of requests, where somebody wants traces.
    pub tracer: Option<Tracer>,
    /// What time it is.
    pub clock: Clock,
    /// The plugins that do their work on the machine of the server where they have no node.
    pub here: HashSet<String>,
    /// What is answered to who asks which version this is.
    pub version: &'static str,
}

/// What answers requests. Clones share it.
#[derive(Clone, Debug)]
pub struct Api(Arc<Shared>);

#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) parts: Parts,
    asked: Asked,
    called: Called,
    turns: Turns,
    /// Calls of those who need not say who they are.
    strangers: Arc<Semaphore>,
    rehearsing: Semaphore,
}

/// How many rehearsals are played at once.
const REHEARSALS: usize = 2;
/// The largest body.
pub(crate) const MOST_BYTES: usize = 8 << 20;

// === impl Api ===

impl Api {
    /// What answers requests about these.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        let turns = Turns::new(parts.limits);
        let strangers = Arc::new(Semaphore::new(grpc::STRANGERS));
        let (asked, called) = (Asked::default(), Called::default());
        let rehearsing = Semaphore::new(REHEARSALS);
        Self(Arc::new(Shared { parts, asked, called, turns, strangers, rehearsing }))
    }

    /// The routes, for whoever listens.
    pub fn router(&self) -> Router {
        let mut router = Router::new()
            .route("/healthz", get(health::lives))
            .route("/readyz", get(health::ready))
            .route("/api/v1/version", get(health::version))
            .route("/api/v1/openapi.json", get(health::openapi))
            .route("/api/v1/me", get(people::me))
            .route("/api/v1/tokens", get(people::tokens).post(people::issue))
            .route("/api/v1/tokens/{id}", axum::routing::delete(people::revoke))
            .route("/api/v1/sessions", post(sessions::sign_in))
            .route("/api/v1/sessions/current", get(sessions::current).delete(sessions::sign_out))
            .route(
                "/api/v1/users/{name}/password",
                put(sessions::set_password).delete(sessions::remove_password),
            )
            .route("/api/v1/oidc", get(oidc::offered))
            .route("/api/v1/oidc/login", get(oidc::login))
            .route(oidc::CALLBACK, get(oidc::callback))
            .route("/api/v1/oidc/token", post(oidc::token))
            .route("/api/v1/oidc/device", post(oidc::device))
            .route("/api/v1/oidc/device/token", post(oidc::device_token))
            .route("/api/v1/agents", get(agents::list))
            .route("/api/v1/agents/{name}", get(agents::get).delete(agents::revoke))
            .route("/api/v1/agenttokens", get(agents::tokens).post(agents::issue))
            .route("/api/v1/agenttokens/{id}", axum::routing::delete(agents::end))
            .route("/metrics", get(operate::metrics))
            .route("/api/v1/backup", post(operate::backup))
            .route("/api/v1/namespaces/{name}/inventory", get(inventory::get))
            .route("/api/v1/namespaces/{name}/inventory/facts", get(inventory::facts))
            .route("/api/v1/namespaces/{name}/inventory/{object}/vars", get(inventory::vars))
            .route("/api/v1/namespaces/{name}/inventory/{object}/lock", get(locks::of_inventory))
            .route("/api/v1/nodes/{name}/lock", get(locks::of_node))
            .route("/api/v1/namespaces/{name}/plans/{object}/state", get(state::get))
            .route("/api/v1/retention", post(operate::retain))
            .route("/api/v1/audit", get(audit::list))
            .route("/api/v1/audit/verify", get(audit::verify));
        for kind in kinds::all() {
            let collection = match kind.scope {
                Scope::Global => format!("/api/v1/{}", kind.plural),
                Scope::Namespaced => format!("/api/v1/namespaces/{{name}}/{}", kind.plural),
            };
            let key = match kind.scope {
                Scope::Global => "{name}",
                Scope::Namespaced => "{object}",
            };
            let one = format!("{collection}/{key}");
            router = router
                .route(&collection, get(objects::http::list(kind)).post(objects::http::create(kind)))
                .route(
                    &one,
                    get(objects::http::get(kind))
                        .put(objects::http::replace(kind))
                        .patch(objects::http::patch(kind))
                        .delete(objects::http::delete(kind)),
                )
                .route(&format!("{one}/revisions"), get(objects::http::revisions(kind)))
                .route(&format!("{one}/diff"), get(objects::http::diff(kind)));
            if kind.scope == Scope::Namespaced {
                router =
                    router.route(&format!("/api/v1/{}", kind.plural), get(objects::http::list_all(kind)));
            }
        }
        let of_runs = "/api/v1/namespaces/{name}/runs";
        router
            .route("/api/v1/runs", get(runs::http::list_all))
            .route(of_runs, get(runs::http::list).post(runs::http::submit))
            .route(&format!("{of_runs}/preview"), post(runs::http::preview))
            .route(&format!("{of_runs}/rehearse"), post(runs::http::rehearse))
            .route(&format!("{of_runs}/{{run}}"), get(runs::http::show))
            .route(&format!("{of_runs}/{{run}}/board"), get(runs::http::board))
            .route(&format!("{of_runs}/{{run}}/elements"), get(runs::http::elements))
            .route(&format!("{of_runs}/{{run}}/submission"), get(runs::http::submission))
            .route(&format!("{of_runs}/{{run}}/events"), get(runs::http::events))
            .route(&format!("{of_runs}/{{run}}/report"), get(runs::http::report))
            .route(&format!("{of_runs}/{{run}}/logs"), get(runs::http::logs))
            .route(&format!("{of_runs}/{{run}}/retry"), post(runs::http::retry))
            .route(&format!("{of_runs}/{{run}}/resolve"), post(runs::http::resolve))
            .route(&format!("{of_runs}/{{run}}/{{command}}"), post(runs::http::command))
            .fallback(nothing_there)
            .method_not_allowed_fallback(not_like_that)
            .layer(axum::middleware::from_fn(to_the_end))
            .layer(axum::middleware::from_fn_with_state(self.clone(), asked::count))
            // What is called over gRPC counts itself, by the codes that it ends with.
            .merge(grpc::routes())
            .layer(axum::middleware::from_fn_with_state(self.clone(), traced::trace))
            .layer(DefaultBodyLimit::max(MOST_BYTES))
            .with_state(self.clone())
    }

    pub(crate) fn parts(&self) -> &Parts {
        &self.0.parts
    }

    pub(crate) fn gathered(&self) -> &Gathered {
        &self.0.parts.gathered
    }

    pub(crate) fn asked(&self) -> &Asked {
        &self.0.asked
    }

    pub(crate) fn called(&self) -> &Called {
        &self.0.called
    }

    pub(crate) fn strangers(&self) -> Arc<Semaphore> {
        Arc::clone(&self.0.strangers)
    }

    /// What was asked since it began.
    #[must_use]
    pub fn tally(&self) -> Tally {
        Tally { asked: self.0.asked.read(), called: self.0.called.read() }
    }

    pub(crate) fn turns(&self) -> &Turns {
        &self.0.turns
    }

    pub(crate) fn rehearsing(&self) -> &Semaphore {
        &self.0.rehearsing
    }

    pub(crate) fn now(&self) -> Time {
        self.0.parts.clock.now()
    }

    pub(crate) fn author(&self, caller: &Caller) -> Author {
        Author { user: caller.who.user.clone(), at: self.now() }
    }
}

/// What changes something is done to its end, and noted, whether or not anybody waits for the answer.
async fn to_the_end(request: Request, next: Next) -> Response {
    if request.method().is_safe() {
        return next.run(request).await;
    }
    match tokio::spawn(next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

async fn nothing_there(State(_): State<Api>, uri: Uri) -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        &code::UNKNOWN_ENDPOINT,
        format!("there is nothing at {}", uri.path()),
    )
    .hint("GET /api/v1/openapi.json says what there is")
}

async fn not_like_that(uri: Uri) -> Problem {
    let detail = format!("{} cannot be asked in this way", uri.path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, &code::UNKNOWN_ENDPOINT, detail)
}
