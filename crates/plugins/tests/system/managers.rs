//! `package` with the managers that are not this machine's own: dnf, zypper and pacman, each on a throwaway machine that has
//! them, with a repository that is made there.

use serde_json::{Value, json};
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::package::Package;
use windlass_plugins::system::repository::Repository;

use crate::throwaway::{on_with, sh};
use crate::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, text, would};

/// What `cargo xtask test` unpacks for them.
const TOOLS: Option<&str> = Some("package-managers");

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
