//! What a noop tells of a node on which no agent runs, and that the deed is what it told.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};
use windlass_farm::{Farm, Kind};
use windlass_fleet::{Agents, Fleet, Gate, Ways, is_here, over};
use windlass_plugin::{CallError, Foresight, Node, Registry, Reply, Would};

use crate::sessions::call;
use crate::sshd::{farm, here};

/// A host without an agent.
struct Bare {
    farm: Farm,
    registry: Registry,
    node: Arc<Node>,
}

impl Bare {
    fn new(test: &str) -> Option<Self> {
        let farm = farm(test, Kind::Plain)?;
        let fleet = Fleet::new(Ways::new(here(&farm), Agents::none()), Gate::default());
        let registry = over(&windlass_plugins::standard().unwrap(), &fleet, is_here).unwrap();
        let host = &farm.hosts[0];
        let transport = json!({"port": host.port, "user": "root", "agent": "never"});
        let node = json!({"name": host.name, "addresses": host.address, "transport": transport});
        Some(Self { node: Arc::new(serde_json::from_value(node).unwrap()), farm, registry })
    }

    async fn noop(&self, plugin: &str, request: &Value) -> Result<Foresight, CallError> {
        self.registry.get(plugin).unwrap().noop(call(&self.node), Arc::new(request.clone())).await
    }

    async fn act(&self, plugin: &str, request: &Value) -> Result<Reply<Value>, CallError> {
        self.registry.get(plugin).unwrap().call(call(&self.node), Arc::new(request.clone())).await
    }

    /// What a noop foresees is what is done, and then there is nothing more to do. Gives back the diff.
    async fn foretold(&self, request: Value) -> String {
        let foreseen = self.noop("file", &request).await.unwrap();
        assert_eq!(foreseen.would, Would::Change, "{request}: {foreseen:?}");
        let diff = foreseen.diff.unwrap().into_text();
        let reply = self.act("file", &request).await.unwrap();
        assert!(
            reply.changed && reply.response["diff"] == diff.as_str(),
            "{request}: {:?}\n{diff}",
            reply.response
        );
        let after = self.noop("file", &request).await.unwrap();
        assert_eq!(after.would, Would::Nothing, "{request}: {after:?}");
        assert!(!self.act("file", &request).await.unwrap().changed);
        diff
    }

    fn path(&self, name: &str) -> String {
        self.farm.hosts[0].path("home").join(name).display().to_string()
    }
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    names
}

#[tokio::test]
async fn p10_without_an_agent_programs_tell_what_they_would_do_and_do_nothing() {
    let Some(bare) = Bare::new("p10_without_an_agent_programs_tell_what_they_would_do_and_do_nothing") else {
        return;
    };
    let (made, there) = (bare.path("made"), bare.path("there"));
    fs::write(&there, "").unwrap();
    for (plugin, mut request) in
        [("command", json!({"argv": ["touch", made]})), ("shell", json!({"script": format!("touch {made}")}))]
    {
        let foreseen = bare.noop(plugin, &request).await.unwrap();
        assert_eq!(foreseen.would, Would::Unknown);
        assert!(foreseen.why.unwrap().contains(&format!("touch {made}")));
        request["creates"] = json!(there);
        let foreseen = bare.noop(plugin, &request).await.unwrap();
        assert_eq!((foreseen.would, foreseen.why.unwrap()), (Would::Nothing, format!("`{there}` exists")));
    }
    let script = json!({"source": "/no/such/script", "removes": made});
    assert_eq!(bare.noop("script", &script).await.unwrap().would, Would::Nothing);
    assert!(!Path::new(&made).exists());

    // What needs an agent cannot look, and says so.
    for (plugin, request) in [
        ("line", json!({"path": there, "line": "x"})),
        ("directory", json!({"path": made})),
        ("sysctl", json!({"name": "vm.swappiness", "value": "10"})),
        ("reboot", json!({})),
    ] {
        let foreseen = bare.noop(plugin, &request).await.unwrap();
        assert_eq!(foreseen.would, Would::Unknown, "{plugin}");
        let why = foreseen.why.unwrap();
        let needs = "needs an agent on `web01`, and there is none: `agent: never` says so";
        assert!(why.contains(needs), "{plugin}: {why}");
        assert_eq!(bare.act(plugin, &request).await.unwrap_err().code, "agent");
    }
}

