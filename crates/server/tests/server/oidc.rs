//! Signing in by a real provider of OpenID Connect, as browsers and programs do.

mod browser;
mod provider;

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use windlass_server::{Oidc, Options, Server};

use self::browser::Browser;
use self::provider::{REDIRECT, Real};
use super::client::{Place, options};

const VERIFIER: &str = "a word that only the program knows, and that is long enough";

async fn place(provider: &Real, change: impl FnOnce(&mut Oidc)) -> Place {
    let mut oidc = Oidc {
        name: "Example Corp".into(),
        issuer: provider.issuer.clone(),
        url: REDIRECT.trim_end_matches("/api/v1/oidc/callback").into(),
        client_id: "windlass".into(),
        client_secret: Some("what/the provider+gave".to_owned().into()),
        scopes: vec!["profile".into()],
        user_claim: "sub".into(),
        groups_claim: Some("groups".into()),
        audiences: Vec::new(),
        create: false,
        device: true,
        lasts: std::time::Duration::from_secs(3600),
        ca: None,
    };
    change(&mut oidc);
    let directory = tempfile::tempdir().unwrap();
    let options = Options { oidc: Some(oidc), ..options(directory.path()) };
    let server = Server::open(options, windlass_plugins::standard().unwrap()).await.unwrap();
    let admin = server.first().unwrap().issued.token.clone();
    Place { directory, server, admin }
}

/// A user who is somebody at the provider.
async fn user(place: &Place, name: &str, provider: &Real, account: &str) {
    let identity = json!({"issuer": provider.issuer, "subject": account});
    place.does("PATCH", &format!("/api/v1/users/{name}"), json!({"spec": {"identities": [identity]}})).await;
}

/// What was noted of signing in, the newest first: who, and how it ended.
async fn noted(place: &Place) -> Vec<(String, String)> {
    let all = place.sees("/api/v1/audit").await;
    let all = all["items"].as_array().unwrap().iter().map(|entry| entry["what"].clone());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    all.filter(|what| what["verb"] == "signIn")
        .map(|what| (word(&what["user"]), word(&what["outcome"])))
        .collect()
}

#[tokio::test]
async fn a_browser_signs_in_by_a_provider_and_is_who_a_user_says() {
    let Some(provider) = Real::begin("a_browser_signs_in_by_a_provider_and_is_who_a_user_says") else {
        return;
    };
    let place = place(&provider, |_| ()).await;
    user(&place, "alice", &provider, "ann").await;
    let binding = json!({"spec": {"role": "viewer", "groups": ["oidc:web"], "namespaces": ["default"]}});
    place.does("PATCH", "/api/v1/rolebindings/web", binding).await;
    let offered = place.ask("", "GET", "/api/v1/oidc", None).await.body;
    assert_eq!((&offered["name"], &offered["device"]), (&json!("Example Corp"), &json!(true)));

    let mut browser = Browser::new(&place);
    let page = browser.signs_in("/api/v1/oidc/login?returnTo=/runs%3Fstatus=failed", "ann").await;
    assert_eq!((page.status, page.location.as_str()), (303, "/runs?status=failed"), "{}", page.text);
    let cookie = browser.cookies.keys().cloned().collect::<Vec<_>>();
    assert!(
        !cookie.iter().any(|name| name.starts_with("windlass-oidc")),
        "what it needed is gone: {cookie:?}"
    );
    let me: Value = serde_json::from_str(&browser.get("/api/v1/me").await.text).unwrap();
    assert_eq!((&me["user"], &me["groups"]), (&json!("alice"), &json!(["oidc:web", "oidc:admin"])));
    assert_eq!(
        browser.get("/api/v1/namespaces/default/plans").await.status,
        200,
        "by the group of the provider"
    );
    // A group of the provider is none of ours, whatever it is called.
    assert_eq!(browser.get("/api/v1/nodes").await.status, 403);
    let session: Value = serde_json::from_str(&browser.get("/api/v1/sessions/current").await.text).unwrap();
    assert_eq!(session["user"], "alice");
    assert_eq!(noted(&place).await, [("alice".to_owned(), "done".to_owned())]);
    // Over a restart, too; and who is shut out is so at once.
    place.does("PATCH", "/api/v1/users/alice", json!({"spec": {"disabled": true}})).await;
    assert_eq!(browser.get("/api/v1/me").await.status, 401);
    let again = Browser::new(&place).signs_in("/api/v1/oidc/login", "ann").await;
    assert_eq!(again.status, 403, "{}", again.text);
}

