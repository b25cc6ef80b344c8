//! A directory to try modules in, and what every one of them must keep to.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Gid, Uid};
use serde_json::Value;
use tempfile::TempDir;
use windlass_plugin::testkit::Trial;
use windlass_plugin::{Foresight, Plugin, Would};
use windlass_plugins::FilesHere;

/// A directory on the node, and one on the side of Windlass.
pub(crate) struct Ground {
    dir: TempDir,
    origin: TempDir,
}

impl Ground {
    pub(crate) fn new() -> Self {
        Self { dir: TempDir::new().unwrap(), origin: TempDir::new().unwrap() }
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        chmod(&path, 0o644);
        path
    }

    /// A file on the side of Windlass.
    pub(crate) fn origin(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.origin.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    pub(crate) fn trial(&self, plugin: impl Plugin) -> Trial {
        Trial::of(plugin).origin(FilesHere::origin(self.origin.path()))
    }

    /// Everything that there is, down to the times of changes and the numbers of files.
    pub(crate) fn tree(&self) -> BTreeMap<PathBuf, String> {
        let mut tree = BTreeMap::new();
        add(self.dir.path(), &mut tree);
        tree
    }

    pub(crate) fn names(&self, dir: &str) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.at(dir))
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Looks, does it, and does it again: a look touches nothing and foresees what is then done, and the second
    /// time there is nothing to do. Gives the diff.
    pub(crate) async fn settle(&self, trial: &Trial, request: Value) -> String {
        let before = self.tree();
        let foresight = trial.noop(request.clone()).await.unwrap();
        assert_eq!(self.tree(), before, "a look changes nothing");
        let reply = trial.call(request.clone()).await.result.unwrap();
        let diff = reply.response.get("diff").and_then(Value::as_str).unwrap_or_default().to_owned();
        match foresight.would {
            Would::Change => {
                assert!(reply.changed);
                assert_eq!(foresight.diff.map(|diff| diff.to_string()).unwrap_or_default(), diff);
            }
            Would::Nothing => {
                assert!(!reply.changed, "{diff}");
                assert_eq!(self.tree(), before);
            }
            Would::Unknown => panic!("{foresight:?}"),
        }
        let settled = self.tree();
        let again = trial.call(request.clone()).await.result.unwrap();
        assert!(!again.changed, "{:?}", again.response);
        assert_eq!(self.tree(), settled, "what is right already is not touched");
        assert_eq!(trial.noop(request).await.unwrap(), Foresight::nothing());
        diff.replace(self.dir.path().to_str().unwrap(), "$")
    }

    /// What is refused changes nothing. Gives code and message.
    pub(crate) async fn refused(&self, trial: &Trial, request: Value) -> (String, String) {
        let before = self.tree();
        let error = trial.call(request).await.result.unwrap_err();
        assert_eq!(self.tree(), before, "what fails changes nothing");
        let message = error.to_string().replace(self.dir.path().to_str().unwrap(), "$");
        (error.code, message)
    }

    /// The same where a file came and went, so that the time of the directory is another one.
    pub(crate) async fn refused_but_dir(&self, trial: &Trial, request: Value) -> (String, String) {
        let error = trial.call(request).await.result.unwrap_err();
        (error.code.clone(), error.to_string().replace(self.dir.path().to_str().unwrap(), "$"))
    }
}

fn add(path: &Path, tree: &mut BTreeMap<PathBuf, String>) {
    let found = fs::symlink_metadata(path).unwrap();
    let content = if found.is_symlink() {
        format!("{:?}", fs::read_link(path).unwrap())
    } else if found.is_file() {
        format!("{:?}", fs::read(path).unwrap())
    } else {
        String::new()
    };
    let about = format!(
        "{:o} {}:{} #{} {}.{} {content}",
        found.mode(),
        found.uid(),
        found.gid(),
        found.ino(),
        found.ctime(),
        found.ctime_nsec()
    );
    tree.insert(path.to_owned(), about);
    if found.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            add(&entry.unwrap().path(), tree);
        }
    }
}

pub(crate) fn chmod(path: impl AsRef<Path>, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

pub(crate) fn mode(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).unwrap().mode() & 0o7777
}

pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// Says that a test cannot do its work here.
pub(crate) fn skipped(name: &str, reason: &str) {
    println!("SKIPPED: {name}: {reason}");
    if let Some(log) = std::env::var_os("WINDLASS_SKIP_LOG") {
        let mut log = fs::OpenOptions::new().append(true).create(true).open(log).unwrap();
        writeln!(log, "{name}: {reason}").unwrap();
    }
}

const NOBODY: u32 = 65_534;

/// Runs a test as an ordinary user: in a thread of its own, which gives its rights away for good.
pub(crate) fn as_ordinary_user<F: Future<Output = ()>>(test: impl FnOnce(Ground) -> F + Send + 'static) {
    let thread = std::thread::spawn(move || {
        let ground = Ground::new();
        if is_root() {
            chmod(ground.dir.path(), 0o777);
            chmod(ground.origin.path(), 0o777);
            let (uid, gid) = (Uid::from_raw(NOBODY), Gid::from_raw(NOBODY));
            rustix::thread::set_thread_groups(&[]).unwrap();
            rustix::thread::set_thread_res_gid(gid, gid, gid).unwrap();
            rustix::thread::set_thread_res_uid(uid, uid, uid).unwrap();
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(test(ground));
    });
    thread.join().unwrap();
}
