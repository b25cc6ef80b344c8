//! Samples of what systems say, and this machine.

use std::os::unix::fs::PermissionsExt;

use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;

use super::*;

#[test]
fn systems_are_told_apart() {
    let debian = os::parse(
        "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nVERSION_ID=\"12\"\nVERSION_CODENAME=bookworm\nID=debian\n",
    );
    let some = |text: &str| Some(text.to_owned());
    assert_eq!(
        (debian.name, debian.version, debian.codename),
        (some("debian"), some("12"), some("bookworm"))
    );
    let rocky = os::parse(
        "NAME='Rocky Linux'\nID=\"rocky\"\nID_LIKE=\"rhel centos fedora\"\nPRETTY_NAME=\"Rocky \\\"Green\\\"\"\n",
    );
    assert_eq!((rocky.name, rocky.like.join(" ")), (some("rocky"), "rhel centos fedora".to_owned()));
    assert_eq!((rocky.title, rocky.version), (some("Rocky \"Green\""), None));
    assert_eq!(os::parse(""), Os::default());
}

#[test]
fn machines_are_measured() {
    let cpu = machine::cpu(
        "processor\t: 0\nmodel name\t: AMD EPYC\nflags\t\t: fpu hypervisor\n\nprocessor\t: 1\nmodel name\t: AMD EPYC\n",
    );
    assert_eq!((cpu.count, cpu.model.as_deref()), (2, Some("AMD EPYC")));
    let memory = machine::memory(
        "MemTotal:       2048 kB\nMemFree: 10 kB\nMemAvailable:    1024 kB\nSwapTotal: 0 kB\n",
    );
    assert_eq!(memory, Memory { total: 2 << 20, available: 1 << 20, swap: 0 });
    assert_eq!(machine::memory("MemTotal: 1 kB\nMemFree: 1 kB\n").available, 1024);
    assert_eq!(machine::disk("sda", "2048\n"), Some(Disk { name: "sda".into(), size: 1 << 20 }));
    for (name, size) in [("loop0", "8"), ("zram0", "8"), ("dm-0", "8"), ("sda", "0"), ("sda", "x")] {
        assert_eq!(machine::disk(name, size), None, "{name}");
    }
    let mounts = machine::mounts(
        "/dev/vda1 / ext4 rw,relatime 0 0\nproc /proc proc rw 0 0\n/dev/vdb /srv/a\\040b xfs ro,nosuid 0 0\n/dev/vda1 / ext4 rw 0 0\n/dev/loop1 /snap squashfs ro 0 0\n",
    );
    let told: Vec<_> =
        mounts.iter().map(|mount| (mount.path.as_str(), mount.kind.as_str(), mount.read_only)).collect();
    assert_eq!(told, [("/", "ext4", false), ("/srv/a b", "xfs", true)]);
    assert_eq!(machine::uptime("3601.25 7100.00\n"), Some(3601));
    let runs_in =
        |vendor, cpuinfo, container, docker| machine::virtualization(vendor, cpuinfo, container, docker);
    assert_eq!(runs_in("QEMU\n", "", "", false).as_deref(), Some("kvm"));
    assert_eq!(runs_in("QEMU\n", "", "lxc\n", false).as_deref(), Some("lxc"));
    assert_eq!(runs_in("", "", "", true).as_deref(), Some("docker"));
    assert_eq!(runs_in("Dell Inc.", "flags : fpu hypervisor sse\n", "", false).as_deref(), Some("unknown"));
    assert_eq!(runs_in("Dell Inc.", "flags : fpu sse\n", "", false), None);
}

