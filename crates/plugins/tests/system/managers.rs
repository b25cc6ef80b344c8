//! `package` with the managers that are not this machine's own: dnf, dnf 5, zypper and pacman, each on a throwaway machine that has
//! them, with a repository that is made there. Debian has no apk: what a real one said is played back.

use serde_json::{Value, json};
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::package::Package;
use windlass_plugins::system::repository::Repository;

use crate::throwaway::{on, on_with, sh};
use crate::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, text, would};

/// What `cargo xtask test` unpacks for them.
const TOOLS: &str = "package-managers";

/// How the same is said to each.
struct Manner {
    name: &'static str,
    /// What stands behind the version that its packagers chose.
    release: &'static str,
    options: &'static [&'static str],
}

// === impl Manner ===

impl Manner {
    fn request(&self, more: Value) -> Value {
        let mut request = json!({"manager": self.name, "options": self.options});
        request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        request
    }

    fn one(&self) -> String {
        format!("1.0{}", self.release)
    }

    fn two(&self) -> String {
        format!("2.0{}", self.release)
    }

    /// Before there is a repository, nothing is known.
    async fn knows_nothing(&self, package: &Trial) {
        let request = self.request(json!({"names": ["wl-demo"]}));
        assert_eq!(would(package, &request).await.would, Would::Unknown);
        let error = failed(package, &request).await;
        assert_eq!((error.code.as_str(), error.permanent), ("unknownPackage", false), "{error}");
        assert!(error.to_string().contains("indexAge"), "{error}");
    }

    /// The first version with what it needs.
    async fn installs(&self, package: &Trial) {
        let (one, release) = (self.one(), self.release);
        let names = json!({"names": [format!("wl-demo={one}")], "indexAge": "1h"});
        let tried = package.call(self.request(names.clone())).await;
        let reply = tried.result.clone().unwrap_or_else(|error| panic!("{error}: {}", text(&tried)));
        assert_eq!(
            (&reply.response["manager"], &reply.response["fetched"]),
            (&json!(self.name), &json!(true))
        );
        assert_eq!(diff(&reply), format!("wl-demo: absent -> {one}\nwl-dep: absent -> 1.0{release}\n"));
        let again = done(package, &self.request(names)).await;
        assert_eq!((again.changed, &again.response["fetched"]), (false, &json!(false)));
        nothing_to_do(package, &self.request(json!({"names": ["wl-demo", "wl-dep"]}))).await;
    }

    async fn upgrades(&self, package: &Trial) {
        let newest = self.request(json!({"names": ["wl-demo"], "state": "latest"}));
        let reply = foreseen_done_and_then_nothing(package, &newest).await;
        assert_eq!(diff(&reply), format!("wl-demo: {} -> {}\n", self.one(), self.two()));
    }

    async fn goes_back_only_when_told_to(&self, package: &Trial, older: &str) {
        let mut request = self.request(json!({"names": [older]}));
        let error = failed(package, &request).await;
        let foresight = package.noop(request.clone()).await;
        assert!(foresight.is_err() || foresight.is_ok_and(|it| it.would == Would::Unknown), "{error}");
        request["allowDowngrade"] = true.into();
        let reply = foreseen_done_and_then_nothing(package, &request).await;
        assert_eq!(diff(&reply), format!("wl-demo: {} -> {}\n", self.two(), self.one()));
    }

    async fn upgrades_everything(&self, package: &Trial) {
        let all = self.request(json!({"names": ["*"], "state": "latest"}));
        let reply = foreseen_done_and_then_nothing(package, &all).await;
        assert_eq!(diff(&reply), format!("wl-demo: {} -> {}\n", self.one(), self.two()));
    }

    /// What needs a package goes with it.
    async fn removes(&self, package: &Trial, more: Value) {
        let mut gone = self.request(json!({"names": ["wl-dep", "wl-never-there"], "state": "absent"}));
        gone.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let reply = foreseen_done_and_then_nothing(package, &gone).await;
        let (two, release) = (self.two(), self.release);
        assert_eq!(diff(&reply), format!("wl-demo: {two} -> absent\nwl-dep: 1.0{release} -> absent\n"));
    }

    async fn takes_a_file(&self, package: &Trial, file: &str) {
        let file = self.request(json!({"names": [file]}));
        let reply = foreseen_done_and_then_nothing(package, &file).await;
        assert_eq!(diff(&reply), format!("wl-dep: absent -> 1.0{}\n", self.release));
    }

