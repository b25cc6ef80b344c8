//! A throwaway copy of this machine: its files with everything that is changed kept in memory, its own mounts,
//! names, processes and network. What a test does to it is gone with it.

use std::fs::OpenOptions;
use std::future::Future;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Says that this process is in one.
const INSIDE: &str = "WINDLASS_THROWAWAY";
/// The exit code of a copy that could not be made.
const CANNOT: i32 = 99;

const MAKE: &str = r#"
set -e
trap 'exit 99' EXIT
place=$1 test=$2 exe=$3 tools=$4
mount --make-rprivate /
mount -t tmpfs none "$place"
mkdir "$place/work" "$place/root"
if [ -n "$tools" ]; then cp -a "$tools" "$place/upper"; else mkdir "$place/upper"; fi
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
cd "$place/root"
mkdir -p dev proc sys run tmp old exe
mount --rbind /dev dev
mount --rbind /sys sys
mount -t proc proc proc
mount -t tmpfs none run
mount -t tmpfs none tmp
chmod 1777 tmp
touch exe/test
mount --bind "$exe" exe/test
pivot_root . old
umount -l /old
cd /
mkdir -p /run/user/0 /run/lock
chmod 700 /run/user/0
export HOME=/root XDG_RUNTIME_DIR=/run/user/0 TMPDIR=/tmp
trap - EXIT
exec /exe/test --exact "$test" --nocapture
"#;

/// Runs a test on a throwaway machine, as root.
pub(crate) fn on<F: Future<Output = ()>>(test: &str, body: impl FnOnce() -> F) {
    on_with(None, test, body);
}

/// The same on a machine that has programs which this one has not: what `cargo xtask test` unpacked under this name.
pub(crate) fn on_with<F: Future<Output = ()>>(tools: Option<&str>, test: &str, body: impl FnOnce() -> F) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(body());
    }
    if !rustix::process::geteuid().is_root() {
        return skip(test, "only root can make a throwaway copy of this machine");
    }
    let tools = tools.map(|name| Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools").join(name));
    if let Some(tools) = tools.as_ref().filter(|tools| !tools.exists()) {
        return skip(test, &format!("`cargo xtask test` has not unpacked {}", tools.display()));
    }
    let place = tempfile::tempdir().unwrap();
    let mut unshare = Command::new("unshare");
    unshare.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"]);
    unshare.args(["sh", "-c", MAKE, "sh"]).arg(place.path()).arg(test).arg(std::env::current_exe().unwrap());
    unshare.arg(tools.unwrap_or_default());
    unshare.env(INSIDE, "1").env_remove("WINDLASS_SKIP_LOG");
    let output = unshare.output().unwrap();
    let said =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    if output.status.code() == Some(CANNOT) {
        return skip(test, &format!("no throwaway copy of this machine can be made: {said}"));
    }
    if let Some((_, why)) =
        said.lines().find_map(|line| line.split_once("SKIPPED INSIDE: ").map(|pair| ((), pair.1)))
    {
        return skip(test, why);
    }
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
    println!("{said}");
}

/// Tells the process outside that a test cannot do its work.
pub(crate) fn cannot(why: &str) {
    println!("SKIPPED INSIDE: {why}");
}

pub(crate) fn skip(test: &str, why: &str) {
    println!("SKIPPED: {test}: {why}");
    if let Some(path) = std::env::var_os("WINDLASS_SKIP_LOG") {
        let mut log = OpenOptions::new().create(true).append(true).open(path).unwrap();
        writeln!(log, "{test}: {}", why.replace('\n', " ")).unwrap();
    }
}

pub(crate) fn has(program: &str) -> bool {
    Command::new("sh").args(["-c", &format!("command -v {program} > /dev/null")]).status().unwrap().success()
}

/// Runs a script, which must succeed, and gives back what it printed.
pub(crate) fn sh(script: &str) -> String {
    let output = Command::new("sh").args(["-eu", "-c", script]).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script}: {said}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}
