//! What a noop foresaw, as people and programs read it.

use serde_json::{Value, json};
use windlass_model::element::{ElementId, Side, Work};
use windlass_model::event::{AttemptEnd, Author, What};
use windlass_model::foresight::{Foreseen, Would};
use windlass_model::outcome::{Failure, Outcome, RunStatus};

use super::*;
use crate::fixture::{Log, START, sequence, submission, web};
use crate::{HtmlOptions, JsonOptions, TextOptions, write_html, write_json, write_text};

const DIFF: &str = "--- /etc/motd\n+++ /etc/motd\n@@ -1 +1 @@\n-a\x1b[31m\n+b <b>\n";

/// Three targets: on two `conf` would change the same, on the third something else; nobody can tell about `go`.
fn looked_run() -> Fold {
    let plan = json!({
        "apiVersion": "windlass.dev/v1", "kind": "Plan", "metadata": {"name": "conf"},
        "spec": {"blocks": [{
            "name": "web", "targets": {"nodes": ["web{1..3}"]},
            "sequence": [
                {"name": "conf", "use": "file", "verify": [{"name": "there", "use": "file.exists"}]},
                {"name": "go", "use": "command"},
            ],
        }]},
    });
    let submission = windlass_model::submission::Submission { noop: true, ..submission(plan, web(3)) };
    let layout = windlass_model::layout::Layout::new(submission.into(), &Default::default()).into();
    let mut log = Log { events: Vec::new(), now: START };
    let digest = windlass_model::submission::Digest([0; 32]);
    log.push(What::Submitted { user: "ada".into(), digest, targets: 3, seed: 7 });
    log.push(What::Started { by: Author::new("ada") }).began(ElementId::Block(0));
    for seq in 0..3 {
        log.began(sequence(seq));
        let conf = Work::Action { block: 0, seq, action: 0 };
        let there = ElementId::Verify { of: conf, side: Side::Before, index: 0 };
        log.push(What::ActionBegan { element: conf.into(), request: None });
        log.push(What::ActionBegan { element: there, request: None });
        let failure = Some(Failure::new("absent", "there is no such file"));
        log.push(What::ActionEnded { element: there, outcome: Outcome::Failed, failure, saves: vec![] });
        let diff = Some(if seq < 2 { DIFF.to_owned() } else { "mode: 0644 -> 0600\n".to_owned() });
        asked(&mut log, conf, Foreseen { would: Would::Change, why: None, diff });
        let go = Work::Action { block: 0, seq, action: 1 };
        log.push(What::ActionBegan { element: go.into(), request: None });
        asked(&mut log, go, Foreseen::unknown("it would run `systemctl restart web`"));
        log.ended(sequence(seq), Outcome::Foreseen(Would::Change));
    }
    log.ended(ElementId::Block(0), Outcome::Foreseen(Would::Change));
    log.push(What::Finished { status: RunStatus::Succeeded });
    log.fold(&layout)
}

fn asked(log: &mut Log, work: Work, foreseen: Foreseen) {
    let (element, would) = (ElementId::Work(work), foreseen.would);
    log.push(What::AttemptBegan { element, n: 1 })
        .push(What::Foreseen { element, foreseen })
        .push(What::AttemptEnded { element, n: 1, end: AttemptEnd::GOOD })
        .push(What::ActionEnded { element, outcome: Outcome::Foreseen(would), failure: None, saves: vec![] });
}

#[test]
fn a_text_tells_alike_ones_together() {
    let mut bytes = Vec::new();
    write_text(&looked_run(), &TextOptions::default(), &mut bytes).unwrap();
    insta::assert_snapshot!(String::from_utf8(bytes).unwrap());
}

#[test]
fn a_document_says_it_of_each_element() {
    let mut bytes = Vec::new();
    write_json(&looked_run(), &JsonOptions::default(), &mut bytes).unwrap();
    let document: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(document["run"]["noop"], json!(true));
    assert_eq!(document["limits"][0]["would"], json!({"change": 3, "nothing": 0, "unknown": 0}));
    let of = |address: &str| {
        let mut elements = document["elements"].as_array().unwrap().iter();
        let element = elements.find(|element| element["address"] == address).unwrap();
        (
            element["would"].clone(),
            element["why"].clone(),
            element["diff"].clone(),
            element["changed"].clone(),
        )
    };
    assert_eq!(of("web/web01/conf"), (json!("change"), Value::Null, json!(DIFF), json!(false)));
    let why = "it would run `systemctl restart web`";
    assert_eq!(of("web/web03/go"), (json!("unknown"), json!(why), Value::Null, json!(false)));
    assert_eq!(of("web/web02").0, json!("change"));
}

#[test]
fn a_page_shows_diffs_and_no_markup_of_others() {
    let mut bytes = Vec::new();
    write_html(&looked_run(), &HtmlOptions::default(), &mut bytes).unwrap();
    let page = String::from_utf8(bytes).unwrap();
    assert!(page.contains("<ins>+b &lt;b&gt;</ins>"), "{page}");
    assert!(page.contains("web/*/conf on 2 targets (web01, web02)"), "{page}");
    assert!(page.contains("3 did not pass"), "{page}");
    assert!(!page.contains('\x1b'));
}

/// A thousand targets that would all change the same cost one diff.
#[test]
fn alike_ones_are_kept_once() {
    let fold = looked_run();
    let kept = |seq| fold.element(Work::Action { block: 0, seq, action: 0 }.into()).foreseen.clone().unwrap();
    assert!(std::sync::Arc::ptr_eq(&kept(0), &kept(1)));
    assert!(!std::sync::Arc::ptr_eq(&kept(0), &kept(2)));
    assert_eq!(fold.foreseen().len(), 3);
}

#[test]
fn lines_of_a_diff_have_a_sign() {
    let check = |line, sign| assert_eq!(Sign::of(line), sign, "{line}");
    check("+a", Sign::Added);
    check("-a", Sign::Removed);
    check("+++ f", Sign::Other);
    check("--- f", Sign::Other);
    check(" a", Sign::Other);
    check("", Sign::Other);
    assert_eq!(lines("a\nb\nc\n", 2), (vec!["a".to_owned(), "b".to_owned()], 1));
}
