//! `link`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, symlink};

use serde_json::json;
use windlass_plugin::testkit::Trial;
use windlass_plugins::files::link::Link;

use crate::ground::Ground;

#[tokio::test]
async fn leads_where_it_should() {
    let ground = Ground::new();
    let trial = ground.trial(Link);
    let path = ground.at("current");
    let diff = ground.settle(&trial, json!({"path": path, "to": "releases/41"})).await;
    assert_eq!(diff, "$/current: (absent) becomes (-> releases/41)\n");
    let diff = ground.settle(&trial, json!({"path": path, "to": "releases/42"})).await;
    assert_eq!(diff, "$/current: (-> releases/41) becomes (-> releases/42)\n");
    assert_eq!(fs::read_link(&path).unwrap().to_str(), Some("releases/42"));
    assert_eq!(ground.names(""), ["current"]);
}

#[tokio::test]
async fn is_a_second_name_when_asked() {
    let ground = Ground::new();
    let trial = ground.trial(Link);
    let of = ground.write("home.html", "hello");
    let path = ground.at("index.html");
    ground.settle(&trial, json!({"path": path, "to": of, "hard": true})).await;
    assert_eq!(fs::metadata(&path).unwrap().ino(), fs::metadata(&of).unwrap().ino());
    fs::remove_file(&path).unwrap();
    fs::write(&path, "another").unwrap();
    let refused = ground.refused(&trial, json!({"path": path, "to": of, "hard": true})).await;
    assert_eq!(
        refused,
        ("inTheWay".into(), "`$/index.html` is a file; say `force: true` to replace it".into())
    );
    ground.settle(&trial, json!({"path": path, "to": of, "hard": true, "force": true})).await;
    assert_eq!(fs::metadata(&of).unwrap().nlink(), 2);
    assert_eq!(ground.names(""), ["home.html", "index.html"]);
    let missing = json!({"path": ground.at("x"), "to": ground.at("none"), "hard": true});
    assert_eq!(ground.refused(&trial, missing).await, ("notFound".into(), "`$/none` does not exist".into()));
}

#[tokio::test]
async fn replaces_files_only_by_force_and_directories_never() {
    let ground = Ground::new();
    let trial = ground.trial(Link);
    let file = ground.write("file", "precious");
    fs::create_dir(ground.at("dir")).unwrap();
    symlink("elsewhere", ground.at("link")).unwrap();
    assert_eq!(ground.refused(&trial, json!({"path": file, "to": "x"})).await.0, "inTheWay");
    ground.settle(&trial, json!({"path": file, "to": "x", "force": true})).await;
    for force in [false, true] {
        let request = json!({"path": ground.at("dir"), "to": "x", "force": force});
        assert_eq!(
            ground.refused(&trial, request).await.1,
            "`$/dir` is a directory; remove it first with `absent`"
        );
    }
    assert_eq!(ground.refused(&trial, json!({"path": ground.at("none/l"), "to": "x"})).await.0, "noParent");
    assert_eq!(
        Trial::of(Link).validate(&json!({"path": "/a", "to": "b", "hard": true})).unwrap_err().len(),
        1
    );
}
