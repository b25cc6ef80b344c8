//! `git` with real repositories.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use tempfile::TempDir;
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::git::Git;

use crate::throwaway::sh;
use crate::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, would};

/// A repository with a branch of two commits, of which the first has a tag with a message.
struct Origin(TempDir);

impl Origin {
    fn new() -> Self {
        let origin = Self(TempDir::new().unwrap());
        fs::create_dir(origin.0.path().join("origin")).unwrap();
        origin.git("init -q -b main; echo one > file; git add file; git commit -q -m one; git tag -a v1 -m one; echo two > file; git commit -q -a -m two");
        origin
    }

    fn git(&self, script: &str) -> String {
        sh(&format!(
            "cd {}; export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b; git {script}",
            self.path().display()
        ))
        .trim()
        .to_owned()
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("origin")
    }

    fn request(&self, more: Value) -> Value {
        let mut request =
            json!({"repository": format!("file://{}", self.path().display()), "path": self.here()});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    }

    fn here(&self) -> std::path::PathBuf {
        self.0.path().join("here")
    }

    fn file(&self) -> String {
        fs::read_to_string(self.here().join("file")).unwrap()
    }
}

#[tokio::test]
async fn a_revision_is_checked_out_and_followed() {
    let (git, origin) = (Trial::of(Git), Origin::new());
    let (one, two) = (origin.git("rev-parse v1^{commit}"), origin.git("rev-parse main"));
    let tag = origin.request(json!({"revision": "v1", "depth": 1}));
    let reply = foreseen_done_and_then_nothing(&git, &tag).await;
    assert_eq!(reply.response["after"], one.as_str());
    assert_eq!(
        (&reply.response["before"], &reply.response["reference"]),
        (&Value::Null, &json!("refs/tags/v1"))
    );
    assert_eq!(origin.file(), "one\n");

    let branch = origin.request(json!({"revision": "main"}));
    let foresight = would(&git, &branch).await;
    assert_eq!(foresight.diff.unwrap().to_string(), format!("{}: {one} -> {two}\n", origin.here().display()));
    let reply = done(&git, &branch).await;
    assert_eq!((&reply.response["before"], &reply.response["after"]), (&json!(one), &json!(two)));
    assert!(diff(&reply).contains("file | 2 +-"), "{}", diff(&reply));
    nothing_to_do(&git, &branch).await;
    assert_eq!(
        sh(&format!("cd {}; git symbolic-ref -q HEAD || echo detached", origin.here().display())),
        "detached\n"
    );

    let three = origin.git("commit -q --allow-empty -m three; git rev-parse main");
    nothing_to_do(&git, &origin.request(json!({"revision": "main", "update": false}))).await;
    assert_eq!(done(&git, &branch).await.response["after"], three.as_str());
    // History that was written anew over there is followed; nothing here was anybody's work.
    let other = origin.git("reset -q --hard v1; git commit -q --allow-empty -m other; git rev-parse main");
    assert_eq!(done(&git, &branch).await.response["after"], other.as_str());
    let whole = origin.request(json!({"revision": two}));
    assert_eq!(done(&git, &whole).await.response["reference"], Value::Null);
    nothing_to_do(&git, &whole).await;
    assert_eq!(failed(&git, &origin.request(json!({"revision": "v9"}))).await.code, "unknownRevision");
}

#[tokio::test]
async fn what_somebody_did_here_is_refused_unless_forced() {
    let (git, origin) = (Trial::of(Git), Origin::new());
    let request = origin.request(json!({"revision": "main"}));
    done(&git, &request).await;
    fs::write(origin.here().join("file"), "mine\n").unwrap();
    fs::write(origin.here().join("stranger"), "").unwrap();
    let error = failed(&git, &request).await;
    assert_eq!((error.code.as_str(), error.permanent), ("modified", true));
    assert!(error.message.contains("were changed here: file;"), "{error}");
    assert_eq!(git.noop(request.clone()).await.unwrap_err().code, "modified");
    let forced = origin.request(json!({"revision": "main", "force": true, "clean": true}));
    let reply = foreseen_done_and_then_nothing(&git, &forced).await;
    let here = origin.here();
    let here = here.display();
    assert_eq!(
        diff(&reply),
        format!(
            "{here}/file: changed -> as in the repository\n{here}/stranger: not of the repository -> absent\n"
        )
    );
    assert_eq!(origin.file(), "two\n");
    assert!(!origin.here().join("stranger").exists());

    sh(&format!("cd {here}; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m mine"));
    origin.git("commit -q --allow-empty -m three");
    assert!(failed(&git, &request).await.message.contains("a commit that exists only here"));
    assert!(done(&git, &forced).await.changed);
}

#[tokio::test]
async fn what_is_in_the_way_stays_and_what_was_cut_off_is_taken_up() {
    let (git, origin) = (Trial::of(Git), Origin::new());
    let request = origin.request(json!({}));
    fs::create_dir(origin.here()).unwrap();
    fs::write(origin.here().join("precious"), "").unwrap();
    let error = failed(&git, &request).await;
    assert_eq!((error.code.as_str(), error.permanent), ("occupied", true));
    fs::remove_file(origin.here().join("precious")).unwrap();
    // As an attempt leaves it that dies during the first checkout: no head, and some of the files.
    done(&git, &request).await;
    let here = origin.here();
    sh(&format!(
        "cd {}; git checkout -q --orphan none; git rm -rq --cached .; echo torn > file",
        here.display()
    ));
    assert!(done(&git, &request).await.changed);
    assert_eq!(origin.file(), "two\n");

    let away = json!({"repository": origin.0.path().join("nowhere"), "path": origin.0.path().join("other")});
    let error = failed(&git, &away).await;
    assert_eq!((error.code.as_str(), error.permanent), ("repository", false), "{error}");
    assert_eq!(would(&git, &away).await.would, Would::Unknown);
    assert!(!Path::new(away["path"].as_str().unwrap()).exists());
    let says = |request| git.validate(&request).unwrap_err().join("; ");
    assert!(
        says(json!({"repository": "https://me:hunter2@x/y", "path": "/x"})).contains("it holds a password")
    );
    assert!(says(json!({"repository": "ext::sh -c id", "path": "/x"})).contains("run programs"));
    assert!(says(json!({"repository": "--upload-pack=id", "path": "/x"})).contains("begins with `-`"));
    assert!(
        says(json!({"repository": "x", "path": "y", "revision": "a..b"}))
            .contains("is no branch, tag or commit")
    );
}
