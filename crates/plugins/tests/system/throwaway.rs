//! A throwaway copy of this machine: its files with everything that is changed kept in memory, its own mounts,
//! names, processes and network. What a test does to it is gone with it.

use std::fs::{self, OpenOptions};
use std::future::Future;
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Says that this process is in one.
const INSIDE: &str = "WINDLASS_THROWAWAY";
/// The exit code of a copy that could not be made.
const CANNOT: i32 = 99;

const MAKE: &str = r#"
set -e
trap 'exit 99' EXIT
place=$1 test=$2 exe=$3 tools=$4 booted=$5
mount --make-rprivate /
mount -t tmpfs none "$place"
mkdir "$place/work" "$place/root"
if [ -n "$tools" ]; then cp -a "$tools" "$place/upper"; else mkdir "$place/upper"; fi
mount -t overlay overlay -o "lowerdir=/,upperdir=$place/upper,workdir=$place/work" "$place/root"
cd "$place/root"
mkdir -p dev proc sys run tmp old exe
rm -f .dockerenv
mount --rbind /dev dev
if [ -z "$booted" ]; then
    mount --rbind /sys sys
else
    # A systemd of its own needs a tree of control groups of its own, of the kind that the machine has.
    mount -t sysfs sysfs sys
    if [ -d /sys/fs/cgroup/systemd ]; then
        mount -t tmpfs none sys/fs/cgroup
        mkdir sys/fs/cgroup/systemd
        mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
    else
        mount -t cgroup2 cgroup2 sys/fs/cgroup
    fi
    touch exe/out
    mount --bind "$booted" exe/out
fi
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
if [ -z "$booted" ]; then
    # Not in place of the shell: somebody has to collect processes whose parents are gone.
    /exe/test --exact "$test" --nocapture
    exit
fi
cat > /etc/systemd/system/windlass-test.service << UNIT
[Unit]
DefaultDependencies=no
Wants=systemd-journald.service
After=systemd-journald.service
SuccessAction=exit
FailureAction=exit
[Service]
Type=oneshot
Environment=HOME=/root TMPDIR=/tmp WINDLASS_THROWAWAY=1
ExecStart=/exe/test --exact $test --nocapture
StandardOutput=append:/exe/out
StandardError=append:/exe/out
UNIT
unset XDG_RUNTIME_DIR
container=windlass exec /lib/systemd/systemd --system --unit=windlass-test.service --log-target=console --show-status=no
"#;

/// Runs a test on a throwaway machine, as root.
pub(crate) fn on<F: Future<Output = ()>>(test: &str, body: impl FnOnce() -> F) {
    on_a(Machine::default(), test, body);
}

/// The same on a machine that has programs which this one has not: what `cargo xtask test` unpacked under this name.
pub(crate) fn on_with<F: Future<Output = ()>>(tools: &'static str, test: &str, body: impl FnOnce() -> F) {
    on_a(Machine { tools: Some(tools), ..Machine::default() }, test, body);
}

/// The same on a machine whose first process is systemd.
pub(crate) fn on_booted<F: Future<Output = ()>>(test: &str, body: impl FnOnce() -> F) {
    on_a(Machine { is_booted: true, ..Machine::default() }, test, body);
}

#[derive(Default)]
struct Machine {
    tools: Option<&'static str>,
    is_booted: bool,
}

fn on_a<F: Future<Output = ()>>(machine: Machine, test: &str, body: impl FnOnce() -> F) {
    if std::env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        return runtime.block_on(body());
    }
    if !rustix::process::geteuid().is_root() {
        return skip(test, "only root can make a throwaway copy of this machine");
    }
    let tools = machine.tools.map(|name| Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools").join(name));
    if let Some(tools) = tools.as_ref().filter(|tools| !tools.exists()) {
        return skip(test, &format!("`cargo xtask test` has not unpacked {}", tools.display()));
    }
    let groups = machine.is_booted.then(Groups::new);
    if groups.as_ref().is_some_and(|groups| groups.0.is_empty()) {
        return skip(test, "systemd cannot have control groups of its own here");
    }
    let place = tempfile::tempdir().unwrap();
    let out = tempfile::NamedTempFile::new().unwrap();
    let mut unshare = Command::new("sh");
    unshare.args([
        "-c",
        "while [ \"$1\" != -- ]; do echo $$ > \"$1/cgroup.procs\"; shift; done; shift; exec \"$@\"",
        "sh",
    ]);
    unshare.args(groups.iter().flat_map(|groups| &groups.0)).args(["--", "unshare"]);
    unshare.args(["--mount", "--uts", "--ipc", "--net", "--pid", "--fork", "--kill-child"]);
    unshare.args(machine.is_booted.then_some("--cgroup"));
    unshare.args(["sh", "-c", MAKE, "sh"]).arg(place.path()).arg(test).arg(std::env::current_exe().unwrap());
    unshare.arg(tools.unwrap_or_default());
    unshare.arg(if machine.is_booted { out.path() } else { Path::new("") });
    unshare.env(INSIDE, "1").env_remove("WINDLASS_SKIP_LOG");
    let output = unshare.output().unwrap();
    let said = [fs::read(out.path()).unwrap(), output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said);
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

/// Control groups for whoever starts processes of its own in them; they are emptied and removed at the end.
pub(crate) struct Groups(pub(crate) Vec<PathBuf>);

impl Groups {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let space = fs::metadata("/tmp").map_or(0, |found| found.dev());
        let name = format!("windlass-test-{space:x}-{}-{count}", std::process::id());
        let places = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd", "/sys/fs/cgroup"].map(Path::new);
        let there = places.iter().filter(|place| place.join("cgroup.procs").exists());
        Self(there.map(|place| place.join(&name)).filter(|group| fs::create_dir(group).is_ok()).collect())
    }
}

impl Drop for Groups {
    fn drop(&mut self) {
        self.0.iter().for_each(|group| empty(group));
    }
}

fn empty(group: &Path) {
    for inner in fs::read_dir(group).into_iter().flatten().flatten() {
        if inner.file_type().is_ok_and(|kind| kind.is_dir()) {
            empty(&inner.path());
        }
    }
    let begun = Instant::now();
    while fs::remove_dir(group).is_err() && group.exists() && begun.elapsed() < Duration::from_secs(10) {
        for pid in fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default().lines() {
            if let Some(pid) = pid.parse().ok().and_then(rustix::process::Pid::from_raw) {
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
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
