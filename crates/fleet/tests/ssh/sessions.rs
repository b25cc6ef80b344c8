//! Sessions, host keys, credentials, jump hosts, agents.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::AsyncReadExt as _;
use windlass_fleet::ssh::{HostKeys, Key, Login, Session, Settings};
use windlass_fleet::{Agents, Exit, Fleet, Gate, InDirectory, LedTo as _, Terminal, Ways, is_here, over};
use windlass_model::id::RunId;
use windlass_plugin::{Call, CallError, Cancel, Node, Origin, Output};

use crate::sshd::{Sshd, agent_binary, here, skip};

fn key(sshd: &Sshd, name: &str) -> Login {
    Login::Key { key: Key::File(sshd.path(name)), certificate: None, passphrase: None }
}

fn settings(sshd: &Sshd) -> Settings {
    Settings {
        addresses: vec!["127.0.0.1".into()],
        port: sshd.port,
        logins: vec![key(sshd, "user_key")],
        known_hosts: vec![sshd.path("known_hosts")],
        step: Duration::from_secs(5),
        ..Settings::of("web01", "root")
    }
}

async fn refused(settings: &Settings) -> CallError {
    Session::open(settings).await.unwrap_err()
}

fn node(sshd: &Sshd) -> Arc<Node> {
    let node = json!({
        "name": "web01",
        "addresses": "127.0.0.1",
        "transport": {"port": sshd.port, "credentials": [{"key": sshd.path("user_key")}], "knownHosts": sshd.path("known_hosts")},
    });
    Arc::new(serde_json::from_value(node).unwrap())
}

pub(crate) fn call(node: &Arc<Node>) -> Call {
    Call {
        run: RunId(uuid::Uuid::from_u128(1)),
        plan: "trial".into(),
        address: "patch/web01/do".into(),
        attempt: 1,
        key: "key".into(),
        node: Some(Arc::clone(node)),
        for_node: None,
        deadline_in: Duration::from_secs(60),
        cancel: Cancel::never(),
        output: Output::default(),
        origin: Origin::default(),
        bare: None,
        age: Duration::ZERO,
        programs: windlass_plugin::Programs::default(),
        at_node: windlass_plugin::AtNode::default(),
        sensitive: false,
    }
}

#[tokio::test]
async fn the_agent_is_placed_once_and_does_the_work() {
    let Some(sshd) = Sshd::start("the_agent_is_placed_once_and_does_the_work") else { return };
    let (node, agents) = (node(&sshd), Agents::of(std::env::consts::ARCH, &agent_binary()));
    for round in 0..2 {
        let fleet = Fleet::new(Ways::new(sshd.here(), agents.clone()), Gate::default());
        let registry = over(&windlass_plugins::standard().unwrap(), &fleet, is_here).unwrap();
        for _ in 0..3 {
            let request = Arc::new(json!({"script": "echo $PPID; cat; exit 0", "stdin": "in"}));
            let reply = registry.get("shell").unwrap().call(call(&node), request).await.unwrap();
            assert!(reply.response["stdout"].as_str().unwrap().ends_with("in"), "{:?}", reply.response);
        }
        let placed: Vec<_> = std::fs::read_dir(sshd.path("cache/windlass")).unwrap().flatten().collect();
        let agents = placed.iter().filter(|entry| entry.file_name().to_string_lossy().starts_with("agent-"));
        assert_eq!(agents.count(), 1, "round {round}");
        let (work, run) = (sshd.path("cache/windlass/work"), RunId(uuid::Uuid::from_u128(1)));
        let kept = || {
            let entries = std::fs::read_dir(&work).unwrap();
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect::<Vec<_>>()
        };
        assert_eq!(kept(), [run.to_string()], "round {round}");
        fleet.forget(run).await;
        // What was in it is gone; the next run uses its files again.
        assert_eq!(kept(), ["spare"], "round {round}");
        for file in std::fs::read_dir(work.join("spare")).unwrap() {
            assert_eq!(file.unwrap().metadata().unwrap().len(), 0, "round {round}");
        }
    }
}

#[tokio::test]
async fn host_keys_are_checked() {
    let Some(sshd) = Sshd::start("host_keys_are_checked") else { return };
    let good = settings(&sshd);
    let session = Session::open(&good).await.unwrap();
    assert!(!session.is_closed());

    let unknown = refused(&Settings { known_hosts: vec![sshd.path("nothing")], ..good.clone() }).await;
    assert_eq!((unknown.code.as_str(), unknown.permanent), ("hostKey", true));
    assert!(
        unknown.message.starts_with("the host key of `web01` is not known: it shows ssh-ed25519 SHA256:"),
        "{unknown}"
    );

    sshd.know("other", "wrong_host_key.pub");
    let changed = refused(&Settings { known_hosts: vec![sshd.path("other")], ..good.clone() }).await;
    assert!(changed.message.contains("has changed") && changed.message.contains("line 1 of"), "{changed}");

    let learning =
        Settings { known_hosts: vec![sshd.path("learned")], host_keys: HostKeys::AcceptNew, ..good.clone() };
    Session::open(&learning).await.unwrap();
    Session::open(&Settings { host_keys: HostKeys::Check, ..learning }).await.unwrap();

    sshd.hash_known("known_hosts", "hashed");
    Session::open(&Settings { known_hosts: vec![sshd.path("hashed")], ..good }).await.unwrap();
}

