//! The OpenAPI document (3.1), made of the table of endpoints and the schemas of the kinds.

use std::sync::OnceLock;

use schemars::JsonSchema;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use serde_json::json;
use windlass_contract::{
    AgentPage, AgentTokens, AgentView, AppliedObject, AuditPage, AuditVerified, Board, ComeFor,
    DeviceQuestion, DeviceSignIn, DeviceStands, Differences, ElementPage, Me, NewAgentToken,
    NewAgentTokenMade, NewBackup, NewPassword, NewRehearsal, NewRetention, NewRun, NewToken, NewTokenMade,
    NodeFactsList, NodeLock, NodeVars, Object, ObjectPage, PlanState, Problem, Provided, Reason, Rehearsed,
    Resolution, Retained, RetryRun, RevisionPage, Run, RunPage, RunPreview, Session, SignIn, SignedIn,
    Submitted, Tokens, Version,
};
use windlass_model::{Map, Value};
use windlass_objects::kinds;

use crate::endpoint::{Endpoint, Needs, endpoints};

/// What is answered to who asks to upgrade.
const SOCKET: &str = "Asked to upgrade to WebSocket, the same stream as text messages of JSON: `event`, `id` and `data`, as the events of a server have them. The last is `end`, closed with 1000, or `problem`, closed with 4000 and the status of the problem, or with 1001 when the server ends. `after` goes on behind an `id`. With the cookie of a session, `Origin` must be this server.";
const SCHEMAS: &str = "#/components/schemas/";

/// What can be asked of a server, for programs that generate clients, and for people.
#[must_use]
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(make)
}

fn make() -> Value {
    let mut paths = Map::new();
    for endpoint in endpoints() {
        let path = paths.entry(endpoint.path.clone()).or_insert_with(|| json!({}));
        if let Some(path) = path.as_object_mut() {
            path.insert(endpoint.method.as_str().to_lowercase(), operation(&endpoint));
        }
    }
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Windlass",
            "version": "v1",
            "description": "Objects, runs and people of a Windlass server. Problems are answered as application/problem+json with a stable code; all that is wrong with a request is answered at once.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": schemas(),
        },
    })
}

fn operation(endpoint: &Endpoint) -> Value {
    let mut parameters: Vec<Value> = names(&endpoint.path)
        .map(|name| json!({"name": name, "in": "path", "required": true, "schema": in_path(name)}))
        .collect();
    parameters.extend(endpoint.query.iter().map(
        |(name, about)| json!({"name": name, "in": "query", "description": about, "schema": in_query(name)}),
    ));
    let mut responses = Map::new();
    let (status, schema) = endpoint.gives;
    let good = match (status, schema) {
        (204, _) => json!({"description": "it was done"}),
        (303, _) => json!({
            "description": "the browser goes on elsewhere",
            "headers": {"Location": {"schema": {"type": "string"}}},
        }),
        (_, None) => {
            json!({"description": "what was asked for", "content": {(endpoint.media): {"schema": {"type": "string"}}}})
        }
        (_, Some(schema)) => {
            let mut content = content(endpoint.media, schema);
            if let Some(content) = content.as_object_mut()
                && endpoint.query.iter().any(|(name, _)| *name == "watch")
            {
                content.insert("text/event-stream".into(), json!({"schema": {"type": "string"}}));
            }
            json!({"description": "what was asked for", "content": content})
        }
    };
    responses.insert(status.to_string(), good);
    // All streams, and they alone, are taken up again.
    if endpoint.query.iter().any(|(name, _)| *name == "after") {
        responses.insert("101".into(), json!({"description": SOCKET}));
    }
    if endpoint.kind.is_some() && endpoint.takes.is_some() && status == 200 {
        responses.insert("201".into(), json!({"description": "it was made", "content": content(endpoint.media, schema.unwrap_or("Any"))}));
    }
    for (status, about) in problems(endpoint) {
        let content = content("application/problem+json", "Problem");
        responses.insert((*status).to_owned(), json!({"description": about, "content": content}));
    }
    let mut operation = json!({
        "operationId": endpoint.id,
        "summary": endpoint.about,
        "tags": [endpoint.tag],
        "parameters": parameters,
        "responses": responses,
    });
    let Some(map) = operation.as_object_mut() else { return operation };
    match endpoint.needs {
        Needs::Nothing => drop(map.insert("security".into(), json!([]))),
        Needs::SomeToken => {}
        Needs::Right(verb, kind) => {
            map.insert("description".into(), format!("Needs the right to {verb} {kind}.").into());
        }
    }
    if let Some(schema) = endpoint.takes {
        let schema = match (schema, endpoint.kind) {
            ("AnyObject", Some(kind)) => kind.name,
            (schema, _) => schema,
        };
        let types: &[&str] = match endpoint.method.as_str() {
            "PATCH" => &["application/apply+json", "application/merge-patch+json"],
            _ => &["application/json"],
        };
        let mut body: Map =
            types.iter().map(|media| ((*media).to_owned(), json!({"schema": reference(schema)}))).collect();
        if endpoint.method == "PATCH" {
            body.insert(
                "application/json-patch+json".into(),
                json!({"schema": {"type": "array", "items": {"type": "object"}}}),
            );
        }
        // Where nothing has to be said, nothing has to be sent.
        let is_required =
            !matches!(schema, "NewBackup" | "NewRetention" | "NewToken" | "Reason" | "RetryRun");
        map.insert("requestBody".into(), json!({"required": is_required, "content": body}));
    }
    operation
}

