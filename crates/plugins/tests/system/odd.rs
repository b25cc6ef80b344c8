//! Files of the system in odd shapes: what says the same in another form is left alone, and nothing but the file that is meant
//! is touched.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

use serde_json::{Value, json};
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::cron::Cron;
use windlass_plugins::system::mount::Mount;
use windlass_plugins::system::sysctl::Sysctl;

use crate::throwaway::{on, sh};
use crate::{failed, foreseen_done_and_then_nothing, nothing_to_do};

fn setting(file: &str) -> Value {
    json!({"name": "vm.swappiness", "value": 7, "live": false, "file": file})
}

#[tokio::test]
async fn how_lines_end_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("99-x.conf");
    for text in ["vm.swappiness = 7", "vm.swappiness=7\r\n", "# gr\u{fc}n\nvm.swappiness =\t7"] {
        fs::write(&file, text).unwrap();
        nothing_to_do(&Trial::of(Sysctl), &setting(file.to_str().unwrap())).await;
        assert_eq!(fs::read_to_string(&file).unwrap(), text);
    }
    let fstab = dir.path().join("fstab");
    fs::write(&fstab, "tmpfs /srv/with\\040space tmpfs defaults 0 0").unwrap();
    let request = json!({"path": "/srv/with space", "source": "tmpfs", "fstype": "tmpfs", "state": "present", "fstab": fstab});
    nothing_to_do(&Trial::of(Mount), &request).await;
}

#[tokio::test]
async fn a_file_is_replaced_where_it_really_lies() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let sysctl = Trial::of(Sysctl);
    // A directory that is not there is made; a name may hold anything.
    let odd = at("not there/gr\u{fc}n und blau.conf");
    foreseen_done_and_then_nothing(&sysctl, &setting(&odd)).await;
    assert_eq!(fs::read_to_string(&odd).unwrap(), "vm.swappiness = 7\n");

    // Behind a link, the file is replaced and not the link, and keeps its mode.
    fs::write(at("real"), "kernel.panic = 1\n").unwrap();
    fs::set_permissions(at("real"), fs::Permissions::from_mode(0o640)).unwrap();
    symlink("real", at("link")).unwrap();
    foreseen_done_and_then_nothing(&sysctl, &setting(&at("link"))).await;
    assert_eq!(fs::read_link(at("link")).unwrap().to_str(), Some("real"));
    assert_eq!(fs::metadata(at("real")).unwrap().mode() & 0o777, 0o640);
    assert_eq!(fs::read_to_string(at("real")).unwrap(), "kernel.panic = 1\nvm.swappiness = 7\n");

    symlink("nowhere", at("dangling")).unwrap();
    let error = failed(&sysctl, &setting(&at("dangling"))).await;
    assert_eq!((error.code.as_str(), error.permanent), ("notFound", true), "{error}");
    assert!(fs::symlink_metadata(at("dangling")).unwrap().is_symlink(), "the link is not replaced");
    fs::create_dir(at("directory")).unwrap();
    assert_eq!(failed(&sysctl, &setting(&at("directory"))).await.code, "isADirectory");
    fs::write(at("latin"), b"# gr\xfcn\n").unwrap();
    assert_eq!(failed(&sysctl, &setting(&at("latin"))).await.code, "content");
    assert_eq!(fs::read(at("latin")).unwrap(), b"# gr\xfcn\n");
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| !name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn where_nothing_can_be_written_that_is_said() {
    on("odd::where_nothing_can_be_written_that_is_said", async || {
        sh(
            "mkdir /srv/fixed; mount -t tmpfs none /srv/fixed; echo kernel.panic=1 > /srv/fixed/x.conf; mount -o remount,ro /srv/fixed",
        );
        let error = failed(&Trial::of(Sysctl), &setting("/srv/fixed/x.conf")).await;
        assert_eq!((error.code.as_str(), error.permanent), ("readOnly", true), "{error}");
        // As containers mount single files: they cannot be replaced, only written.
        sh(
            "echo kernel.panic=1 > /srv/own; touch /etc/sysctl.d/mounted.conf; mount --bind /srv/own /etc/sysctl.d/mounted.conf",
        );
        foreseen_done_and_then_nothing(&Trial::of(Sysctl), &setting("/etc/sysctl.d/mounted.conf")).await;
        assert_eq!(sh("cat /srv/own"), "kernel.panic=1\nvm.swappiness = 7\n");

        // What cannot be mounted does not get into the table, which would keep the machine from starting.
        let before = sh("cat /etc/fstab");
        let request = json!({"path": "/srv/data", "source": "/dev/no-such-disk", "fstype": "ext4"});
        failed(&Trial::of(Mount), &request).await;
        assert_eq!(sh("cat /etc/fstab"), before);

        // Labels of the file that is replaced stay with it.
        sh("echo kernel.panic=1 > /etc/sysctl.d/labelled.conf");
        let labelled = fs::File::open("/etc/sysctl.d/labelled.conf").unwrap();
        if rustix::fs::fsetxattr(&labelled, "trusted.note", b"mine", rustix::fs::XattrFlags::empty()).is_ok()
        {
            foreseen_done_and_then_nothing(&Trial::of(Sysctl), &setting("/etc/sysctl.d/labelled.conf")).await;
            let now = fs::File::open("/etc/sysctl.d/labelled.conf").unwrap();
            let mut value = [0; 16];
            assert_eq!(rustix::fs::fgetxattr(&now, "trusted.note", &mut value), Ok(4));
        }

        // A table of cron with an end of line that is missing.
        let job = json!({"name": "save", "file": "save", "schedule": "0 3 * * *", "command": "save 'a b' gr\u{fc}n"});
        foreseen_done_and_then_nothing(&Trial::of(Cron), &job).await;
        sh(
            "printf '%s' \"$(cat /etc/cron.d/save)\" > /etc/cron.d/other; mv /etc/cron.d/other /etc/cron.d/save",
        );
        // Cron leaves such a line out, so this is a difference.
        foreseen_done_and_then_nothing(&Trial::of(Cron), &job).await;
    });
}