#[tokio::test]
async fn p25_the_second_credential_and_the_second_address_are_tried() {
    let Some(sshd) = Sshd::start("p25_the_second_credential_and_the_second_address_are_tried") else {
        return;
    };
    let good = settings(&sshd);
    let both = Settings {
        logins: vec![key(&sshd, "missing_key"), key(&sshd, "stranger_key"), key(&sshd, "user_key")],
        addresses: vec!["no-such-host.invalid".into(), "127.0.0.1".into()],
        ..good.clone()
    };
    Session::open(&both).await.unwrap();
    let text = std::fs::read_to_string(sshd.path("user_key")).unwrap();
    let inline = Login::Key { key: Key::Text(text), certificate: None, passphrase: None };
    Session::open(&Settings { logins: vec![inline], ..good.clone() }).await.unwrap();

    let strange = refused(&Settings {
        logins: vec![key(&sshd, "stranger_key"), Login::Password("secret-pw".into())],
        ..good.clone()
    })
    .await;
    assert_eq!((strange.code.as_str(), strange.permanent), ("auth", true));
    assert!(
        strange.message.contains("stranger_key: refused") && !strange.message.contains("secret-pw"),
        "{strange}"
    );

    let nothing = refused(&Settings { logins: vec![], ..good }).await;
    assert!(nothing.message.contains("nothing to log in with"), "{nothing}");
}

#[tokio::test]
async fn p25_a_name_that_leads_nowhere_falls_back_to_the_plans_address_and_then_to_where_it_led() {
    let test = "p25_a_name_that_leads_nowhere_falls_back_to_the_plans_address_and_then_to_where_it_led";
    let Some(sshd) = Sshd::start(test) else { return };
    let led_to = InDirectory(sshd.path("led-to"));
    let reach = async |addresses: Value| {
        let node = json!({
            "name": "web01", "addresses": addresses,
            "transport": {
                "port": sshd.port, "user": "root", "agent": "never", "knownHosts": sshd.path("names"),
                "credentials": [{"key": sshd.path("user_key")}],
            },
        });
        let node: Arc<Node> = Arc::new(serde_json::from_value(node).unwrap());
        let ways = Ways::new(sshd.here().led_to(led_to.clone()), Agents::none());
        let registry =
            over(&windlass_plugins::standard().unwrap(), &Fleet::new(ways, Gate::default()), is_here);
        let request = Arc::new(json!({"argv": ["echo", "here"]}));
        registry.unwrap().get("command").unwrap().call(call(&node), request).await
    };
    let here: IpAddr = "127.0.0.1".parse().unwrap();
    let key = std::fs::read_to_string(sshd.path("known_hosts")).unwrap();
    let key: Vec<&str> = key.split_whitespace().skip(1).take(2).collect();
    let know = |names: &[&str]| {
        let lines = names.iter().map(|name| format!("[{name}]:{} {}\n", sshd.port, key.join(" ")));
        std::fs::write(sshd.path("names"), lines.collect::<String>()).unwrap();
    };
    // A name, then an address that the plan says.
    know(&["127.0.0.1", "localhost"]);
    reach(json!(["gone.invalid", "127.9.9.9", "127.0.0.1"])).await.unwrap();
    // What a name led to is kept, and only of names.
    reach(json!("localhost")).await.unwrap();
    assert_eq!((led_to.recall("localhost"), led_to.recall("127.0.0.1")), (Some(here), None));
    // Neither of them answers: where the name led to, if it is the host that it was.
    led_to.note("gone.invalid", here);
    let error = reach(json!(["gone.invalid", "127.9.9.9"])).await.unwrap_err();
    assert_eq!(error.code, "unresolved", "{error}");
    assert!(
        error.causes.iter().any(|cause| cause.contains("nothing stands for `[gone.invalid]")),
        "{error:?}"
    );
    know(&["gone.invalid"]);
    reach(json!(["gone.invalid", "127.9.9.9"])).await.unwrap();
}

#[tokio::test]
async fn what_cannot_be_reached_says_how_and_in_time() {
    let Some(sshd) = Sshd::start("what_cannot_be_reached_says_how_and_in_time") else { return };
    let good = Settings { step: Duration::from_millis(500), ..settings(&sshd) };
    let closed = refused(&Settings { port: crate::sshd::free_port(), ..good.clone() }).await;
    assert_eq!((closed.code.as_str(), closed.permanent), ("refused", false), "{closed}");

    // Somebody listens and never says a word.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let hung = refused(&Settings { port, ..good.clone() }).await;
    assert_eq!(hung.code, "handshake");
    assert!(hung.message.ends_with("no answer within 500ms"), "{hung}");

    let unresolved = refused(&Settings { addresses: vec!["no-such-host.invalid".into()], ..good }).await;
    assert_eq!(unresolved.code, "unresolved");
}

