//! The page as a whole: self-contained, harmless whatever comes in, of bounded size.

use serde_json::json;
use windlass_model::element::ElementId;
use windlass_model::event::{AttemptEnd, Author, What};
use windlass_model::outcome::{Failure, Outcome, RunStatus};
use windlass_model::payload::Payload;

use super::{HtmlOptions, write_html};
use crate::fixture::{Log, action, failed_run, layout, rolling_patch, sequence, submitted, web};
use crate::fold::Fold;

fn html(fold: &Fold) -> String {
    let mut bytes = Vec::new();
    write_html(fold, &HtmlOptions::default(), &mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_failed_run() {
    let page = html(&failed_run().fold(&layout(rolling_patch(), web(5))));
    let (_, body) = page.split_once("<body>").unwrap();
    insta::assert_snapshot!(body);
}

#[test]
fn a_run_that_has_not_begun_has_a_page() {
    let page = html(&submitted().fold(&layout(rolling_patch(), web(5))));
    assert!(page.ends_with("</html>\n"));
}

#[test]
fn nothing_is_fetched_and_nothing_is_run() {
    let page = html(&failed_run().fold(&layout(rolling_patch(), web(5))));
    for banned in ["<script", "http:", "https:", "url(", "@import", "<link", "<img", "<iframe", "javascript:"]
    {
        assert!(!page.contains(banned), "{banned}");
    }
    assert!(page.contains("default-src 'none'"));
}

#[test]
fn hostile_text_stays_text() {
    let evil = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>\0\u{202e}&amp;\u{2066}";
    let mut plan = rolling_patch();
    plan["metadata"]["name"] = json!(evil);
    plan["metadata"]["description"] = json!(evil);
    plan["spec"]["blocks"][0]["name"] = json!(evil);
    plan["spec"]["blocks"][0]["sequence"][0]["name"] = json!(evil);
    plan["spec"]["blocks"][0]["sequence"][0]["use"] = json!(evil);
    plan["spec"]["deferred"][0]["name"] = json!(evil);
    let by = || Author { user: evil.into(), why: evil.into() };
    let mut failure = Failure::new(evil, evil);
    failure.causes = vec![evil.into()];
    let element: ElementId = action(0, 0, 0).into();
    let payload =
        Some(Payload::of(&json!({evil: evil, "text": format!("{evil}\n{evil}"), "list": [evil, {evil: 1}]})));
    let end = AttemptEnd { response: payload.clone(), changed: true, failure: Some(failure.clone()) };
    let saves = vec![(evil.to_owned(), payload.clone().unwrap())];
    let mut log = submitted();
    log.push(What::Approved { by: by() })
        .push(What::Started { by: by() })
        .push(What::Recovered { by: evil.into() })
        .began(ElementId::Block(0))
        .began(sequence(0))
        .push(What::LockAwaited { element: sequence(0), lock: evil.into(), holder: evil.into() })
        .push(What::ActionBegan { element, request: payload })
        .push(What::AttemptBegan { element, n: 1 })
        .push(What::AttemptEnded { element, n: 1, end })
        .push(What::Asked { element, failure: failure.clone() })
        .push(What::ActionEnded { element, outcome: Outcome::Failed, failure: Some(failure), saves })
        .began(ElementId::Batch(0));
    let page = html(&log.fold(&layout(plan, [evil.to_owned()])));
    assert!(page.contains("&lt;script&gt;"));
    assert!(!page.contains("<script") && !page.contains("<img") && !page.contains("&amp;lt;"));
    let control = |char: char| char.is_control() && !matches!(char, '\n' | '\t');
    assert!(!page.contains(control) && !page.contains(['\u{202e}', '\u{2066}']));
}

#[test]
fn a_hundred_thousand_targets_make_a_small_file() {
    const TARGETS: u32 = 100_000;
    let output = "x".repeat(1_000);
    let mut log = Log::new();
    log.push(What::Started { by: Author::new("ada") }).began(ElementId::Block(0));
    for seq in 0..TARGETS {
        let element: ElementId = action(0, seq, 0).into();
        let response = Some(Payload::of(&json!({ "stdout": output })));
        let failure = (seq % 50 == 0).then(|| Failure::new("exit", "status 1"));
        let outcome = if failure.is_some() { Outcome::Failed } else { Outcome::CHANGED };
        let end = AttemptEnd { response, changed: true, failure: failure.clone() };
        log.began(sequence(seq))
            .push(What::ActionBegan { element, request: None })
            .push(What::AttemptBegan { element, n: 1 })
            .push(What::AttemptEnded { element, n: 1, end })
            .push(What::ActionEnded { element, outcome, failure, saves: vec![] })
            .ended(sequence(seq), outcome);
    }
    log.push(What::Finished { status: RunStatus::Failed });
    let page = html(&log.fold(&layout(rolling_patch(), (0..TARGETS).map(|n| format!("n{n:06}")))));
    assert!(page.len() < 15 << 20, "{} bytes", page.len());
    assert!(page.contains("98,000 more sequences left out"));
}