#[test]
fn networks_are_read() {
    let routes = "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\neth1\t00000000\t0101A8C0\t0003\t0\t0\t200\t00000000\t0\neth0\t00000000\t0100A8C0\t0003\t0\t0\t100\t00000000\t0\neth0\t0000A8C0\t00000000\t0001\t0\t0\t100\t00FFFFFF\t0\n";
    assert_eq!(network::default_interface(routes).as_deref(), Some("eth0"));
    assert_eq!(network::default_interface("Iface\n"), None);
    let trie = "Main:\n  +-- 0.0.0.0/0 3 0 5\n     |-- 127.0.0.1\n        /32 host LOCAL\n     |-- 192.168.0.0\n        /24 link UNICAST\n     |-- 192.168.0.7\n        /32 host LOCAL\nLocal:\n     |-- 192.168.0.7\n        /32 host LOCAL\n";
    let six = "20010db8000000000000000000000001 02 40 00 80 eth0\nfe800000000000000000000000000001 02 40 20 80 eth0\n00000000000000000000000000000001 01 80 10 80 lo\n";
    assert_eq!(network::addresses(trie, six), ["192.168.0.7", "2001:db8::1"]);
    let eth = network::interface("eth0", "52:54:00:12:34:56\n", "up\n", "1500\n");
    assert_eq!((eth.mac.as_deref(), eth.up, eth.mtu), (Some("52:54:00:12:34:56"), true, Some(1500)));
    let lo = network::interface("lo", "00:00:00:00:00:00\n", "unknown\n", "65536\n");
    assert_eq!((lo.mac, lo.up), (None, true));
}

#[test]
fn inits_are_told_apart() {
    assert_eq!(init("systemd\n", true, false).as_deref(), Some("systemd"));
    assert_eq!(init("init\n", false, true).as_deref(), Some("openrc"));
    assert_eq!(init("init\n", false, false).as_deref(), Some("sysv"));
    assert_eq!(init("sleep\n", false, false).as_deref(), Some("sleep"));
    assert_eq!(init("", false, false), None);
}

#[test]
fn nothing_is_no_failure() {
    let empty = tempfile::tempdir().unwrap();
    let facts = gather(empty.path());
    assert_eq!((facts.os, facts.packages, facts.disks.len(), facts.cpu.count), (Os::default(), None, 0, 0));
}

#[tokio::test]
async fn this_machine_reports_itself_and_what_its_executables_say() {
    let own = tempfile::tempdir().unwrap();
    let script = |name: &str, text: &str, mode: u32| {
        let path = own.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
    };
    script("rack.sh", "#!/bin/sh\necho '{\"row\": 4}'\n", 0o755);
    script("owner", "#!/bin/sh\necho ann\n", 0o755);
    script("notes.txt", "no executable", 0o644);
    let reply = Trial::of(FactsOf).call(json!({"custom": own.path()})).await.result.unwrap();
    let facts = reply.response;
    assert!(!reply.changed);
    assert!(facts["cpu"]["count"].as_u64().unwrap() > 0, "{facts}");
    assert!(facts["memory"]["total"].as_u64().unwrap() > 0, "{facts}");
    assert_eq!(facts["kernel"]["name"], "Linux");
    assert!(!facts["network"]["hostname"].as_str().unwrap().is_empty());
    assert_eq!(facts["custom"], json!({"owner": "ann", "rack": {"row": 4}}));

    let would = Trial::of(FactsOf).noop(json!({"custom": own.path()})).await.unwrap();
    let answer = would.response.unwrap();
    assert_eq!(
        (would.would, &answer["kernel"], &answer["custom"]),
        (Would::Nothing, &facts["kernel"], &json!({}))
    );

    script("broken", "#!/bin/sh\necho no rack here >&2\nexit 3\n", 0o755);
    let failed = Trial::of(FactsOf).call(json!({"custom": own.path()})).await.result.unwrap_err();
    assert!(failed.to_string().contains("exited with 3: no rack here"), "{failed}");
    let failed = Trial::of(FactsOf).call(json!({"custom": "/nonexistent"})).await.result.unwrap_err();
    assert!(failed.to_string().contains("cannot be read"), "{failed}");
}
