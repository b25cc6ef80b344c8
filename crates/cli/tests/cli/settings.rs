//! The settings of a server: from a file, variables and flags, and everything that is wrong with them at once.

use crate::harness::{Place, ended};

const WRONG: &str = "\
data-dri = \"/tmp/x\"
listen = 8380

[tls]
certificate = \"server.pem\"
cerificate = \"server.pem\"

[nodes]
connect-at-once = 0

[agnets]
program = \"x\"
";

#[test]
fn everything_that_is_wrong_with_a_file_is_drawn_in_it() {
    let place = Place::new();
    place.file("server.toml", WRONG);
    let ended = place.run(&["server", "config", "check", "server.toml"]).exits(2);
    insta::assert_snapshot!(ended.err);
}

#[test]
fn what_does_not_parse_is_told_with_its_line() {
    let place = Place::new();
    place.file("server.toml", "listen = \"127.0.0.1:1\"\ntls = [\n[nodes\n");
    place.run(&["server", "config", "check", "server.toml"]).exits(2).says(&["WL-1201", "server.toml:"]);
    place.run(&["server", "config", "check", "gone.toml"]).exits(2).says(&["WL-0101", "gone.toml"]);
}

#[test]
fn a_variable_counts_for_more_than_the_file_and_a_flag_for_more_than_both() {
    let place = Place::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    place.file("server.toml", "listen = \"127.0.0.2:1\"\n");
    let listens = |file: &str, variable: &str, flag: &[&str]| {
        let mut command = place.command(&[&["server", "--config", file], flag].concat());
        command.env("WINDLASS_SERVER_LISTEN", variable);
        ended(command).exits(5)
    };
    // Nobody may listen there, so that each says where it tried to.
    listens("server.toml", &taken, &[]).says(&[&format!("cannot listen on {taken}")]);
    let other = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let other = other.local_addr().unwrap().to_string();
    listens("server.toml", &taken, &["--listen", &other]).says(&[&format!("cannot listen on {other}")]);
    let set = format!("listen={other}");
    listens("server.toml", &taken, &["--set", &set]).says(&[&format!("cannot listen on {other}")]);
}

#[test]
fn mistakes_in_variables_and_flags_are_told_with_those_of_the_file() {
    let place = Place::new();
    place.file("server.toml", "listn = \"127.0.0.1:1\"\n");
    let mut command =
        place.command(&["server", "--config", "server.toml", "--set", "nodes.conect-at-once=3"]);
    command.env("WINDLASS_SERVER_LISTN", "127.0.0.1:1").env("WINDLASS_SERVER_TLS_ELSEWHERE", "perhaps");
    let ended = ended(command).exits(2);
    insta::assert_snapshot!(ended.err);
    assert!(!place.data().exists(), "nothing was begun");
}

#[test]
fn the_example_can_be_used_as_it_is() {
    let place = Place::new();
    let example = place.run(&["server", "config", "example"]).exits(0).out;
    place.file("server.toml", &example);
    place.run(&["server", "config", "check", "server.toml"]).exits(0).shows(&["ok server.toml"]);
}
