//! `ssh_config` as people write it, and as nobody should.

use std::path::Path;

use proptest::prelude::*;

use super::*;

fn config(text: &str, more: &[(&str, &str)]) -> Config {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(home.path().join(".ssh/conf.d")).unwrap();
    let path = home.path().join(".ssh/config");
    std::fs::write(&path, text).unwrap();
    for (name, text) in more {
        std::fs::write(home.path().join(".ssh").join(name), text).unwrap();
    }
    let read = Config::of_file(&path, home.path()).unwrap();
    Config { home: PathBuf::from("/home/ops"), ..read }
}

#[test]
fn the_first_value_counts_and_identities_add_up() {
    let config = config(
        "Host web*.example !web9.example\n  User deploy\n  Port=2222\n  IdentityFile ~/.ssh/%r_%h\n\
         Host *\n  User nobody\n  IdentityFile \"/keys/with space\" # why not\n  StrictHostKeyChecking accept-new\n  \
         ConnectTimeout 7\n  serveraliveinterval 5\n  ServerAliveCountMax 2\n  UserKnownHostsFile ~/a /b\n",
        &[],
    );
    let web = config.host("web1.example", "me");
    assert_eq!((web.user.as_deref(), web.port), (Some("deploy"), Some(2222)));
    let paths = ["/home/ops/.ssh/deploy_web1.example", "/keys/with space"].map(PathBuf::from);
    assert_eq!(web.identity_files, paths);
    assert_eq!((web.connect_timeout, web.alive_interval, web.alive_count), (Some(7), Some(5), Some(2)));
    assert_eq!(web.known_hosts.unwrap(), ["/home/ops/a", "/b"].map(PathBuf::from));
    assert_eq!(web.strict_host_keys.as_deref(), Some("accept-new"));
    assert_eq!(config.host("web9.example", "me").user.as_deref(), Some("nobody"));
}

#[test]
fn jumps_and_host_names_are_read() {
    let config = config(
        "Host inner\n HostName %h.corp\n ProxyJump me@gate:2200,second\nHost straight\n ProxyJump none\n\
         Match host special\n User s\nMatch exec \"true\"\n User bad\nMatch all\n HostKeyAlias one\n",
        &[],
    );
    let inner = config.host("inner", "me");
    assert_eq!(inner.host_name.as_deref(), Some("inner.corp"));
    assert_eq!(inner.proxy_jump.unwrap(), ["me@gate:2200", "second"]);
    assert_eq!(config.host("straight", "me").proxy_jump, Some(vec![]));
    assert_eq!(config.host("special", "me").user.as_deref(), Some("s"));
    assert_eq!(config.host("x", "me").user, None, "what would have to be run is not");
    assert_eq!(config.host("x", "me").host_key_alias.as_deref(), Some("one"));
}

#[test]
fn includes_are_read_where_they_stand_and_a_circle_ends() {
    let config = config(
        "Host a\n Include conf.d/*.conf\nHost *\n User last\n Include config\n",
        &[
            ("conf.d/1.conf", "User one\n"),
            ("conf.d/2.conf", "Port 7\nHost b\n Port 9\n"),
            ("conf.d/x", "Port 1\n"),
        ],
    );
    let a = config.host("a", "me");
    assert_eq!((a.user.as_deref(), a.port), (Some("one"), Some(7)));
    assert_eq!((config.host("b", "me").user.as_deref(), config.host("b", "me").port), (Some("last"), None));
    assert!(Config::of_file(Path::new("/no/such/file"), Path::new("/")).is_err());
}

fn naive(pattern: &[char], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some(('*', rest)), _) => {
            naive(rest, text) || text.split_first().is_some_and(|(_, after)| naive(pattern, after))
        }
        (Some((wanted, rest)), Some((letter, after))) => {
            (*wanted == '?' || wanted == letter) && naive(rest, after)
        }
        _ => false,
    }
}

proptest! {
    #[test]
    fn patterns_fit_as_a_naive_reading_says(pattern in "[ab*?]{0,8}", text in "[ab]{0,8}") {
        let letters = |text: &str| text.chars().collect::<Vec<_>>();
        prop_assert_eq!(matches(&pattern, &text), naive(&letters(&pattern), &letters(&text)));
    }

    #[test]
    fn any_text_is_read(text in "\\PC{0,200}") {
        let _ = config(&text, &[]).host("x", "me");
    }
}