#[tokio::test]
async fn an_answer_counts_once_in_the_browser_that_asked_and_leads_nowhere_else() {
    let Some(provider) =
        Real::begin("an_answer_counts_once_in_the_browser_that_asked_and_leads_nowhere_else")
    else {
        return;
    };
    let place = place(&provider, |_| ()).await;
    user(&place, "ann", &provider, "ann").await;
    for evil in ["//evil.example", "https://evil.example", "/%5Cevil.example", "/%09/evil.example"] {
        let answer = place.ask("", "GET", &format!("/api/v1/oidc/login?returnTo={evil}"), None).await;
        assert_eq!(answer.status.as_u16(), 400, "{evil}: {answer:?}");
    }
    let mut browser = Browser::new(&place);
    let back = browser.comes_back("/api/v1/oidc/login", "ann").await;
    let mut other = Browser::new(&place);
    let stolen = other.get(&back).await;
    assert_eq!(stolen.status, 401, "another browser did not ask: {}", stolen.text);
    assert!(other.cookies.is_empty());
    let state = back.split("state=").nth(1).unwrap().split('&').next().unwrap();
    let turned = format!("{}{}", &state[..8], state[8..].chars().rev().collect::<String>());
    assert_eq!(browser.get(&back.replace(state, &turned)).await.status, 401, "of another sign-in");
    let kept = browser.cookies.clone();
    assert_eq!(browser.get(&back).await.status, 303);
    browser.cookies = kept;
    let replayed = browser.get(&back).await;
    assert_eq!(replayed.status, 401, "{}", replayed.text);
    assert!(replayed.text.contains("invalid_grant"), "{}", replayed.text);
    let outcomes: Vec<String> = noted(&place).await.into_iter().map(|(_, outcome)| outcome).collect();
    assert_eq!(outcomes, ["denied", "done", "denied", "denied"]);
}

#[tokio::test]
async fn who_is_unknown_is_refused_or_made_without_rights_and_never_takes_a_name() {
    let Some(provider) =
        Real::begin("who_is_unknown_is_refused_or_made_without_rights_and_never_takes_a_name")
    else {
        return;
    };
    let strict = place(&provider, |_| ()).await;
    // The provider lets somebody call themselves `admin`; that makes nobody the one here.
    let page = Browser::new(&strict).signs_in("/api/v1/oidc/login", "admin").await;
    let problem: Value = serde_json::from_str(&page.text).unwrap();
    assert_eq!((page.status, &problem["code"]), (403, &json!("WL-1012")));
    assert!(problem["hint"].as_str().unwrap().contains("subject: \"admin\""), "{problem}");
    assert_eq!(noted(&strict).await, [("oidc:admin".to_owned(), "denied".to_owned())]);
    let open = place(&provider, |oidc| oidc.create = true).await;
    let page = Browser::new(&open).signs_in("/api/v1/oidc/login", "admin").await;
    assert_eq!(page.status, 403, "there is one of that name: {}", page.text);
    let mut browser = Browser::new(&open);
    assert_eq!(browser.signs_in("/api/v1/oidc/login", "Bob@home").await.status, 303);
    let me: Value = serde_json::from_str(&browser.get("/api/v1/me").await.text).unwrap();
    assert_eq!((&me["user"], &me["cluster"]), (&json!("bob-home"), &json!([])));
    assert_eq!(browser.get("/api/v1/nodes").await.status, 403);
    assert_eq!(
        Browser::new(&open).signs_in("/api/v1/oidc/login", "Bob@home").await.status,
        303,
        "and is they again"
    );
    // Two who say that they are one are nobody.
    user(&strict, "ann", &provider, "ann").await;
    user(&strict, "eve", &provider, "ann").await;
    let page = Browser::new(&strict).signs_in("/api/v1/oidc/login", "ann").await;
    assert!(page.status == 403 && page.text.contains("several users"), "{}", page.text);
}