/// What else may be answered.
fn problems(endpoint: &Endpoint) -> &'static [(&'static str, &'static str)] {
    match endpoint.needs {
        Needs::Nothing if endpoint.tag == "server" => &[("503", "it cannot take work for now")],
        Needs::Nothing | Needs::SomeToken | Needs::Right(..) => &[
            ("400", "what was sent is not understood"),
            ("401", "who are you?"),
            ("403", "you may not"),
            ("404", "there is none, or none that you may know of"),
            ("409", "it does not go together with what is there"),
            ("410", "that much history is not kept"),
            ("408", "what was sent took too long to come"),
            ("413", "too much was sent"),
            ("415", "what was sent is of no type that is taken here"),
            ("422", "what was sent is not right: everything at once"),
            ("429", "you ask too often"),
            ("503", "it cannot be done for now"),
            ("507", "the disk is full"),
        ],
    }
}

fn names(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}

fn in_path(name: &str) -> Value {
    match name {
        "run" => json!({"type": "string", "format": "uuid"}),
        "id" => json!({"type": "string"}),
        _ => slug(),
    }
}

/// What objects may be called.
fn slug() -> Value {
    json!({"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9._-]{0,252}$"})
}

fn in_query(name: &str) -> Value {
    match name {
        // As large as a number can be that every program reads to the last digit.
        "limit" | "version" | "from" | "to" | "before" | "tail" => {
            json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": 9_007_199_254_740_991_u64})
        }
        "watch" | "dryRun" | "follow" => json!({"type": "boolean"}),
        "format" => json!({"type": "string", "enum": ["json", "text", "html"]}),
        "form" => json!({"type": "string", "enum": ["shown", "record"]}),
        "level" => json!({"type": "string", "enum": ["debug", "info", "warn", "error"]}),
        _ => json!({"type": "string"}),
    }
}

fn reference(schema: &str) -> Value {
    match schema {
        "Any" => json!({}),
        schema => json!({"$ref": format!("{SCHEMAS}{schema}")}),
    }
}

fn content(media: &str, schema: &str) -> Value {
    json!({(media): {"schema": reference(schema)}})
}

