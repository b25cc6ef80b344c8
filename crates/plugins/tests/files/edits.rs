//! `line`, `replace` and `section`.

use std::fs;

use serde_json::{Value, json};
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::files::line::Line;
use windlass_plugins::files::replace::Replace;
use windlass_plugins::files::section::Section;

use crate::ground::{Ground, chmod, mode};

/// What a file comes to; `None` where nothing is to be changed.
async fn edited(ground: &Ground, trial: &Trial, before: &[u8], request: Value) -> Option<Vec<u8>> {
    let path = ground.write("f", before);
    let mut request = request;
    request["path"] = path.to_str().into();
    let diff = ground.settle(trial, request).await;
    (!diff.is_empty()).then(|| fs::read(path).unwrap())
}

#[tokio::test]
async fn a_line_stands_where_it_should() {
    let ground = Ground::new();
    let trial = ground.trial(Line);
    for (before, request, after) in [
        ("a\nb\n", json!({"line": "b"}), None),
        ("a\nb\n", json!({"line": "c"}), Some("a\nb\nc\n")),
        ("a\nb", json!({"line": "c"}), Some("a\nb\nc\n")),
        ("", json!({"line": "c"}), Some("c\n")),
        ("a\r\nb\r\n", json!({"line": "c"}), Some("a\r\nb\r\nc\r\n")),
        ("a\nb\n", json!({"line": "c", "insertBefore": "BOF"}), Some("c\na\nb\n")),
        ("a\nb\na\n", json!({"line": "c", "insertAfter": "^a"}), Some("a\nb\na\nc\n")),
        ("a\nb\na\n", json!({"line": "c", "insertAfter": "^a", "firstMatch": true}), Some("a\nc\nb\na\n")),
        ("a\nb\n", json!({"line": "c", "insertBefore": "^b"}), Some("a\nc\nb\n")),
        ("a\nb\n", json!({"line": "c", "insertAfter": "^x"}), Some("a\nb\nc\n")),
        // The last line that matches is replaced.
        ("x=1\ny\nx=2\n", json!({"line": "x=3", "regexp": "^x="}), Some("x=1\ny\nx=3\n")),
        ("x=1\ny\nx=2\n", json!({"line": "x=3", "regexp": "^x=", "firstMatch": true}), Some("x=3\ny\nx=2\n")),
        ("x=1\r\ny\r\n", json!({"line": "x=3", "regexp": "^x="}), Some("x=3\r\ny\r\n")),
        ("x=1\n", json!({"line": "x=1", "regexp": "^x="}), None),
        (
            "#PermitRootLogin yes\n",
            json!({"line": "PermitRootLogin no", "regexp": "^#?PermitRootLogin "}),
            Some("PermitRootLogin no\n"),
        ),
        ("y\n", json!({"line": "x=3", "regexp": "^x="}), Some("y\nx=3\n")),
        (
            "x = 1\n",
            json!({"line": "\\1 = 2", "regexp": "^(x) = .*", "backReferences": true}),
            Some("x = 2\n"),
        ),
        ("y = 1\n", json!({"line": "\\1 = 2", "regexp": "^(x) = .*", "backReferences": true}), None),
        // Without back references a backslash is one.
        ("", json!({"line": "\\1"}), Some("\\1\n")),
        ("a\nb\na\n", json!({"line": "a", "absent": true}), Some("b\n")),
        ("a1\nb\na2", json!({"regexp": "^a\\d$", "absent": true}), Some("b\n")),
        ("b\n", json!({"line": "a", "absent": true}), None),
    ] {
        let edited = edited(&ground, &trial, before.as_bytes(), request.clone()).await;
        assert_eq!(edited.as_deref(), after.map(str::as_bytes), "{before:?} {request}");
    }
    // What is no UTF-8 stays as it is.
    let edited = edited(&ground, &trial, b"caf\xe9\nx=1\n", json!({"line": "x=2", "regexp": "^x="})).await;
    assert_eq!(edited.unwrap(), b"caf\xe9\nx=2\n");
}

#[tokio::test]
async fn a_line_in_a_file_that_is_not_there() {
    let ground = Ground::new();
    let trial = ground.trial(Line);
    let request = |field: &str, yes: bool| json!({"path": ground.at("new"), "line": "a", field: yes});
    assert_eq!(ground.refused(&trial, request("create", false)).await.0, "notFound");
    assert_eq!(trial.noop(request("create", false)).await.unwrap().would, Would::Unknown);
    assert_eq!(ground.settle(&trial, request("absent", true)).await, "");
    ground.settle(&trial, request("create", true)).await;
    assert_eq!(
        (fs::read_to_string(ground.at("new")).unwrap().as_str(), mode(ground.at("new"))),
        ("a\n", 0o644)
    );
}

#[tokio::test]
async fn what_could_not_be_repeated_is_refused() {
    let ground = Ground::new();
    let path = ground.write("f", "port 80\n");
    let line = json!({"path": path, "line": "\\0 x", "regexp": "^port.*", "backReferences": true});
    let (code, message) = ground.refused(&ground.trial(Line), line).await;
    assert_eq!(code, "notRepeatable");
    assert!(message.contains("make the expression not match what it leads to"), "{message}");
    let replace = json!({"path": path, "regexp": "80", "with": "8080"});
    assert_eq!(ground.refused(&ground.trial(Replace), replace).await.0, "notRepeatable");
}