#[tokio::test]
async fn p10_without_an_agent_files_are_foretold_with_their_diff_and_then_so() {
    let Some(bare) = Bare::new("p10_without_an_agent_files_are_foretold_with_their_diff_and_then_so") else {
        return;
    };
    let path = bare.path("it's $HOME.conf");
    let diff = bare.foretold(json!({"path": path, "content": "one\ntwo\n", "mode": "0644"})).await;
    assert_eq!(diff, format!("--- /dev/null\n+++ {path}\n@@ -0,0 +1,2 @@\n+one\n+two\nmode: 0644\n"));
    let diff = bare.foretold(json!({"path": path, "content": "one\nthree\n", "backup": true})).await;
    assert!(diff.ends_with(" one\n-two\n+three\n"), "{diff}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "one\nthree\n");
    let home = bare.farm.hosts[0].path("home");
    let backup = names(&home).into_iter().find(|name| name.ends_with(".bak")).unwrap();
    assert_eq!(fs::read_to_string(home.join(backup)).unwrap(), "one\ntwo\n");

    let diff = bare.foretold(json!({"path": path, "owner": "daemon", "group": 2, "mode": "0600"})).await;
    assert_eq!(
        diff,
        format!("{path}: owner: root -> daemon\n{path}: group: 0 -> 2\n{path}: mode: 0644 -> 0600\n")
    );
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid(), found.permissions().mode() & 0o7777), (1, 2, 0o600));
    // What not everybody may read is not shown, and keeps its owner and mode.
    let diff = bare.foretold(json!({"path": path, "content": "a secret\n"})).await;
    assert_eq!(diff, format!("{path}: content 10 bytes -> 9 bytes (not shown)\n"));
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.uid(), found.gid(), found.permissions().mode() & 0o7777), (1, 2, 0o600));

    // A text and a lot of bytes that only differ in the middle.
    let long = "0123456789abcdef".repeat(100_000);
    bare.foretold(json!({"path": path, "content": long, "mode": "0644"})).await;
    bare.foretold(json!({"path": path, "content": long.replacen("f0", "f1", 1)})).await;

    let link = bare.path("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let error = bare.noop("file", &json!({"path": link, "content": "x"})).await.unwrap_err();
    assert!(error.code == "link" && error.message.contains("follow: true"), "{error}");
    bare.foretold(json!({"path": link, "content": "followed\n", "follow": true})).await;
    assert_eq!(fs::read_to_string(&path).unwrap(), "followed\n");
    let diff = bare.foretold(json!({"path": link, "content": "own\n", "force": true})).await;
    assert!(diff.starts_with(&format!("{link}: a symbolic link -> a file\n")), "{diff}");
    assert!(!fs::symlink_metadata(&link).unwrap().is_symlink());
    assert!(names(&home).iter().all(|name| !name.contains(".windlass.")), "{:?}", names(&home));
}

#[tokio::test]
async fn what_stands_in_the_way_of_a_file_without_an_agent_is_told_and_leaves_the_old_one() {
    let Some(bare) =
        Bare::new("what_stands_in_the_way_of_a_file_without_an_agent_is_told_and_leaves_the_old_one")
    else {
        return;
    };
    let path = bare.path("app.conf");
    fs::write(&path, "old\n").unwrap();
    let unknown = async |request: Value| {
        let foreseen = bare.noop("file", &request).await.unwrap();
        assert_eq!(foreseen.would, Would::Unknown, "{request}: {foreseen:?}");
        foreseen.why.unwrap()
    };
    // A step before may change that.
    let why = unknown(json!({"path": bare.path("no/such"), "content": ""})).await;
    assert!(why.contains("does not exist; a step before may change that"), "{why}");
    assert!(
        unknown(json!({"path": path, "owner": "no-such-user"}))
            .await
            .contains("there is no user `no-such-user`")
    );
    assert!(unknown(json!({"path": path, "group": "no-such"})).await.contains("there is no group `no-such`"));
    let error = bare.noop("file", &json!({"path": bare.path(""), "content": ""})).await;
    assert!(error.is_err(), "{error:?}");

    let judged = json!({"path": path, "content": "new\n", "validate": ["grep", "-q", "old", "%s"]});
    let error = bare.act("file", &judged).await.unwrap_err();
    assert!(error.code == "validate" && error.message.contains("so nothing was changed"), "{error}");
    let error =
        bare.act("file", &json!({"path": "/proc/sys/kernel/ostype", "content": "new\n"})).await.unwrap_err();
    assert!(error.message.starts_with("cannot write to `/proc/sys/kernel/ostype`: "), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "old\n");
    assert_eq!(names(&bare.farm.hosts[0].path("home")), ["app.conf"]);
}