#[tokio::test]
async fn p41_a_host_is_reached_through_another_one() {
    let Some(sshd) = Sshd::start("p41_a_host_is_reached_through_another_one") else { return };
    let inner = settings(&sshd);
    let through =
        Settings { jump: Some(Box::new(Settings { name: "gate".into(), ..inner.clone() })), ..inner.clone() };
    let session = Session::open(&through).await.unwrap();
    let mut channel = session.exec("echo through", Terminal::Without).await.unwrap();
    let mut said = String::new();
    channel.stdout.read_to_string(&mut said).await.unwrap();
    assert_eq!(said, "through\n");

    let nowhere = Settings { port: crate::sshd::free_port(), ..through.clone() };
    let error = refused(&nowhere).await;
    assert!(error.message.starts_with("`web01` cannot be reached from `gate` at 127.0.0.1:"), "{error}");
    let gate = Settings { name: "gate".into(), logins: vec![], ..inner };
    let error = refused(&Settings { jump: Some(Box::new(gate)), ..through }).await;
    assert!(error.message.starts_with("`web01` is reached through `gate`: `gate` does not let"), "{error}");
}

#[tokio::test]
async fn both_streams_arrive_whole_and_so_does_the_end() {
    let Some(sshd) = Sshd::start("both_streams_arrive_whole_and_so_does_the_end") else { return };
    let session = Session::open(&settings(&sshd)).await.unwrap();
    // More of each than is laid aside for who reads it.
    let script = "yes 0123456 | head -c 300000; yes 6543210 | head -c 200000 >&2; yes 0123456 | head -c 300000; exit 3";
    let mut channel = session.exec(script, Terminal::Without).await.unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    let (read_out, read_err) =
        tokio::join!(channel.stdout.read_to_string(&mut out), channel.stderr.read_to_string(&mut err));
    assert_eq!((read_out.unwrap(), read_err.unwrap()), (600_000, 200_000));
    assert!(out.lines().all(|line| line == "0123456") && err.lines().all(|line| line == "6543210"));
    assert_eq!(channel.ended.await, Ok(Exit::Code(3)));
}

#[tokio::test]
async fn what_nobody_reads_holds_no_program_up() {
    let Some(sshd) = Sshd::start("what_nobody_reads_holds_no_program_up") else { return };
    let session = Session::open(&settings(&sshd)).await.unwrap();
    // Far more than may be under way.
    let script = "yes | head -c 5000000; yes | head -c 5000000 >&2; echo ended; exit 4";
    let channel = session.exec(script, Terminal::Without).await.unwrap();
    drop((channel.stdout, channel.stderr));
    assert_eq!(channel.ended.await, Ok(Exit::Code(4)));

    let mut channel = session.exec(script, Terminal::Without).await.unwrap();
    drop(channel.stderr);
    let mut out = String::new();
    channel.stdout.read_to_string(&mut out).await.unwrap();
    assert!(out.len() == 5_000_006 && out.ends_with("ended\n"));
    assert_eq!(channel.ended.await, Ok(Exit::Code(4)));
}

#[tokio::test]
async fn one_name_may_stand_for_two_nodes_of_two_runs_and_for_two_users() {
    let test = "one_name_may_stand_for_two_nodes_of_two_runs_and_for_two_users";
    if !windlass_farm::is_possible() {
        return skip(test, "there is no sshd");
    }
    let farm = windlass_farm::Farm::of(2).unwrap();
    let ways = Ways::new(here(&farm), Agents::of(std::env::consts::ARCH, &agent_binary()));
    let fleet = Fleet::new(ways, Gate::default());
    let registry = over(&windlass_plugins::standard().unwrap(), &fleet, is_here).unwrap();
    let home = async |run: u128, host: &windlass_farm::Host, agent: &str| {
        let transport = json!({"port": host.port, "hostKeys": "acceptNew", "agent": agent});
        let node = json!({"name": "same", "addresses": host.address, "transport": transport});
        let node: Arc<Node> = Arc::new(serde_json::from_value(node).unwrap());
        let call = Call { run: RunId(uuid::Uuid::from_u128(run)), ..call(&node) };
        let request = Arc::new(json!({"script": "echo $HOME; echo $PPID"}));
        let reply = registry.get("shell").unwrap().call(call, request).await.unwrap();
        let said = reply.response["stdout"].as_str().unwrap().to_owned();
        let (home, parent) = said.trim().split_once('\n').unwrap();
        (std::path::PathBuf::from(home), parent.to_owned())
    };
    let [one, two] = farm.hosts.as_slice() else { panic!("two hosts were asked for") };
    let (first, agent) = home(1, one, "auto").await;
    assert_eq!(first, one.path("home"));
    assert_eq!(home(2, two, "auto").await.0, two.path("home"));
    // Who is reached in the same way shares the connection.
    assert_eq!(home(2, one, "auto").await, (first.clone(), agent.clone()));
    assert_ne!(home(2, one, "never").await, (first.clone(), agent.clone()));
    fleet.forget(RunId(uuid::Uuid::from_u128(1))).await;
    assert_eq!(home(2, one, "auto").await, (first, agent), "the other run works on it still");
}