#[tokio::test]
async fn edits_keep_mode_and_backup_and_are_judged() {
    let ground = Ground::new();
    let trial = ground.trial(Line);
    let path = ground.write("conf", "a=1\n");
    chmod(&path, 0o600);
    let request = json!({"path": path, "line": "a=2", "regexp": "^a=", "backup": true, "validate": ["grep", "-q", "a=2", "%s"]});
    let reply = trial.call(request).await.result.unwrap();
    assert_eq!(fs::read_to_string(reply.response["backup"].as_str().unwrap()).unwrap(), "a=1\n");
    assert_eq!(mode(&path), 0o600);
    assert!(
        !reply.response["diff"].as_str().unwrap().contains("a=2"),
        "what only its owner may read is not shown"
    );
    let judged = json!({"path": path, "line": "b", "validate": ["false", "%s"]});
    assert_eq!(ground.refused_but_dir(&trial, judged).await.0, "validate");
}

#[tokio::test]
async fn every_match_is_replaced_within_bounds() {
    let ground = Ground::new();
    let trial = ground.trial(Replace);
    let ini = "[a]\nport = 1\n[b]\nport = 2\nport = 3\n[c]\nport = 4\n";
    for (before, request, after) in [
        ("a-b-c\n", json!({"regexp": "-", "with": "+"}), Some("a+b+c\n")),
        ("abc\n", json!({"regexp": "x", "with": "y"}), None),
        ("a\nb\n", json!({"regexp": "^b\\n"}), Some("a\n")),
        ("k=v\n", json!({"regexp": "^(?<key>\\w)=(\\w)$", "with": "\\2=\\g<key>!"}), Some("v=k!\n")),
        (
            ini,
            json!({"regexp": "^port = .*$", "with": "port = 9", "after": "^\\[b\\]$", "before": "^\\["}),
            Some("[a]\nport = 1\n[b]\nport = 9\nport = 9\n[c]\nport = 4\n"),
        ),
        (ini, json!({"regexp": "^port = .*$", "with": "port = 9", "after": "^\\[x\\]$"}), None),
    ] {
        let edited = edited(&ground, &trial, before.as_bytes(), request.clone()).await;
        assert_eq!(
            edited.map(|text| String::from_utf8(text).unwrap()).as_deref(),
            after,
            "{before:?} {request}"
        );
    }
    let missing = ground.refused(&trial, json!({"path": ground.at("none"), "regexp": "a"})).await;
    assert_eq!(missing, ("notFound".into(), "`$/none` does not exist".into()));
}

#[tokio::test]
async fn a_section_stands_between_its_markers() {
    let ground = Ground::new();
    let trial = ground.trial(Section);
    let request = |content: &str| json!({"name": "hosts", "content": content});
    let once =
        edited(&ground, &trial, b"127.0.0.1 localhost\n", request("10.0.0.1 a\n10.0.0.2 b")).await.unwrap();
    assert_eq!(
        String::from_utf8(once.clone()).unwrap(),
        "127.0.0.1 localhost\n# BEGIN windlass hosts\n10.0.0.1 a\n10.0.0.2 b\n# END windlass hosts\n"
    );
    let mut longer = once.clone();
    longer.extend(b"below\n");
    let again = edited(&ground, &trial, &longer, request("10.0.0.3 c\n")).await.unwrap();
    assert_eq!(
        String::from_utf8(again).unwrap(),
        "127.0.0.1 localhost\n# BEGIN windlass hosts\n10.0.0.3 c\n# END windlass hosts\nbelow\n"
    );
    let gone = edited(&ground, &trial, &longer, json!({"name": "hosts", "absent": true})).await.unwrap();
    assert_eq!(gone, b"127.0.0.1 localhost\nbelow\n");
    let html = json!({"name": "x", "content": "<p/>", "comment": "<!--", "commentEnd": "-->", "insertAfter": "<body>"});
    let page = edited(&ground, &trial, b"<body>\n</body>\n", html).await.unwrap();
    assert_eq!(page, b"<body>\n<!-- BEGIN windlass x -->\n<p/>\n<!-- END windlass x -->\n</body>\n");

    let path = ground.write("torn", "# BEGIN windlass hosts\nx\n");
    let (code, message) = ground.refused(&trial, json!({"path": path, "name": "hosts"})).await;
    assert_eq!(code, "torn");
    assert_eq!(
        message,
        "`$/torn` has the line `# BEGIN windlass hosts` without its counterpart; mend that by hand"
    );
}

#[test]
fn says_what_is_wrong_with_a_request() {
    let line = |mut request: Value| {
        request["path"] = "/f".into();
        Trial::of(Line).validate(&request).unwrap_err().join("\n")
    };
    assert_eq!(line(json!({})), "`line` is needed, unless `absent` is true");
    assert_eq!(
        line(json!({"line": "a\nb"})),
        "`line`: it holds a line break; `section` is for several lines"
    );
    assert_eq!(line(json!({"line": "a", "regexp": "("})), "`regexp`: unclosed group");
    assert_eq!(
        line(json!({"line": "a", "insertAfter": "a", "insertBefore": "b"})),
        "`insertAfter` and `insertBefore` exclude each other"
    );
    assert_eq!(
        line(json!({"line": "\\2", "regexp": "(a)", "backReferences": true})),
        "`line`: `\\2` means a group that the expression does not have"
    );
    let replace =
        Trial::of(Replace).validate(&json!({"path": "/f", "regexp": "a", "with": "\\n"})).unwrap_err();
    assert_eq!(replace, ["`with`: `\\n` means nothing; a backslash is written `\\\\`"]);
}
