//! `windlass server backup` and `restore`, and what a server tells the manager of services.

use std::os::unix::net::UnixDatagram;

use crate::harness::{Place, running};
use crate::server::Served;

#[test]
fn a_server_that_runs_is_backed_up_and_another_is_made_of_it() {
    let place = Place::new();
    let mut served = Served::begin(&place);
    let token = served.token();
    place.file("token", &token);
    let url = format!("http://{}", served.address);
    place.run(&["login", &url, "--token", "@token", "--context", "s"]).exits(0);
    place.run(&["freeze", "incident", "--reason", "a test", "--context", "s"]).exits(0);
    let ended = place.run(&["server", "backup", "b.wlb", "--context", "s"]).exits(0);
    ended.shows(&["backed up to b.wlb", "without keys"]).says(&["the keys are not in it"]);
    place
        .run(&["server", "backup", "b.wlb", "--context", "s"])
        .exits(2)
        .says(&["WL-1202", "is there already"]);
    let data = place.data();
    let data = data.to_str().unwrap();
    let ended = place.run(&["server", "backup", "c.wlb", "--data-dir", data]).exits(5);
    ended.says(&["WL-0401", "--context NAME"]);
    served.process.signal("TERM");
    served.process.end().exits(0);
    place
        .run(&["server", "backup", "c.wlb", "--with-keys", "--data-dir", data])
        .exits(0)
        .says(&["every secret"]);
    assert!(!place.path("c.wlb.part").exists());
    place.run(&["server", "restore", "c.wlb", "--check"]).exits(0).shows(&["ok c.wlb", "with keys"]);
    place.run(&["server", "restore", "c.wlb"]).exits(2).says(&["WL-1202", "is something in"]);
    place
        .run(&["server", "restore", "b.wlb", "--data-dir", "r"])
        .exits(0)
        .says(&["keys are not in this backup"]);
    std::fs::write(place.path("torn.wlb"), &std::fs::read(place.path("b.wlb")).unwrap()[..600]).unwrap();
    place.run(&["server", "restore", "torn.wlb", "--data-dir", "t"]).exits(2).says(&["WL-1202", "not whole"]);
    assert!(!place.path("t").exists());

    let mut process = place.start(&["server", "--listen", "127.0.0.1:0", "--data-dir", "r"]);
    let line = process.line_with("listens on http://");
    let address = line.trim().rsplit('/').next().unwrap().to_owned();
    let served = Served { process, address };
    let (status, text) = served.ask(&token, "GET", "/api/v1/freezes/incident", "", None);
    assert_eq!(status, 200, "{text}");
    served.process.signal("TERM");
    served.process.end().exits(0);
}

#[test]
fn whoever_began_it_is_told_when_it_is_ready_alive_and_ending() {
    let place = Place::new();
    let socket = UnixDatagram::bind(place.path("notify")).unwrap();
    let mut command = place.command(&["server", "--listen", "127.0.0.1:0", "--log-format", "json"]);
    command.env("NOTIFY_SOCKET", place.path("notify")).env("WATCHDOG_USEC", "20000");
    let process = running(command);
    let told = || {
        let mut buffer = [0; 1000];
        let length = socket.recv(&mut buffer).unwrap();
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let first = told();
    assert!(first.starts_with("READY=1\n") && first.contains("listens on http://"), "{first}");
    assert_eq!(told(), "WATCHDOG=1");
    process.signal("TERM");
    let mut last = told();
    while last == "WATCHDOG=1" {
        last = told();
    }
    assert!(last.starts_with("STOPPING=1\n"), "{last}");
    process.end().exits(0);
    let unit = place.run(&["server", "unit"]).exits(0).out;
    assert!(
        unit.contains("Type=notify") && unit.contains("server --config /etc/windlass/server.toml"),
        "{unit}"
    );
}