fn schemas() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut all = Map::new();
    add::<Object>("Object", &mut generator, &mut all);
    add::<ObjectPage>("ObjectPage", &mut generator, &mut all);
    add::<AppliedObject>("Applied", &mut generator, &mut all);
    add::<RevisionPage>("RevisionPage", &mut generator, &mut all);
    add::<Differences>("Differences", &mut generator, &mut all);
    add::<Problem>("Problem", &mut generator, &mut all);
    add::<Version>("Version", &mut generator, &mut all);
    add::<Me>("Me", &mut generator, &mut all);
    add::<NewToken>("NewToken", &mut generator, &mut all);
    add::<NewTokenMade>("NewTokenMade", &mut generator, &mut all);
    add::<Tokens>("Tokens", &mut generator, &mut all);
    add::<PlanState>("PlanState", &mut generator, &mut all);
    add::<SignIn>("SignIn", &mut generator, &mut all);
    add::<Session>("Session", &mut generator, &mut all);
    add::<Provided>("Provided", &mut generator, &mut all);
    add::<ComeFor>("ComeFor", &mut generator, &mut all);
    add::<SignedIn>("SignedIn", &mut generator, &mut all);
    add::<DeviceSignIn>("DeviceSignIn", &mut generator, &mut all);
    add::<DeviceQuestion>("DeviceQuestion", &mut generator, &mut all);
    add::<DeviceStands>("DeviceStands", &mut generator, &mut all);
    add::<NewPassword>("NewPassword", &mut generator, &mut all);
    add::<AgentPage>("AgentPage", &mut generator, &mut all);
    add::<AgentView>("AgentView", &mut generator, &mut all);
    add::<AgentTokens>("AgentTokens", &mut generator, &mut all);
    add::<NewAgentToken>("NewAgentToken", &mut generator, &mut all);
    add::<NewAgentTokenMade>("NewAgentTokenMade", &mut generator, &mut all);
    add::<AuditPage>("AuditPage", &mut generator, &mut all);
    add::<AuditVerified>("AuditVerified", &mut generator, &mut all);
    add::<NewRetention>("NewRetention", &mut generator, &mut all);
    add::<Retained>("Retained", &mut generator, &mut all);
    add::<NewBackup>("NewBackup", &mut generator, &mut all);
    add::<NewRun>("NewRun", &mut generator, &mut all);
    add::<Submitted>("Submitted", &mut generator, &mut all);
    add::<RetryRun>("RetryRun", &mut generator, &mut all);
    add::<Reason>("Reason", &mut generator, &mut all);
    add::<Resolution>("Resolution", &mut generator, &mut all);
    add::<Run>("Run", &mut generator, &mut all);
    add::<RunPage>("RunPage", &mut generator, &mut all);
    add::<Board>("Board", &mut generator, &mut all);
    add::<ElementPage>("ElementPage", &mut generator, &mut all);
    add::<NewRehearsal>("NewRehearsal", &mut generator, &mut all);
    add::<Rehearsed>("Rehearsed", &mut generator, &mut all);
    add::<NodeFactsList>("NodeFactsList", &mut generator, &mut all);
    add::<NodeLock>("NodeLock", &mut generator, &mut all);
    add::<NodeVars>("NodeVars", &mut generator, &mut all);
    add::<RunPreview>("RunPreview", &mut generator, &mut all);
    for (name, schema) in generator.take_definitions(true) {
        all.entry(name).or_insert(schema);
    }
    for kind in kinds::all() {
        let mut schema = kind.whole_schema().clone();
        // What is said of names in words where objects are judged, is said here to programs.
        for key in ["name", "namespace"] {
            if let Some(name) = schema.pointer_mut(&format!("/properties/metadata/properties/{key}")) {
                *name = slug();
            }
        }
        // What of one kind is defined by name, keeps to itself.
        let prefix = format!("{}.", kind.name);
        let definitions = schema.as_object_mut().and_then(|map| map.shift_remove("$defs"));
        rename(&mut schema, &prefix);
        for (name, mut definition) in definitions.and_then(|it| it.as_object().cloned()).into_iter().flatten()
        {
            rename(&mut definition, &prefix);
            all.insert(format!("{prefix}{name}"), definition);
        }
        all.insert(kind.name.to_owned(), schema);
    }
    Value::Object(all)
}

fn add<T: JsonSchema>(name: &str, generator: &mut SchemaGenerator, all: &mut Map) {
    let schema = generator.root_schema_for::<T>().to_value();
    let mut schema = schema;
    if let Some(map) = schema.as_object_mut() {
        map.shift_remove("components");
    }
    all.insert(name.to_owned(), schema);
}

/// Lets references lead to where the definitions of a kind are.
fn rename(schema: &mut Value, prefix: &str) {
    match schema {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                match value {
                    Value::String(text) if key == "$ref" => {
                        if let Some(name) = text.strip_prefix("#/$defs/") {
                            *text = format!("{SCHEMAS}{prefix}{name}");
                        }
                    }
                    value => rename(value, prefix),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, prefix)),
        _ => {}
    }
}
