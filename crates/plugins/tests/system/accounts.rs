//! `user` and `group` with real accounts.

use serde_json::json;
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::group::Group;
use windlass_plugins::system::user::User;

use crate::throwaway::{on, sh};
use crate::{diff, done, failed, foreseen_done_and_then_nothing, nothing_to_do, text, would};

const KEY: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9Wm0M0R1mSmN1Z0mJd0Zs3X1Y8Tq9xVvUu0k3sJ5aB";
const HASH: &str =
    "$6$saltsalt$qFmFH.bQmmtXzyBY0s9v7Oicd2z4XSIecDzlB5KiA2/jctKu9YterLp8wwnSq.qc.eoxqOmSuNp2xS0ktL3nh/";

#[test]
fn accounts_are_added_changed_and_removed() {
    on("accounts::accounts_are_added_changed_and_removed", async || {
        let (user, group) = (Trial::of(User), Trial::of(Group));
        foreseen_done_and_then_nothing(&group, &json!({"name": "wl-one", "gid": 4501})).await;
        foreseen_done_and_then_nothing(&group, &json!({"name": "wl-two"})).await;
        let reply = foreseen_done_and_then_nothing(&group, &json!({"name": "wl-one", "gid": 4600})).await;
        assert_eq!(diff(&reply), "group wl-one: gid: 4501 -> 4600\n");

        let ada = json!({
            "name": "ada", "uid": 4500, "group": "wl-one", "groups": ["wl-two"], "comment": "Ada Lovelace", "shell": "/bin/sh",
            "home": "/home/lovelace", "passwordHash": HASH, "authorizedKeys": [format!("{KEY} ada@desk")],
        });
        let tried = user.call(ada.clone()).await;
        let reply = tried.result.clone().unwrap();
        assert!(reply.changed);
        assert_eq!(
            (&reply.response["uid"], &reply.response["gid"], &reply.response["home"]),
            (&json!(4500), &json!(4600), &json!("/home/lovelace"))
        );
        insta::assert_snapshot!(diff(&reply), @r"
        user ada: absent -> uid 4500, gid 4600, groups wl-two, home /home/lovelace, shell /bin/sh
        --- /dev/null
        +++ .ssh/authorized_keys
        @@ -0,0 +1 @@
        +ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ9Wm0M0R1mSmN1Z0mJd0Zs3X1Y8Tq9xVvUu0k3sJ5aB ada@desk
        ");
        assert!(
            !format!("{}{}", reply.response, text(&tried)).contains("qFmFH"),
            "the hash is shown nowhere"
        );
        nothing_to_do(&user, &ada).await;
        assert_eq!(
            sh("id -un 4500; id -gn ada; id -Gn ada; getent shadow ada | cut -d: -f2"),
            format!("ada\nwl-one\nwl-one wl-two\n{HASH}\n")
        );
        assert_eq!(
            sh("stat -c '%U %G %a' /home/lovelace/.ssh /home/lovelace/.ssh/authorized_keys"),
            "ada wl-one 700\nada wl-one 600\n"
        );

        let other = json!({"name": "ada", "comment": "Countess", "shell": "/bin/bash", "groups": ["wl-one"], "append": true, "passwordHash": "!"});
        let reply = foreseen_done_and_then_nothing(&user, &other).await;
        insta::assert_snapshot!(diff(&reply), @r"
        user ada: comment: Ada Lovelace -> Countess
        user ada: shell: /bin/sh -> /bin/bash
        user ada: groups: wl-two -> wl-one,wl-two
        user ada: password: another one
        ");
        // One by one, what is left out stays.
        let reply = foreseen_done_and_then_nothing(&user, &json!({"name": "ada", "groups": []})).await;
        assert_eq!(diff(&reply), "user ada: groups: wl-one,wl-two -> \n");
        let moved = foreseen_done_and_then_nothing(&user, &json!({"name": "ada", "home": "/home/ada"})).await;
        assert!(diff(&moved).contains("home: /home/lovelace -> /home/ada"), "{}", diff(&moved));
        assert!(std::path::Path::new("/home/ada/.ssh/authorized_keys").exists(), "the home was moved");

        let gone = foreseen_done_and_then_nothing(
            &user,
            &json!({"name": "ada", "state": "absent", "removeHome": true}),
        )
        .await;
        assert_eq!(diff(&gone), "user ada: uid 4500 -> absent\n/home/ada: directory -> absent\n");
        assert!(!std::path::Path::new("/home/ada").exists());
        foreseen_done_and_then_nothing(&group, &json!({"name": "wl-two", "state": "absent"})).await;
    });
}

#[test]
fn keys_are_kept_taken_out_and_never_written_through_a_link() {
    on("accounts::keys_are_kept_taken_out_and_never_written_through_a_link", async || {
        let user = Trial::of(User);
        done(&user, &json!({"name": "bob"})).await;
        sh(
            "mkdir -m 700 /home/bob/.ssh; echo '# mine' > /home/bob/.ssh/authorized_keys; chown -R bob: /home/bob/.ssh",
        );
        let request = json!({"name": "bob", "authorizedKeys": [format!("{KEY} one")]});
        foreseen_done_and_then_nothing(&user, &request).await;
        let other = KEY.replace("aB", "aC");
        let request =
            json!({"name": "bob", "authorizedKeys": [format!("no-pty {other} two")], "onlyTheseKeys": true});
        foreseen_done_and_then_nothing(&user, &request).await;
        assert_eq!(sh("cat /home/bob/.ssh/authorized_keys"), format!("# mine\nno-pty {other} two\n"));

        sh("mkdir /root/target; mv /home/bob/.ssh /home/bob/away; ln -s /root/target /home/bob/.ssh");
        let error = failed(&user, &request).await;
        assert!(error.to_string().contains("/home/bob"), "{error}");
        assert_eq!(sh("ls /root/target"), "");
        sh(
            "rm /home/bob/.ssh; mv /home/bob/away /home/bob/.ssh; ln -sf /etc/shadow /home/bob/.ssh/authorized_keys",
        );
        let before = sh("cat /etc/shadow");
        failed(&user, &request).await;
        assert_eq!(sh("cat /etc/shadow"), before);
    });
}

#[test]
fn what_is_missing_is_said_and_what_makes_no_sense_refused() {
    on("accounts::what_is_missing_is_said_and_what_makes_no_sense_refused", async || {
        let user = Trial::of(User);
        let request = json!({"name": "carl", "groups": ["no-such-group"]});
        let error = failed(&user, &request).await;
        assert_eq!(error.code, "unknownGroup");
        assert_eq!(would(&user, &request).await.would, Would::Unknown);
        nothing_to_do(&user, &json!({"name": "carl", "state": "absent"})).await;
        let says = |request| user.validate(&request).unwrap_err().join("; ");
        assert!(says(json!({"name": "a b"})).contains("`a b` is no name"));
        assert!(says(json!({"name": "a", "passwordHash": "hunter2"})).contains("this is no hash"));
        assert!(says(json!({"name": "a", "comment": "x:y"})).contains("holds a colon"));
        assert!(says(json!({"name": "a", "authorizedKeys": ["x"]})).contains("no public key"));
    });
}
