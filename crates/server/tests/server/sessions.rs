//! Signing in with a browser, passwords, and roles of one's own, over HTTP.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::Request;
use hyper_util::client::legacy::Client as Hyper;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use super::client::Place;

const PASSWORD: &str = "correct horse battery";

/// What a browser does: it keeps a cookie, and sends along what a page of ours knows.
struct Browser<'a> {
    place: &'a Place,
    cookie: String,
    csrf: String,
}

impl Browser<'_> {
    async fn send(&self, method: &str, path: &str, csrf: &str, body: Option<&Value>) -> (u16, Value) {
        let client = Hyper::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("http://{}{path}", self.place.server.address()))
            .header("content-type", "application/json")
            .header("cookie", format!("other=1; {}; last=2", self.cookie));
        if !csrf.is_empty() {
            request = request.header("x-windlass-csrf", csrf);
        }
        let body = Full::new(Bytes::from(body.map(Value::to_string).unwrap_or_default()));
        let answer = client.request(request.body(body).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&bytes).unwrap_or_default())
    }

    async fn asks(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        self.send(method, path, &self.csrf, body).await
    }
}

async fn signs_in<'a>(place: &'a Place, how: &Value) -> Browser<'a> {
    let answer = place.send("", "POST", "/api/v1/sessions", "application/json", Some(how)).await;
    assert_eq!(answer.status().as_u16(), 201);
    let cookie = answer.headers()["set-cookie"].to_str().unwrap().to_owned();
    assert!(cookie.contains("; HttpOnly; SameSite=Strict; "), "{cookie}");
    let bytes = answer.into_body().collect().await.unwrap().to_bytes();
    let body: Value = serde_json::from_slice(&bytes).unwrap();
    let cookie = cookie.split(';').next().unwrap().to_owned();
    Browser { place, cookie, csrf: body["csrf"].as_str().unwrap().to_owned() }
}

async fn with_password(place: &Place, user: &str) -> String {
    let token = place.user(user, Some("admin"), &["default"]).await;
    let path = format!("/api/v1/users/{user}/password");
    let answer = place.ask(&place.admin, "PUT", &path, Some(&json!({"password": PASSWORD}))).await;
    assert_eq!(answer.status.as_u16(), 204, "{answer:?}");
    token
}

