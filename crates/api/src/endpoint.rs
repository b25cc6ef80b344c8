//! The table of everything that can be asked.

use axum::http::Method;
use windlass_access::Verb;
use windlass_objects::{Kind, Scope, kinds};

/// Something that can be asked.
#[derive(Clone, Debug)]
pub struct Endpoint {
    /// How.
    pub method: Method,
    /// Where, with names in braces.
    pub path: String,
    /// What it is called in the document.
    pub id: String,
    /// What it does.
    pub about: String,
    /// What whoever asks must be allowed.
    pub needs: Needs,
    /// What it is about, for the order in the document.
    pub tag: &'static str,
    /// What may stand behind the `?`: a name, and what it means.
    pub query: &'static [(&'static str, &'static str)],
    /// What is sent: the name of a schema of the document.
    pub takes: Option<&'static str>,
    /// The status of a good answer, and the name of its schema; none where it is no JSON.
    pub gives: (u16, Option<&'static str>),
    /// The media type of a good answer.
    pub media: &'static str,
    /// The kind that it is about, where it is about objects.
    pub kind: Option<&'static Kind>,
}

/// What whoever asks must be allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// Nothing: it says nothing of what is here.
    Nothing,
    /// To be somebody.
    SomeToken,
    /// To do this to that kind.
    Right(Verb, &'static str),
}

const JSON: &str = "application/json";
const STREAM: &str = "text/event-stream";
const PAGES: &[(&str, &str)] = &[
    ("labels", "a selector of labels, such as `role=web,!retired`"),
    ("fields", "a selector of fields, such as `spec.parent=rack1`"),
    ("limit", "how many at the most; 100 unless given, 1000 at the most"),
    ("cursor", "where to go on: `next` of the page before"),
    ("watch", "`true`: what changes from now on, or from `from`, as a stream of events"),
    ("from", "with `watch`: the version to begin behind"),
    ("after", "with `watch`: the id of the last message that was received, as `Last-Event-ID`"),
];
const WRITES: &[(&str, &str)] = &[
    ("dryRun", "`true`: everything is judged, and nothing is written"),
    ("version", "the version that it is built on; another one there is a conflict"),
];
const NONE: &[(&str, &str)] = &[];

/// Everything that can be asked.
#[must_use]
pub fn endpoints() -> Vec<Endpoint> {
    let mut all = vec![
        endpoint("GET", "/healthz", "health", "whether the process lives", Needs::Nothing, "server").text(),
        endpoint("GET", "/readyz", "ready", "whether it can take work", Needs::Nothing, "server").text(),
        endpoint("GET", "/api/v1/version", "version", "which version it is", Needs::Nothing, "server")
            .gives(200, "Version"),
        endpoint("GET", "/api/v1/openapi.json", "openapi", "this document", Needs::Nothing, "server")
            .gives(200, "Any"),
        endpoint(
            "GET",
            "/api/v1/me",
            "whoami",
            "who you are and what you may do",
            Needs::SomeToken,
            "people",
        )
        .gives(200, "Me"),
        endpoint(
            "GET",
            "/api/v1/tokens",
            "listTokens",
            "your tokens; everybody's, for those who may see them",
            Needs::SomeToken,
            "people",
        )
        .gives(200, "Tokens"),
        endpoint(
            "POST",
            "/api/v1/tokens",
            "createToken",
            "makes a token, which is shown this once",
            Needs::SomeToken,
            "people",
        )
        .takes("NewToken")
        .gives(201, "NewTokenMade"),
        endpoint(
            "DELETE",
            "/api/v1/tokens/{id}",
            "revokeToken",
            "ends a token, at once",
            Needs::SomeToken,
            "people",
        )
        .nothing(),
        endpoint(
            "GET",
            "/api/v1/audit",
            "listAudit",
            "who did what, the newest first",
            Needs::Right(Verb::View, "Audit"),
            "audit",
        )
        .query(&[("limit", "how many at the most"), ("before", "before which number")])
        .gives(200, "AuditPage"),
        endpoint(
            "GET",
            "/api/v1/audit/verify",
            "verifyAudit",
            "whether the record is whole",
            Needs::Right(Verb::View, "Audit"),
            "audit",
        )
        .gives(200, "AuditVerified"),
    ];
    for kind in kinds::all() {
        all.extend(of_kind(kind));
    }
    all.extend(crate::operate::endpoints());
    all.extend(crate::agents::endpoints());
    all.extend(crate::inventory::endpoints());
    all.extend(crate::locks::endpoints());
    all.extend(crate::sessions::endpoints());
    all.extend(crate::oidc::endpoints());
    all.extend(crate::state::endpoints());
    all.extend(crate::runs::endpoints());
    all
}

/// What can be asked about the objects of a kind.
fn of_kind(kind: &'static Kind) -> Vec<Endpoint> {
    let collection = match kind.scope {
        Scope::Global => format!("/api/v1/{}", kind.plural),
        Scope::Namespaced => format!("/api/v1/namespaces/{{namespace}}/{}", kind.plural),
    };
    let one = format!("{collection}/{{name}}");
    let view = Needs::Right(Verb::View, kind.name);
    let write = Needs::Right(Verb::Write, kind.name);
    let name = kind.name;
    let about = |method: &str, path: &str, verb: &str, about: String, needs: Needs| Endpoint {
        kind: Some(kind),
        ..endpoint(method, path, &format!("{verb}{name}"), &about, needs, "objects")
    };
    let mut all = vec![
        about("GET", &collection, "list", format!("lists {}: {}", kind.plural, kind.about), view)
            .query(PAGES)
            .gives(200, "ObjectPage"),
        about("POST", &collection, "create", format!("makes a {name} that is not there yet"), write)
            .query(WRITES)
            .takes("AnyObject")
            .gives(201, "Object"),
        about("GET", &one, "get", format!("a {name}"), view).gives(200, "Object"),
        about(
            "PUT",
            &one,
            "replace",
            format!("puts a whole {name} in the place of the one that is there"),
            write,
        )
        .query(WRITES)
        .takes("AnyObject")
        .gives(200, "Applied"),
        about(
            "PATCH",
            &one,
            "patch",
            format!("applies or patches a {name}, by the type of what is sent"),
            write,
        )
        .query(WRITES)
        .takes("AnyObject")
        .gives(200, "Applied"),
        about("DELETE", &one, "delete", format!("deletes a {name} that nothing needs"), write)
            .query(WRITES)
            .gives(200, "Object"),
        about(
            "GET",
            &format!("{one}/revisions"),
            "listRevisionsOf",
            format!("what was wanted of a {name}, the newest first"),
            view,
        )
        .query(&[("limit", "how many at the most"), ("before", "before which number")])
        .gives(200, "RevisionPage"),
        about(
            "GET",
            &format!("{one}/diff"),
            "diff",
            format!("what two revisions of a {name} differ in"),
            view,
        )
        .query(&[("from", "the number of one"), ("to", "the number of the other; the newest unless given")])
        .gives(200, "Differences"),
    ];
    if kind.scope == Scope::Namespaced {
        let everywhere = format!("/api/v1/{}", kind.plural);
        all.push(
            about(
                "GET",
                &everywhere,
                "listAll",
                format!("lists the {} of all namespaces", kind.plural),
                view,
            )
            .query(PAGES)
            .gives(200, "ObjectPage"),
        );
    }
    all
}

pub(crate) fn endpoint(
    method: &str,
    path: &str,
    id: &str,
    about: &str,
    needs: Needs,
    tag: &'static str,
) -> Endpoint {
    Endpoint {
        method: Method::from_bytes(method.as_bytes()).unwrap_or_default(),
        path: path.to_owned(),
        id: id.to_owned(),
        about: about.to_owned(),
        needs,
        tag,
        query: NONE,
        takes: None,
        gives: (200, None),
        media: JSON,
        kind: None,
    }
}

// === impl Endpoint ===

impl Endpoint {
    pub(crate) fn query(self, query: &'static [(&'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    pub(crate) fn takes(self, schema: &'static str) -> Self {
        Self { takes: Some(schema), ..self }
    }

    pub(crate) fn gives(self, status: u16, schema: &'static str) -> Self {
        Self { gives: (status, Some(schema)), ..self }
    }

    pub(crate) fn nothing(self) -> Self {
        Self { gives: (204, None), ..self }
    }

    /// Sends a browser elsewhere.
    pub(crate) fn leads_on(self) -> Self {
        Self { gives: (303, None), ..self }
    }

    pub(crate) fn text(self) -> Self {
        Self { media: "text/plain", ..self }
    }

    pub(crate) fn stream(self) -> Self {
        Self { media: STREAM, ..self }
    }
}