    async fn waits_for_a_lock(&self, package: &Trial, lock: &str, unlock: &str) {
        sh(lock);
        let request = |wait| self.request(json!({"names": ["wl-demo"], "lockWait": wait}));
        let error = failed(package, &request("0s")).await;
        assert_eq!((error.code.as_str(), error.permanent), ("locked", false), "{error}");
        let mut underway = package.start(request("5m"));
        underway.line_with("somebody else uses").await.unwrap();
        sh(unlock);
        assert!(underway.end().await.result.unwrap().changed);
    }

    async fn says_what_it_does_not_know(&self, package: &Trial) {
        for state in ["present", "latest"] {
            let request = self.request(json!({"names": ["wl-none"], "state": state}));
            let error = failed(package, &request).await;
            assert_eq!(error.code, "unknownPackage", "{state}: {error}");
            assert_eq!(would(package, &request).await.would, Would::Unknown, "{state}");
        }
    }
}

/// Packages of rpm, in a repository that no file of the machine names yet.
fn rpms() {
    sh(r#"
        mkdir -p /srv/rpm && cd /srv/rpm
        # Debian's rpm keeps a database of its own; that of the machine is the one that managers use.
        echo '%_dbpath /var/lib/rpm' > /root/.rpmmacros
        package() {
            printf 'Name: %s\nVersion: %s\nRelease: 1\nSummary: x\nLicense: x\nBuildArch: noarch\n%s\n%%description\nx\n%%files\n' "$1" "$2" "$3" > "$1.spec"
            rpmbuild --quiet --define '_topdir /srv/rpm' --define '_rpmdir /srv/repo' -bb "$1.spec" 2> /dev/null
        }
        # No machine has none at all, and zypper takes that for a fault.
        package wl-base 1.0 ''
        rpm -i /srv/repo/noarch/wl-base-1.0-1.noarch.rpm 2> /dev/null
        package wl-dep 1.0 ''
        package wl-demo 1.0 'Requires: wl-dep'
        package wl-demo 2.0 'Requires: wl-dep'
        createrepo_c -q /srv/repo
        rm -rf /etc/yum.repos.d /etc/zypp/repos.d
    "#);
}

#[test]
fn dnf() {
    on_with(TOOLS, "managers::dnf", async || {
        rpms();
        let (package, source) = (Trial::of(Package), Trial::of(Repository));
        let dnf = Manner { name: "dnf", release: "-1", options: &[] };
        let request = json!({"name": "demo", "yum": {"baseUrls": ["file:///srv/repo"], "gpgCheck": false}});
        foreseen_done_and_then_nothing(&source, &request).await;
        dnf.installs(&package).await;
        dnf.upgrades(&package).await;
        dnf.goes_back_only_when_told_to(&package, "wl-demo=1.0").await;
        dnf.upgrades_everything(&package).await;
        dnf.removes(&package, json!({})).await;
        dnf.takes_a_file(&package, "/srv/repo/noarch/wl-dep-1.0-1.noarch.rpm").await;
        dnf.waits_for_a_lock(
            &package,
            "sleep 1000 > /dev/null 2>&1 & echo $! | tee /run/holder > /var/cache/dnf/metadata_lock.pid",
            "kill $(cat /run/holder); rm /var/cache/dnf/metadata_lock.pid",
        )
        .await;
        dnf.says_what_it_does_not_know(&package).await;
    });
}

#[test]
fn dnf_5() {
    on_with("dnf5", "managers::dnf_5", async || {
        // As where it is the manager of choice. Its database of packages lies where this rpm puts it.
        sh("ln -s dnf5 /usr/bin/dnf");
        rpms();
        let (package, source) = (Trial::of(Package), Trial::of(Repository));
        let dnf = Manner { name: "dnf", release: "-1", options: &[] };
        let request = json!({"name": "demo", "yum": {"baseUrls": ["file:///srv/repo"], "gpgCheck": false}});
        foreseen_done_and_then_nothing(&source, &request).await;
        dnf.installs(&package).await;
        dnf.upgrades(&package).await;
        dnf.goes_back_only_when_told_to(&package, "wl-demo=1.0").await;
        dnf.upgrades_everything(&package).await;
        dnf.removes(&package, json!({})).await;
        dnf.says_what_it_does_not_know(&package).await;
    });
}

#[test]
fn zypper() {
    on_with(TOOLS, "managers::zypper", async || {
        rpms();
        let (package, source) = (Trial::of(Package), Trial::of(Repository));
        let zypper = Manner { name: "zypper", release: "-1", options: &[] };
        zypper.knows_nothing(&package).await;
        // With it, the module `repository` knows whose files these are.
        sh("mkdir -p /etc/zypp/repos.d");
        let request = json!({"name": "demo", "yum": {"baseUrls": ["file:///srv/repo"], "gpgCheck": false}});
        foreseen_done_and_then_nothing(&source, &request).await;
        zypper.installs(&package).await;
        zypper.upgrades(&package).await;
        zypper.goes_back_only_when_told_to(&package, "wl-demo=1.0").await;
        zypper.upgrades_everything(&package).await;
        zypper.removes(&package, json!({})).await;
        zypper.says_what_it_does_not_know(&package).await;
        let unsigned = zypper.request(json!({"names": ["/srv/repo/noarch/wl-dep-1.0-1.noarch.rpm"]}));
        assert_eq!(failed(&package, &unsigned).await.code, "exit", "an unsigned file is nobody's");
        let unsigned = Manner { options: &["--allow-unsigned-rpm"], ..zypper };
        unsigned.takes_a_file(&package, "/srv/repo/noarch/wl-dep-1.0-1.noarch.rpm").await;
        let zypper = Manner { options: &[], ..unsigned };
        zypper.waits_for_a_lock(
            &package,
            "cp /bin/sleep /run/zypper; /run/zypper 1000 > /dev/null 2>&1 & echo $! | tee /run/holder > /run/zypp.pid",
            "kill $(cat /run/holder); rm /run/zypp.pid",
        )
        .await;
    });
}

#[test]
fn pacman() {
    on_with(TOOLS, "managers::pacman", async || {
        sh(r#"
            mkdir -p /srv/repo /var/lib/pacman && cd /srv/repo
            package() {
                mkdir -p "build/$1/usr/share/$1" && echo "$2" > "build/$1/usr/share/$1/version"
                printf 'pkgname = %s\npkgbase = %s\npkgver = %s-1\npkgdesc = x\nurl = x\nbuilddate = 1\npackager = x\nsize = 1\narch = any\n%s' "$1" "$1" "$2" "$3" > "build/$1/.PKGINFO"
                bsdtar -C "build/$1" -cf - .PKGINFO usr | zstd -q > "$1-$2-1-any.pkg.tar.zst"
            }
            package wl-base 1.0 ''
            pacman -U --noconfirm wl-base-1.0-1-any.pkg.tar.zst > /dev/null 2>&1 || pacman -Q wl-base
            package wl-dep 1.0 ''
            package wl-demo 1.0 'depend = wl-dep
'
            repo-add -q demo.db.tar.gz wl-dep-1.0-1-any.pkg.tar.zst wl-demo-1.0-1-any.pkg.tar.zst
            touch -d '1 hour ago' demo.db.tar.gz
            package wl-demo 2.0 'depend = wl-dep
'
            printf '[options]\nArchitecture = auto\nSigLevel = Never\nLocalFileSigLevel = Never\n[demo]\nServer = file:///srv/repo\n' > /etc/pacman.conf
        "#);
        let package = Trial::of(Package);
        let pacman = Manner { name: "pacman", release: "-1", options: &[] };
        pacman.knows_nothing(&package).await;
        pacman.installs(&package).await;
        // Its repositories have one version of each package.
        sh("cd /srv/repo; repo-add -q demo.db.tar.gz wl-demo-2.0-1-any.pkg.tar.zst");
        let fetched = done(&package, &pacman.request(json!({"indexAge": "0s"}))).await;
        assert!(!fetched.changed);
        pacman.upgrades(&package).await;
        pacman.goes_back_only_when_told_to(&package, "/srv/repo/wl-demo-1.0-1-any.pkg.tar.zst").await;
        pacman.upgrades_everything(&package).await;
        let error = failed(&package, &pacman.request(json!({"names": ["wl-dep"], "state": "absent"}))).await;
        assert!(format!("{error:?}").contains("required by wl-demo"), "{error:?}");
        pacman.removes(&package, json!({"allowRemovals": true})).await;
        pacman.takes_a_file(&package, "/srv/repo/wl-dep-1.0-1-any.pkg.tar.zst").await;
        pacman.says_what_it_does_not_know(&package).await;
        pacman.waits_for_a_lock(&package, "touch /var/lib/pacman/db.lck", "rm /var/lib/pacman/db.lck").await;
    });
}

/// What apk 2.14.10 was asked and said, call by call.
const SAID_BY_APK: &str = include_str!("recorded/apk-2.14.10.txt");

/// Says what was said when it was asked the same.
const PLAY_BACK: &str = r#"#!/bin/sh
call=$(($(cat /run/apk.calls 2> /dev/null || echo 0) + 1))
echo $call > /run/apk.calls
exec awk -v call=$call -v asked="$*" '
    /^\$ / && ++at == call && substr($0, 3) != asked { print "it was asked: " substr($0, 3) > "/dev/stderr"; wrong = 1 }
    at == call && /^> / { print substr($0, 3) }
    at == call && /^! / { print substr($0, 3) > "/dev/stderr" }
    at == call && /^= / { code = substr($0, 3) }
    END { exit wrong || at < call ? 97 : code }
' /run/apk.said
"#;

/// Writes down what it is asked and says. For a machine that has an apk of its own, and a repository in `/srv/apk`.
const WRITE_DOWN: &str = r#"#!/bin/sh
/usr/sbin/apk "$@" > /run/apk.out 2> /run/apk.err
code=$?
{ echo "$ $*"; sed 's/^/> /' /run/apk.out; sed 's/^/! /' /run/apk.err; echo "= $code"; } >> /run/apk.said
cat /run/apk.out
cat /run/apk.err >&2
exit $code
"#;

async fn apk_is_asked() {
    let is_real = std::path::Path::new("/usr/sbin/apk").exists();
    std::fs::write("/usr/local/bin/apk", if is_real { WRITE_DOWN } else { PLAY_BACK }).unwrap();
    std::fs::write("/run/apk.said", if is_real { "" } else { SAID_BY_APK }).unwrap();
    sh(
        "chmod 755 /usr/local/bin/apk; mkdir -p /etc/apk /var/cache/apk; touch -d yesterday /var/cache/apk; echo /srv/apk > /etc/apk/repositories",
    );
    let package = Trial::of(Package);
    let apk = Manner { name: "apk", release: "-r0", options: &["--allow-untrusted"] };
    apk.installs(&package).await;
    apk.upgrades(&package).await;
    apk.goes_back_only_when_told_to(&package, "wl-demo=1.0-r0").await;
    // A version that was asked for by its number is held.
    nothing_to_do(&package, &apk.request(json!({"names": ["*"], "state": "latest"}))).await;
    apk.upgrades(&package).await;
    // It keeps what others need, and thinks that it did well.
    let needed = apk.request(json!({"names": ["wl-dep"], "state": "absent"}));
    let error = failed(&package, &needed).await;
    assert_eq!(error.message, "`wl-dep` is still installed");
    let foresight = would(&package, &needed).await;
    assert_eq!(foresight.would, Would::Unknown, "{foresight:?}");
    apk.removes(&package, json!({"names": ["wl-demo", "wl-dep"]})).await;
    apk.takes_a_file(&package, "/srv/apk/x86_64/wl-dep-1.0-r0.apk").await;
    apk.says_what_it_does_not_know(&package).await;
    let lock = "flock /lib/apk/db/lock sleep 1000 > /dev/null 2>&1 & while flock -n /lib/apk/db/lock true; do :; done";
    apk.waits_for_a_lock(
        &package,
        if is_real { lock } else { "" },
        if is_real { "kill $(pidof sleep)" } else { "" },
    )
    .await;
    if is_real {
        println!("{}", sh("cat /run/apk.said"));
    }
}

/// With an apk, its libraries, an empty database and a repository, as files below `target/tmp/tools/apk-tools`, this asks it,
/// and prints what `recorded` holds.
#[test]
fn apk() {
    let real = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("tools/apk-tools");
    if real.exists() {
        on_with("apk-tools", "managers::apk", apk_is_asked);
    } else {
        on("managers::apk", apk_is_asked);
    }
}