#[tokio::test]
async fn a_browser_signs_in_acts_and_signs_out() {
    let place = Place::new().await;
    with_password(&place, "ann").await;
    let browser = signs_in(&place, &json!({"user": "ann", "password": PASSWORD})).await;
    let (status, me) = browser.asks("GET", "/api/v1/me", None).await;
    assert_eq!((status, &me["user"]), (200, &json!("ann")));
    // What changes something is asked by a page that may read our answers.
    let variables = "/api/v1/namespaces/default/variables";
    let spec = json!({"metadata": {"name": "v"}, "spec": {"vars": {"a": 1}}});
    for csrf in ["", "0000", &browser.csrf.to_uppercase()] {
        let (status, problem) = browser.send("POST", variables, csrf, Some(&spec)).await;
        assert_eq!((status, &problem["code"]), (403, &json!("WL-1002")), "{problem}");
    }
    assert_eq!(browser.asks("POST", variables, Some(&spec)).await.0, 201);
    let (_, session) = browser.asks("GET", "/api/v1/sessions/current", None).await;
    assert_eq!(session["csrf"], json!(browser.csrf), "a page that is loaded again finds it");
    // Over a restart, too.
    let (cookie, csrf) = (browser.cookie, browser.csrf);
    let place = place.again().await;
    let browser = Browser { place: &place, cookie, csrf };
    assert_eq!(browser.asks("GET", "/api/v1/me", None).await.0, 200);
    assert_eq!(browser.asks("DELETE", "/api/v1/sessions/current", None).await.0, 204);
    assert_eq!(browser.asks("GET", "/api/v1/me", None).await.0, 401);
    let noted = place.sees("/api/v1/audit").await;
    let signs_in: Vec<&Value> = noted["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| &entry["what"])
        .filter(|what| what["verb"] == "signIn")
        .collect();
    assert_eq!(
        (signs_in.len(), &signs_in[0]["user"], &signs_in[0]["outcome"]),
        (1, &json!("ann"), &json!("done"))
    );
}

#[tokio::test]
async fn wrong_passwords_are_all_alike_and_cost_time() {
    let place = Place::new().await;
    with_password(&place, "ann").await;
    let tries = async |user: &str, password: &str| {
        let how = json!({"user": user, "password": password});
        let answer = place.ask("", "POST", "/api/v1/sessions", Some(&how)).await;
        (answer.status.as_u16(), answer.body["detail"].clone())
    };
    let wrong = tries("ann", "a guess that is wrong").await;
    assert_eq!(wrong, (401, json!("there is no such user with that password")));
    assert_eq!(tries("nobody", "a guess that is wrong").await, wrong);
    for _ in 0..4 {
        assert_eq!(tries("ann", "a guess that is wrong").await, wrong);
    }
    let (status, detail) = tries("ann", PASSWORD).await;
    assert_eq!(status, 429);
    assert!(detail.as_str().unwrap().starts_with("too many wrong passwords in a row"), "{detail}");
    let both = json!({"user": "ann", "token": "wl_x"});
    assert_eq!(place.ask("", "POST", "/api/v1/sessions", Some(&both)).await.status.as_u16(), 400);
}

#[tokio::test]
async fn another_password_ends_the_other_sessions() {
    let place = Place::new().await;
    with_password(&place, "ann").await;
    let how = json!({"user": "ann", "password": PASSWORD});
    let (one, other) = (signs_in(&place, &how).await, signs_in(&place, &how).await);
    let path = "/api/v1/users/ann/password";
    // Whoever finds a browser open does not know it.
    let new = json!({"password": "another horse battery"});
    assert_eq!(one.asks("PUT", path, Some(&new)).await.0, 401);
    let new = json!({"password": "another horse battery", "current": PASSWORD});
    assert_eq!(one.asks("PUT", path, Some(&new)).await.0, 204);
    assert_eq!(one.asks("GET", "/api/v1/me", None).await.0, 200);
    assert_eq!(other.asks("GET", "/api/v1/me", None).await.0, 401);
    // Others' are for those who may write passwords.
    let bob = place.user("bob", Some("viewer"), &["default"]).await;
    let answer = place.ask(&bob, "PUT", path, Some(&json!({"password": "yet another horse"}))).await;
    assert_eq!(answer.status.as_u16(), 404, "{answer:?}");
    let own = place.ask(&bob, "PUT", "/api/v1/users/bob/password", Some(&json!({"password": "short"}))).await;
    assert_eq!(
        (own.status.as_u16(), &own.body["detail"]),
        (400, &json!("a password has 12 characters at the least"))
    );
    place.does("PATCH", "/api/v1/users/ann", json!({"spec": {"disabled": true}})).await;
    assert_eq!(one.asks("GET", "/api/v1/me", None).await.0, 401, "who is shut out is so at once");
}

#[tokio::test]
async fn a_session_of_a_token_may_no_more_than_it_and_ends_with_it() {
    let place = Place::new().await;
    let narrow = json!({"note": "narrow", "namespaces": ["default"], "verbs": ["view"]});
    let made = place.does("POST", "/api/v1/tokens", narrow).await;
    let browser = signs_in(&place, &json!({"token": made["token"]})).await;
    assert_eq!(browser.asks("GET", "/api/v1/namespaces/default/plans", None).await.0, 200);
    assert_eq!(browser.asks("GET", "/api/v1/nodes", None).await.0, 403);
    let spec = json!({"spec": {}});
    assert_eq!(browser.asks("PUT", "/api/v1/namespaces/default/variables/v", Some(&spec)).await.0, 403);
    let change = json!({"password": "another horse battery"});
    assert_eq!(browser.asks("PUT", "/api/v1/users/admin/password", Some(&change)).await.0, 404);
    let path = format!("/api/v1/tokens/{}", made["id"].as_str().unwrap());
    assert_eq!(place.ask(&place.admin, "DELETE", &path, None).await.status.as_u16(), 204);
    assert_eq!(browser.asks("GET", "/api/v1/namespaces/default/plans", None).await.0, 401);
}

#[tokio::test]
async fn a_role_of_ones_own_is_bound_like_any_other() {
    let place = Place::new().await;
    let wrong = json!({"spec": {"includes": ["veiwer"], "allow": [{"verbs": ["wirte"], "kinds": ["Plam"]}]}});
    let answer = place
        .ask_as(&place.admin, "PATCH", "/api/v1/roles/stopper", "application/apply+json", Some(&wrong))
        .await;
    let hints: Vec<&str> =
        answer.body["problems"].as_array().unwrap().iter().map(|it| it["hint"].as_str().unwrap()).collect();
    assert_eq!(hints, ["did you mean `viewer`?", "did you mean `write`?", "did you mean `Plan`?"]);
    let unbound = json!({"spec": {"role": "stopper", "users": ["ann"], "namespaces": "*"}});
    place.does("PATCH", "/api/v1/users/ann", json!({})).await;
    let answer = place
        .ask_as(&place.admin, "PATCH", "/api/v1/rolebindings/ann", "application/apply+json", Some(&unbound))
        .await;
    assert_eq!(answer.status.as_u16(), 422, "there is no such role: {answer:?}");
    let role =
        json!({"spec": {"includes": ["viewer"], "allow": [{"verbs": ["write"], "kinds": ["Freeze"]}]}});
    place.does("PATCH", "/api/v1/roles/stopper", role).await;
    let ann = place.user("ann", Some("stopper"), &["*"]).await;
    let freeze = json!({"spec": {"reason": "a test", "plans": ["nothing"]}});
    let may = async |path: &str| {
        place.ask_as(&ann, "PATCH", path, "application/apply+json", Some(&freeze)).await.status.as_u16()
    };
    assert_eq!(may("/api/v1/freezes/stop").await, 201);
    assert_eq!(may("/api/v1/policies/stop").await, 403);
    let answer = place.ask(&place.admin, "DELETE", "/api/v1/roles/stopper", None).await;
    assert_eq!(answer.status.as_u16(), 409, "somebody has it: {answer:?}");
}

#[tokio::test]
async fn the_inventory_of_a_namespace_is_what_its_runs_may_touch() {
    let place = Place::new().await;
    let spec = json!({"spec": {"nodes": {"labels": "team=web"}}});
    place.does("PATCH", "/api/v1/namespaces/web", spec).await;
    for (node, team) in [("web01", "web"), ("db01", "db")] {
        let spec = json!({"metadata": {"labels": {"team": team}}, "spec": {"vars": {"port": 80}}});
        place.does("PATCH", &format!("/api/v1/nodes/{node}"), spec).await;
    }
    place.does("PATCH", "/api/v1/namespaces/web/variables/v", json!({"spec": {"vars": {"a": 1}}})).await;
    let ann = place.user("ann", Some("viewer"), &["web"]).await;
    let answer = place.ask(&ann, "GET", "/api/v1/namespaces/web/inventory", None).await;
    let names: Vec<&Value> =
        answer.body["spec"]["nodes"].as_array().unwrap().iter().map(|node| &node["name"]).collect();
    assert_eq!((names, &answer.body["spec"]["namespace"]["vars"]), (vec![&json!("web01")], &json!({"a": 1})));
    let text = windlass_inventory::Text {
        source: windlass_lang::Source::new("an inventory", &answer.text),
        form: windlass_inventory::Form::Yaml,
    };
    assert_eq!(windlass_inventory::read(&[text]).unwrap().inventory.len(), 1);
}

#[tokio::test]
async fn variables_of_the_cluster_count_where_they_are_bound() {
    let place = Place::new().await;
    for namespace in ["east", "west"] {
        let spec = json!({"spec": {"nodes": {"nodes": ["*"]}}});
        place.does("PATCH", &format!("/api/v1/namespaces/{namespace}"), spec).await;
    }
    place.does("PATCH", "/api/v1/clustervariables/all", json!({"spec": {"vars": {"a": "all"}}})).await;
    place.does("PATCH", "/api/v1/clustervariables/mirrors", json!({"spec": {"vars": {"m": "near"}}})).await;
    let vars = async |namespace: &str| {
        let inventory = place.sees(&format!("/api/v1/namespaces/{namespace}/inventory")).await;
        inventory["spec"]["cluster"]["vars"].clone()
    };
    assert_eq!(vars("west").await, json!({"a": "all", "m": "near"}), "what nobody binds counts everywhere");
    let binding = json!({"spec": {"variables": "mirrors", "namespaces": ["east"]}});
    place.does("PATCH", "/api/v1/clustervariablesbindings/near", binding).await;
    assert_eq!(
        (vars("east").await, vars("west").await),
        (json!({"a": "all", "m": "near"}), json!({"a": "all"}))
    );
    let answer = place.ask(&place.admin, "DELETE", "/api/v1/clustervariables/mirrors", None).await;
    assert_eq!(answer.status.as_u16(), 409, "a binding names it: {answer:?}");
}

/// What a stream says until it ends.
async fn all_of(mut answer: hyper::Response<hyper::body::Incoming>) -> String {
    let heard = async {
        let mut text = String::new();
        while let Some(frame) = answer.body_mut().frame().await {
            text.push_str(&String::from_utf8_lossy(&frame.unwrap().into_data().unwrap_or_default()));
        }
        text
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), heard).await.unwrap()
}

