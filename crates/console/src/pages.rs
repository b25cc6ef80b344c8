//! The pages as they are served.

use std::borrow::Cow;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use rust_embed::RustEmbed;

/// What was built.
#[derive(RustEmbed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
struct Built;

/// What a browser may do with it: nothing that comes from elsewhere, and nothing that stands in a page.
///
/// The one style that is named by its hash is what the library of buttons puts in for touch screens.
const POLICY: &str = "default-src 'none'; script-src 'self'; \
                      style-src 'self' 'sha256-38RhXrc7EdReTKsOm23ZPOCUgniTUUcjky8QOOrQx6o='; img-src 'self' data:; font-src 'self'; \
                      connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
/// Files whose names change with what is in them.
const LASTING: &str = "public, max-age=31536000, immutable";
/// All others are asked for again, by their tag.
const ASKED_AGAIN: &str = "no-cache";
/// What is served where the console was not built.
const ABSENT: &str = include_str!("absent.html");
const INDEX: &str = "index.html";

/// Whether the console is in this program.
#[must_use]
pub fn is_here() -> bool {
    Built::get(INDEX).is_some()
}

/// The routes of the console.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/", get(|| async { Redirect::temporary("/ui/") }))
        .route("/ui", get(|| async { Redirect::permanent("/ui/") }))
        .route("/ui/", get(|headers: HeaderMap| async move { serve(INDEX, &headers) }))
        .route(
            "/ui/{*path}",
            get(|Path(path): Path<String>, headers: HeaderMap| async move { serve(&path, &headers) }),
        )
}

/// A file; of what is none, the page that reads addresses itself.
fn serve(path: &str, asked: &HeaderMap) -> Response {
    if !is_here() {
        let headers =
            [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-store")];
        return guarded((StatusCode::NOT_FOUND, headers, ABSENT).into_response());
    }
    let is_asset = path.starts_with("assets/");
    let name = if Built::get(path).is_some() { path } else { INDEX };
    // What was an asset of another version is no page.
    if is_asset && name == INDEX {
        return guarded(StatusCode::NOT_FOUND.into_response());
    }
    let accepted =
        asked.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_accepted = |coding: &str| {
        accepted.split(',').any(|one| {
            let (name, quality) = one.trim().split_once(";q=").unwrap_or((one.trim(), "1"));
            name == coding && quality.trim().parse::<f32>().is_ok_and(|quality| quality > 0.0)
        })
    };
    let packed = [("br", "br"), ("gz", "gzip")].into_iter().filter(|(_, coding)| is_accepted(coding));
    let packed =
        packed.filter_map(|(ending, coding)| Some((Built::get(&format!("{name}.{ending}"))?, Some(coding))));
    let found = packed.into_iter().next().or_else(|| Some((Built::get(name)?, None)));
    let Some((file, coding)) = found else { return guarded(StatusCode::NOT_FOUND.into_response()) };
    let tag = tag(&file.metadata.sha256_hash());
    let same = asked.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok());
    if same.is_some_and(|same| same.split(',').any(|one| one.trim() == tag)) {
        return guarded((StatusCode::NOT_MODIFIED, [(header::ETAG, tag)]).into_response());
    }
    let body = match file.data {
        Cow::Borrowed(bytes) => Body::from(bytes),
        Cow::Owned(bytes) => Body::from(bytes),
    };
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media(name)));
    headers.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(if is_asset { LASTING } else { ASKED_AGAIN }),
    );
    headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(header::ETAG, tag);
    }
    if let Some(coding) = coding {
        headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static(coding));
    }
    guarded(response)
}

fn guarded(mut response: Response) -> Response {
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

fn tag(hash: &[u8]) -> String {
    let hex: String = hash.iter().take(12).map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hex}\"")
}

fn media(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "svg" => "image/svg+xml",
        "json" | "webmanifest" => "application/json",
        "woff2" => "font/woff2",
        "png" => "image/png",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    use super::*;

    async fn get(path: &str, headers: &[(&str, &str)]) -> (Response, String) {
        let mut request = Request::builder().uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = router().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        let (parts, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        (Response::from_parts(parts, Body::empty()), String::from_utf8_lossy(&bytes).into_owned())
    }

    fn header_of<'a>(response: &'a Response, name: &str) -> &'a str {
        response.headers().get(name).map_or("", |value| value.to_str().unwrap())
    }

    #[tokio::test]
    async fn every_page_is_guarded_and_addresses_of_pages_lead_to_one() {
        let (root, _) = get("/", &[]).await;
        assert_eq!((root.status(), header_of(&root, "location")), (StatusCode::TEMPORARY_REDIRECT, "/ui/"));
        for path in ["/ui/", "/ui/n/default/runs/x", "/ui/../etc/passwd", "/ui/assets/none.js"] {
            let (page, text) = get(path, &[]).await;
            assert!(header_of(&page, "content-security-policy").contains("script-src 'self';"), "{path}");
            assert_eq!(header_of(&page, "x-content-type-options"), "nosniff");
            match (is_here(), path.contains("assets")) {
                (true, false) => {
                    assert!(page.status().is_success() && text.contains("<div id=\"root\">"), "{path}")
                }
                _ => assert_eq!(page.status(), StatusCode::NOT_FOUND, "{path}"),
            }
        }
    }

    #[tokio::test]
    async fn without_the_console_a_page_says_how_to_get_it() {
        if !is_here() {
            let (page, text) = get("/ui/", &[]).await;
            assert_eq!(page.status(), StatusCode::NOT_FOUND);
            assert!(text.contains("cargo xtask web"), "{text}");
        }
    }

    #[tokio::test]
    async fn a_page_that_has_not_changed_is_not_sent_again() {
        if is_here() {
            let (page, _) = get("/ui/", &[]).await;
            let tag = header_of(&page, "etag").to_owned();
            let (again, text) = get("/ui/", &[("if-none-match", &tag)]).await;
            assert_eq!((again.status(), text.as_str()), (StatusCode::NOT_MODIFIED, ""));
            // The smallest ones are not worth packing.
            let script =
                Built::iter().find(|name| name.starts_with("assets/index-") && name.ends_with(".js"));
            let script = format!("/ui/{}", script.unwrap());
            let (packed, _) = get(&script, &[("accept-encoding", "gzip, br")]).await;
            assert_eq!(header_of(&packed, "content-encoding"), "br");
            assert!(header_of(&packed, "cache-control").contains("immutable"));
            let (plain, _) = get(&script, &[("accept-encoding", "br;q=0")]).await;
            assert_eq!(header_of(&plain, "content-encoding"), "");
        }
    }
}
