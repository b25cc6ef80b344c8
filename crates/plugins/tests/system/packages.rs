//! `package` and `repository` with real packages and a real apt.

use serde_json::json;
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::package::Package;
use windlass_plugins::system::repository::Repository;

use crate::throwaway::{on, sh};
use crate::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, text, would};

/// A repository with two versions of one package, which needs another one.
fn repository() {
    sh(r#"
        mkdir -p /srv/repo && cd /srv/repo
        package() {
            mkdir -p "build/$1-$2/DEBIAN"
            printf 'Package: %s\nVersion: %s\nArchitecture: all\nMaintainer: x <x@example.org>\nDescription: x\n%s' "$1" "$2" "$3" > "build/$1-$2/DEBIAN/control"
            printf '#!/bin/sh\necho "setting up %s"\n' "$1" > "build/$1-$2/DEBIAN/postinst"
            chmod 755 "build/$1-$2/DEBIAN/postinst"
            dpkg-deb -Znone --build "build/$1-$2" "$1_$2_all.deb" > /dev/null
            { cat "build/$1-$2/DEBIAN/control"
              echo "Filename: ./$1_$2_all.deb"
              echo "Size: $(stat -c %s "$1_$2_all.deb")"
              echo "SHA256: $(sha256sum "$1_$2_all.deb" | cut -d' ' -f1)"
              echo; } >> Packages
        }
        package wl-dep 1.0 ''
        package wl-demo 1.0 'Depends: wl-dep
'
        package wl-demo 2.0 'Depends: wl-dep
'
        rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/* /var/lib/apt/lists/*
    "#);
}

#[test]
fn packages_are_installed_upgraded_and_removed() {
    on("packages::packages_are_installed_upgraded_and_removed", async || {
        repository();
        let (package, source) = (Trial::of(Package), Trial::of(Repository));
        let unknown = would(&package, &json!({"names": ["wl-demo"]})).await;
        assert_eq!(unknown.would, Would::Unknown);
        let error = failed(&package, &json!({"names": ["wl-demo"]})).await;
        assert_eq!((error.code.as_str(), error.permanent), ("unknownPackage", false), "{error}");
        assert!(
            error.to_string().contains("Unable to locate package wl-demo")
                && error.to_string().contains("indexAge"),
            "{error}"
        );

        let request =
            json!({"name": "demo", "apt": {"uris": ["file:/srv/repo"], "suites": ["./"], "trusted": true}});
        foreseen_done_and_then_nothing(&source, &request).await;

        let first = json!({"names": ["wl-demo=1.0"], "indexAge": "1h"});
        let tried = package.call(first.clone()).await;
        assert!(text(&tried).contains("setting up wl-demo"), "{}", text(&tried));
        let reply = tried.result.unwrap();
        assert!(reply.changed);
        assert_eq!((&reply.response["manager"], &reply.response["fetched"]), (&json!("apt"), &json!(true)));
        assert_eq!(diff(&reply), "wl-demo: absent -> 1.0\nwl-dep: absent -> 1.0\n");
        assert_eq!(reply.response["packages"][1], json!({"name": "wl-dep", "before": null, "after": "1.0"}));
        let again = done(&package, &first).await;
        assert_eq!((again.changed, &again.response["fetched"]), (false, &json!(false)));
        nothing_to_do(&package, &json!({"names": ["wl-demo", "wl-dep"]})).await;

        let newest = json!({"names": ["wl-demo"], "state": "latest"});
        let reply = foreseen_done_and_then_nothing(&package, &newest).await;
        assert_eq!(diff(&reply), "wl-demo: 1.0 -> 2.0\n");

        let mut older = json!({"names": ["wl-demo=1.*"]});
        let error = failed(&package, &older).await;
        assert!(error.to_string().contains("downgrade"), "{error}");
        older["allowDowngrade"] = true.into();
        assert_eq!(diff(&foreseen_done_and_then_nothing(&package, &older).await), "wl-demo: 2.0 -> 1.0\n");
        let all = json!({"names": ["*"], "state": "latest"});
        assert_eq!(diff(&foreseen_done_and_then_nothing(&package, &all).await), "wl-demo: 1.0 -> 2.0\n");

        let gone = json!({"names": ["wl-dep"], "state": "absent", "purge": true});
        let reply = foreseen_done_and_then_nothing(&package, &gone).await;
        assert_eq!(diff(&reply), "wl-demo: 2.0 -> absent\nwl-dep: 1.0 -> absent\n");

        let file = json!({"names": ["/srv/repo/wl-dep_1.0_all.deb"]});
        assert_eq!(diff(&done(&package, &file).await), "wl-dep: absent -> 1.0\n");
        assert!(!done(&package, &file).await.changed);

        // A repository that is newer than the index is noticed, whatever the index's age.
        foreseen_done_and_then_nothing(&source, &json!({"name": "demo", "state": "absent"})).await;
        let reply = done(&package, &json!({"indexAge": "1d"})).await;
        assert_eq!((reply.changed, &reply.response["fetched"]), (false, &json!(true)));
        assert_eq!(failed(&package, &json!({"names": ["wl-demo"]})).await.code, "unknownPackage");
    });
}

#[test]
fn a_lock_is_waited_for_and_a_broken_installation_is_mended() {
    on("packages::a_lock_is_waited_for_and_a_broken_installation_is_mended", async || {
        repository();
        let package = Trial::of(Package);
        let lock = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open("/var/lib/dpkg/lock-frontend")
            .unwrap();
        rustix::fs::fcntl_lock(&lock, rustix::fs::FlockOperation::NonBlockingLockExclusive).unwrap();
        let request = |wait| json!({"names": ["/srv/repo/wl-dep_1.0_all.deb"], "lockWait": wait});
        let error = failed(&package, &request("0s")).await;
        assert_eq!((error.code.as_str(), error.permanent), ("locked", false), "{error}");
        let mut underway = package.start(request("5m"));
        underway.line_with("somebody else uses apt-get; waiting").await.unwrap();
        drop(lock);
        assert!(underway.end().await.result.unwrap().changed);

        sh("sed -n '/^Package: wl-dep$/,/^$/p' /var/lib/dpkg/status > /var/lib/dpkg/updates/0000");
        let tried = package.call(json!({"names": ["wl-dep"], "state": "absent"})).await;
        assert!(text(&tried).contains("an earlier installation was cut off"), "{}", text(&tried));
        assert_eq!(diff(&tried.result.unwrap()), "wl-dep: 1.0 -> absent\n");
    });
}

#[test]
fn what_makes_no_sense_is_refused() {
    let says = |request| Trial::of(Package).validate(&request).unwrap_err().join("; ");
    assert_eq!(says(json!({})), "`names`: there is nothing to do; name packages, or give `indexAge`");
    assert_eq!(says(json!({"names": ["-y"]})), "`names.0`: `-y` is no name of a package");
    assert_eq!(says(json!({"names": ["*"]})), "`names`: `*` stands alone and goes with `state: latest` only");
    assert_eq!(
        says(json!({"names": ["a=1"], "state": "latest"})),
        "`names`: a version and `state: latest` contradict each other"
    );
    let says = |request| Trial::of(Repository).validate(&request).unwrap_err().join("; ");
    assert_eq!(
        says(json!({"name": "a/b", "apt": {"uris": ["x"], "suites": ["y"]}})),
        "`name`: it is made of letters, digits, `_`, `-` and `.`; `apt.components`: a suite that ends with `/` has none, and every other has some"
    );
    assert_eq!(
        says(json!({"name": "a"})),
        "`apt`: it is missing, and so is `yum`; one says where the repository is"
    );
}