#[tokio::test]
async fn what_goes_on_for_somebody_ends_when_they_are_shut_out() {
    let place = Place::new().await;
    let token = place.user("ann", Some("viewer"), &["default"]).await;
    let watch = "/api/v1/namespaces/default/plans?watch=true";
    let answer = place.send(&token, "GET", watch, "", None).await;
    assert_eq!(answer.status().as_u16(), 200);
    place.does("PATCH", "/api/v1/users/ann", json!({"spec": {"disabled": true}})).await;
    let text = all_of(answer).await;
    assert!(text.contains("event: problem") && text.contains("WL-1001"), "{text}");
}

#[tokio::test]
async fn what_goes_on_for_somebody_ends_when_they_may_not_see_it_any_more() {
    let place = Place::new().await;
    let token = place.user("ann", Some("viewer"), &["default"]).await;
    let namespace = "/api/v1/namespaces/default";
    let watch = format!("{namespace}/plans?watch=true");
    let watching = place.send(&token, "GET", &watch, "", None).await;
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [
        {"name": "a", "use": "sleep", "with": {"duration": "1h"}}]}]}]}});
    place.does("PATCH", &format!("{namespace}/plans/wait"), plan).await;
    let made = place.does("POST", &format!("{namespace}/runs"), json!({"plan": "wait"})).await;
    let run = format!("{namespace}/runs/{}", made["run"].as_str().unwrap());
    let following = place.send(&token, "GET", &format!("{run}/events"), "", None).await;
    // What has to do with other rights goes on.
    let bob = place.user("bob", Some("viewer"), &["default"]).await;
    let mut other = place.send(&bob, "GET", &watch, "", None).await;
    place.does("DELETE", "/api/v1/rolebindings/ann", Value::Null).await;
    for (answer, what) in [(watching, "Plan"), (following, "Run")] {
        let text = all_of(answer).await;
        let last = text.rsplit("event: ").next().unwrap();
        assert!(last.starts_with("problem") && last.contains("WL-1002") && last.contains(what), "{text}");
    }
    place.does("POST", &format!("{run}/kill"), json!({})).await;
    place.does("DELETE", &format!("{namespace}/plans/wait"), Value::Null).await;
    let mut text = String::new();
    while !text.contains("event: deleted") {
        let frame = other.body_mut().frame().await.unwrap().unwrap();
        text.push_str(&String::from_utf8_lossy(&frame.into_data().unwrap_or_default()));
    }
    assert!(!text.contains("WL-1002"), "{text}");
}

#[tokio::test]
async fn who_is_made_anew_under_a_name_has_nothing_of_who_had_it_before() {
    let place = Place::new().await;
    let token = with_password(&place, "ann").await;
    let how = json!({"user": "ann", "password": PASSWORD});
    let browser = signs_in(&place, &how).await;
    place.does("DELETE", "/api/v1/rolebindings/ann", Value::Null).await;
    place.does("DELETE", "/api/v1/users/ann", Value::Null).await;
    place.does("PATCH", "/api/v1/users/ann", json!({})).await;
    assert_eq!(place.ask(&token, "GET", "/api/v1/me", None).await.status.as_u16(), 401);
    assert_eq!(browser.asks("GET", "/api/v1/me", None).await.0, 401);
    assert_eq!(place.ask("", "POST", "/api/v1/sessions", Some(&how)).await.status.as_u16(), 401);
}
