//! `sysctl`, `hostname`, `mount` and `cron` with a real kernel and a real crontab.

use std::fs;

use serde_json::json;
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::cron::Cron;
use windlass_plugins::system::hostname::Hostname;
use windlass_plugins::system::mount::Mount;
use windlass_plugins::system::sysctl::Sysctl;

use crate::throwaway::{cannot, has, on, sh};
use crate::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, would};

#[test]
fn settings_of_the_kernel() {
    on("files::settings_of_the_kernel", async || {
        let sysctl = Trial::of(Sysctl);
        // A new network may take over what the machine has.
        sh("echo 0 > /proc/sys/net/ipv4/ip_forward");
        let request = json!({"name": "net.ipv4.ip_forward", "value": 1});
        let reply = foreseen_done_and_then_nothing(&sysctl, &request).await;
        insta::assert_snapshot!(diff(&reply), @r"
        net.ipv4.ip_forward: 0 -> 1
        --- /dev/null
        +++ /etc/sysctl.d/90-windlass.conf
        @@ -0,0 +1 @@
        +net.ipv4.ip_forward = 1
        ");
        assert_eq!(
            sh("cat /proc/sys/net/ipv4/ip_forward; stat -c %a /etc/sysctl.d/90-windlass.conf"),
            "1\n644\n"
        );
        // The kernel prints tabs between numbers.
        let range =
            json!({"name": "net.ipv4.ip_local_port_range", "value": "20000 30000", "persistent": false});
        foreseen_done_and_then_nothing(&sysctl, &range).await;
        let gone = foreseen_done_and_then_nothing(
            &sysctl,
            &json!({"name": "net/ipv4/ip_forward", "state": "absent"}),
        )
        .await;
        assert!(diff(&gone).contains("-net.ipv4.ip_forward = 1"));
        assert_eq!(sh("cat /proc/sys/net/ipv4/ip_forward"), "1\n", "the kernel keeps what it has");

        let error = failed(&sysctl, &json!({"name": "net.ipv4.ip_forward", "value": "maybe"})).await;
        assert_eq!((error.code.as_str(), error.permanent), ("refused", true), "{error}");
        assert!(!sh("cat /etc/sysctl.d/90-windlass.conf").contains("maybe"));
        let unknown = json!({"name": "net.ipv4.no_such_thing", "value": 1});
        assert_eq!(failed(&sysctl, &unknown).await.code, "unknownSetting");
        assert_eq!(would(&sysctl, &unknown).await.would, Would::Unknown);
        let says = |request| sysctl.validate(&request).unwrap_err().join("; ");
        assert!(says(json!({"name": "../../etc/passwd", "value": 1})).contains("is no setting"));
        assert!(says(json!({"name": "vm.swappiness"})).contains("`value`: it is missing"));
    });
}

#[test]
fn the_name_of_the_machine() {
    on("files::the_name_of_the_machine", async || {
        let hostname = Trial::of(Hostname);
        let request = json!({"name": "web03.example", "hosts": true});
        let reply = foreseen_done_and_then_nothing(&hostname, &request).await;
        assert!(diff(&reply).contains("+127.0.1.1\tweb03.example web03"), "{}", diff(&reply));
        assert_eq!(sh("uname -n; cat /etc/hostname"), "web03.example\nweb03.example\n");
        // As containers have it: a file that is mounted by itself cannot be replaced.
        sh("echo other > /tmp/name; mount --bind /tmp/name /etc/hostname");
        foreseen_done_and_then_nothing(&hostname, &json!({"name": "web04"})).await;
        assert_eq!(sh("uname -n; cat /etc/hostname"), "web04\nweb04\n");
        assert!(
            hostname.validate(&json!({"name": "-x"})).unwrap_err()[0].contains("is no name of a machine")
        );
    });
}

#[test]
fn mounts_and_their_table() {
    on("files::mounts_and_their_table", async || {
        fs::write("/etc/fstab", "# the table\nproc /proc proc defaults 0 0\n").unwrap();
        let mount = Trial::of(Mount);
        let request = |state: &str, options: &str| json!({"path": "/srv/my data", "state": state, "source": "wl-demo", "fstype": "tmpfs", "options": options});
        let reply = foreseen_done_and_then_nothing(&mount, &request("mounted", "size=1m")).await;
        insta::assert_snapshot!(diff(&reply), @r"
        --- /etc/fstab
        +++ /etc/fstab
        @@ -1,2 +1,3 @@
         # the table
         proc /proc proc defaults 0 0
        +wl-demo /srv/my\040data tmpfs size=1m 0 0
        /srv/my data: not mounted -> mounted
        ");
        let options = || sh("grep my.040data /proc/self/mounts || true");
        assert!(options().contains("size=1024k"), "{}", options());
        let reply = foreseen_done_and_then_nothing(&mount, &request("mounted", "size=2m")).await;
        assert!(
            diff(&reply).contains("mounted anew with the options size=2m")
                && options().contains("size=2048k")
        );
        foreseen_done_and_then_nothing(&mount, &request("unmounted", "size=2m")).await;
        assert_eq!(options(), "");
        nothing_to_do(&mount, &request("present", "size=2m")).await;
        foreseen_done_and_then_nothing(&mount, &request("mounted", "size=2m")).await;

        // Something else is mounted there: it goes first, unless it is in use.
        let ramfs =
            json!({"path": "/srv/my data", "source": "wl-demo", "fstype": "ramfs", "options": "defaults"});
        let busy = fs::File::create("/srv/my data/open").unwrap();
        let error = failed(&mount, &ramfs).await;
        assert!(error.to_string().contains("busy"), "{error}");
        assert!(
            fs::read_to_string("/etc/fstab").unwrap().contains("tmpfs size=2m"),
            "the table still says what is mounted"
        );
        drop(busy);
        foreseen_done_and_then_nothing(&mount, &ramfs).await;
        let reply =
            foreseen_done_and_then_nothing(&mount, &json!({"path": "/srv/my data", "state": "absent"})).await;
        assert!(diff(&reply).contains("wl-demo (ramfs) -> not mounted"), "{}", diff(&reply));
        assert_eq!(fs::read_to_string("/etc/fstab").unwrap(), "# the table\nproc /proc proc defaults 0 0\n");
        let says = |request| mount.validate(&request).unwrap_err().join("; ");
        assert!(says(json!({"path": "srv"})).contains("`source`: it is missing"));
        assert!(says(json!({"path": "/a/../b", "state": "absent"})).contains("without `..`"));
    });
}

#[test]
fn jobs_of_cron() {
    on("files::jobs_of_cron", async || {
        if !has("crontab") {
            return cannot("there is no crontab; install it with `apt-get install cron`");
        }
        let cron = Trial::of(Cron);
        sh("useradd wl-job; printf 'MAILTO=ops\\n5 * * * * mine\\n' | crontab -u wl-job -");
        let request = json!({"name": "save", "user": "wl-job", "schedule": "30 3 * * mon-fri", "command": "save --all"});
        let reply = foreseen_done_and_then_nothing(&cron, &request).await;
        insta::assert_snapshot!(diff(&reply), @r"
        --- crontab of wl-job
        +++ crontab of wl-job
        @@ -1,2 +1,4 @@
         MAILTO=ops
         5 * * * * mine
        +# windlass: save
        +30 3 * * mon-fri save --all
        ");
        let mut off = request.clone();
        off["disabled"] = true.into();
        foreseen_done_and_then_nothing(&cron, &off).await;
        assert!(sh("crontab -u wl-job -l").ends_with("# windlass: save\n#off 30 3 * * mon-fri save --all\n"));
        foreseen_done_and_then_nothing(&cron, &json!({"name": "save", "user": "wl-job", "state": "absent"}))
            .await;
        assert_eq!(sh("crontab -u wl-job -l"), "MAILTO=ops\n5 * * * * mine\n");
        // A user without a table has an empty one.
        sh("useradd wl-new");
        foreseen_done_and_then_nothing(
            &cron,
            &json!({"name": "x", "user": "wl-new", "schedule": "@daily", "command": "x"}),
        )
        .await;

        let file = json!({"name": "report", "file": "report", "schedule": "@weekly", "command": "report"});
        foreseen_done_and_then_nothing(&cron, &file).await;
        assert_eq!(
            sh("cat /etc/cron.d/report; stat -c %a /etc/cron.d/report"),
            "# windlass: report\n@weekly root report\n644\n"
        );
        foreseen_done_and_then_nothing(
            &cron,
            &json!({"name": "report", "file": "report", "state": "absent"}),
        )
        .await;
        assert!(!fs::exists("/etc/cron.d/report").unwrap());

        let nobody = json!({"name": "x", "user": "wl-none", "schedule": "@daily", "command": "x"});
        assert!(failed(&cron, &nobody).await.to_string().contains("wl-none"));
        assert_eq!(would(&cron, &nobody).await.would, Would::Unknown);
        done(&cron, &json!({"name": "x", "user": "wl-new", "state": "absent"})).await;
        let says = |request| cron.validate(&request).unwrap_err().join("; ");
        assert!(
            says(json!({"name": "x", "schedule": "61 * * * *", "command": "x"}))
                .contains("`61` is no minute")
        );
        assert!(
            says(json!({"name": "x", "file": "a.b", "schedule": "@daily", "command": "x"}))
                .contains("cron reads only names")
        );
    });
}