#[tokio::test]
async fn a_program_comes_for_its_token_and_nobody_else_does() {
    let Some(provider) = Real::begin("a_program_comes_for_its_token_and_nobody_else_does") else { return };
    let place = place(&provider, |_| ()).await;
    user(&place, "ann", &provider, "ann").await;
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(VERIFIER.as_bytes()));
    let login =
        |redirect: &str| format!("/api/v1/oidc/login?redirect={redirect}&challenge={challenge}&state=word");
    for evil in ["http://evil.example:80/", "https://127.0.0.1:1/", "http://127.0.0.1:1@evil.example/"] {
        assert_eq!(place.ask("", "GET", &login(evil), None).await.status.as_u16(), 400, "{evil}");
    }
    let code = async || {
        let page = Browser::new(&place).signs_in(&login("http://127.0.0.1:4000/back"), "ann").await;
        assert_eq!(page.status, 303, "{}", page.text);
        let rest = page.location.strip_prefix("http://127.0.0.1:4000/back?code=").unwrap().to_owned();
        rest.strip_suffix("&state=word").unwrap().to_owned()
    };
    let comes = async |code: &str, verifier: &str| {
        let body = json!({"code": code, "verifier": verifier});
        place.ask("", "POST", "/api/v1/oidc/token", Some(&body)).await
    };
    let stolen = code().await;
    assert_eq!(comes(&stolen, "another word").await.status.as_u16(), 401);
    assert_eq!(comes(&stolen, VERIFIER).await.status.as_u16(), 401, "one try is all there is");
    let code = code().await;
    let made = comes(&code, VERIFIER).await;
    assert_eq!((made.status.as_u16(), &made.body["user"]), (201, &json!("ann")), "{made:?}");
    assert_eq!(comes(&code, VERIFIER).await.status.as_u16(), 401);
    let token = made.body["token"].as_str().unwrap();
    assert_eq!(
        place.ask(token, "GET", "/api/v1/me", None).await.body["groups"],
        json!(["oidc:web", "oidc:admin"])
    );
    let listed = place.ask(token, "GET", "/api/v1/tokens", None).await.body["items"][0].clone();
    assert_eq!(listed["expiresAt"], made.body["expiresAt"]);
    // What the provider said once lasts no longer than this token.
    let more = place.ask(token, "POST", "/api/v1/tokens", Some(&json!({"note": "for ever"}))).await;
    let lasting = more.body["token"].as_str().unwrap();
    assert_eq!(place.ask(lasting, "GET", "/api/v1/me", None).await.body["groups"], json!([]));
}

#[tokio::test]
async fn a_command_line_listens_for_its_browser() {
    let Some(provider) = Real::begin("a_command_line_listens_for_its_browser") else { return };
    let place = place(&provider, |_| ()).await;
    user(&place, "ann", &provider, "ann").await;
    let url = format!("http://{}", place.server.address());
    let client =
        windlass_client::Client::new(&windlass_client::Server { url: url.clone(), ..Default::default() });
    let waiting = windlass_client::browser_sign_in(&client.unwrap()).await.unwrap();
    let login = waiting.url().strip_prefix(&url).unwrap().to_owned();
    let finished = tokio::spawn(waiting.finish());
    let mut browser = Browser::new(&place);
    let page = browser.signs_in(&login, "ann").await;
    let stranger = page.location.replace("state=", "state=x");
    assert_eq!(browser.send(&stranger, None).await.status, 404, "who has another word is not heard");
    let end = browser.send(&page.location, None).await;
    assert!(end.status == 200 && end.text.contains("signed in"), "{end:?}");
    let signed_in = finished.await.unwrap().unwrap();
    assert_eq!(place.ask(&signed_in.token, "GET", "/api/v1/me", None).await.body["user"], "ann");
}

#[tokio::test]
async fn a_terminal_without_a_browser_signs_in_by_a_code() {
    let Some(provider) = Real::begin("a_terminal_without_a_browser_signs_in_by_a_code") else { return };
    let place = place(&provider, |_| ()).await;
    user(&place, "ann", &provider, "ann").await;
    let begun = place.ask("", "POST", "/api/v1/oidc/device", None).await;
    assert_eq!(begun.status.as_u16(), 200, "{begun:?}");
    let asks = async || {
        let body = json!({"handle": begun.body["handle"]});
        place.ask("", "POST", "/api/v1/oidc/device/token", Some(&body)).await
    };
    let waits = asks().await;
    assert_eq!((waits.status.as_u16(), &waits.body["signedIn"]), (200, &Value::Null), "{waits:?}");
    assert!(waits.body["wait"].as_u64().unwrap() > 0);
    Browser::new(&place).types(begun.body["verificationUriComplete"].as_str().unwrap(), "ann").await;
    let done = asks().await;
    assert_eq!(done.body["signedIn"]["user"], "ann", "{done:?}");
    let token = done.body["signedIn"]["token"].as_str().unwrap();
    assert_eq!(place.ask(token, "GET", "/api/v1/me", None).await.body["user"], "ann");
    assert_eq!(asks().await.status.as_u16(), 401, "once");
}

#[tokio::test]
async fn a_run_that_waits_for_its_turn_is_still_of_the_groups_of_who_submitted_it() {
    let name = "a_run_that_waits_for_its_turn_is_still_of_the_groups_of_who_submitted_it";
    let Some(provider) = Real::begin(name) else { return };
    let place = place(&provider, |_| ()).await;
    user(&place, "alice", &provider, "ann").await;
    let binding = json!({"spec": {"role": "operator", "groups": ["oidc:web"], "namespaces": ["default"]}});
    place.does("PATCH", "/api/v1/rolebindings/web", binding).await;
    let plan = json!({"spec": {"blocks": [{"name": "b", "sequences": [{"name": "s", "actions": [{"name": "a", "use": "noop"}]}]}]}});
    place.does("PATCH", "/api/v1/namespaces/default/plans/work", plan).await;
    let cedar = r#"forbid (principal, action, resource) unless { principal in Group::"oidc:web" };"#;
    place.does("PATCH", "/api/v1/policies/web-only", json!({"spec": {"cedar": cedar}})).await;
    let rate = json!({"spec": {"rate": {"most": 1, "every": "2s", "beyond": "wait"}}});
    place.does("PATCH", "/api/v1/policies/slow", rate).await;
    let begun = place.ask("", "POST", "/api/v1/oidc/device", None).await.body;
    Browser::new(&place).types(begun["verificationUriComplete"].as_str().unwrap(), "ann").await;
    let body = json!({"handle": begun["handle"]});
    let done = place.ask("", "POST", "/api/v1/oidc/device/token", Some(&body)).await.body;
    let token = done["signedIn"]["token"].as_str().unwrap().to_owned();
    let submits = async || {
        let answer = place
            .ask(&token, "POST", "/api/v1/namespaces/default/runs", Some(&json!({"plan": "work"})))
            .await;
        assert_eq!(answer.status.as_u16(), 201, "{answer:?}");
        answer.body
    };
    submits().await;
    let second = submits().await;
    assert!(second["waits"].as_str().unwrap().contains("slow"), "{second}");
    let ended = place.ended(second["run"].as_str().unwrap()).await;
    assert_eq!(ended["status"], "succeeded", "{ended}");
}

#[tokio::test]
async fn a_provider_that_is_away_keeps_nobody_from_signing_in_otherwise() {
    let Some(provider) = Real::begin("a_provider_that_is_away_keeps_nobody_from_signing_in_otherwise") else {
        return;
    };
    let away = place(&provider, |oidc| oidc.issuer = "http://127.0.0.1:1".into()).await;
    let answer = away.ask("", "GET", "/api/v1/oidc/login", None).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (503, &json!("WL-1011")), "{answer:?}");
    assert!(answer.body["detail"].as_str().unwrap().contains("cannot be reached"), "{answer:?}");
    let by_token = json!({"token": away.admin});
    assert_eq!(away.ask("", "POST", "/api/v1/sessions", Some(&by_token)).await.status.as_u16(), 201);
    assert_eq!(away.ask("", "GET", "/api/v1/oidc", None).await.body["device"], json!(false));
    let none = Place::new().await;
    assert_eq!(none.ask("", "GET", "/api/v1/oidc", None).await.status.as_u16(), 404);
    // One that comes back is asked again.
    let place = place(&provider, |_| ()).await;
    user(&place, "ann", &provider, "ann").await;
    let mut browser = Browser::new(&place);
    let back = browser.comes_back("/api/v1/oidc/login", "ann").await;
    drop(provider);
    let answer = browser.get(&back).await;
    assert!(answer.status == 503 && answer.text.contains("WL-1011"), "{}", answer.text);
    assert!(!answer.text.contains("code="), "{}", answer.text);
}
