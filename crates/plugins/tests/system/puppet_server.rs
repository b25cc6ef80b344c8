//! `puppet.agent` with a real agent and a real server, on a throwaway machine that has one.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use serde_json::{Value, json};
use windlass_plugin::Would;
use windlass_plugin::testkit::Trial;
use windlass_plugins::system::puppet::PuppetAgent;

use crate::throwaway::{on_with, sh};
use crate::{diff, done, failed, text, would};

/// What its packages would set up, and what keeps it from calling its makers.
const SET_UP: &str = r#"
    ip link set lo up
    hostname puppet
    echo '127.0.0.1 puppet localhost' > /etc/hosts
    id puppet > /dev/null 2>&1 || useradd --system --home /var/lib/puppetserver puppet
    ln -sf /usr/lib/jvm/default-java/bin/java /usr/bin/java
    ln -sf $(ls /usr/share/java/clojure-1.*.jar | head -n 1) /usr/share/java/clojure.jar
    echo 'product: { check-for-updates: false }' > /etc/puppet/puppetserver/conf.d/product.conf
    sed -i 's/ssl-host: 0.0.0.0/ssl-host: 127.0.0.1/' /etc/puppet/puppetserver/conf.d/webserver.conf
    sed -i 's/-Xms1g -Xmx1g/-Xms384m -Xmx768m -XX:+UseSerialGC -XX:TieredStopAtLevel=1/' /etc/default/puppetserver
    printf '[main]\nserver=puppet\n[server]\ncertname=puppet\ndns_alt_names=puppet,localhost\nautosign=true\n[agent]\ncertname=web01\n' > /etc/puppet/puppet.conf
    printf 'jruby-puppet: { max-active-instances: 1 }\n' > /etc/puppet/puppetserver/conf.d/instances.conf
    mkdir -p /etc/puppet/code/environments/production/manifests /var/log/puppetserver /run/puppetserver
    chown -R puppet: /etc/puppet /var/lib/puppetserver /var/log/puppetserver /run/puppetserver
"#;

fn site(text: &str) {
    fs::write("/etc/puppet/code/environments/production/manifests/site.pp", text).unwrap();
}

/// A server that is ended with the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // What it started in its place ends with the machine.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the server and waits until it answers.
fn serve() -> Server {
    let begun = Instant::now();
    let mut command = Command::new("sh");
    command.args(["-c", "exec puppetserver foreground 2>&1"]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut server = Server(command.spawn().unwrap());
    let (mut said, mut all) = (BufReader::new(server.0.stdout.take().unwrap()), String::new());
    while !all.contains("is now ready to handle requests") {
        assert!(said.read_line(&mut all).unwrap() > 0, "{all}");
    }
    println!("the server was ready after {:?}", begun.elapsed());
    // It goes on talking, and would wait for somebody who listens.
    std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
    server
}

fn request(more: Value) -> Value {
    let mut request = json!({"lockWait": "5m"});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

#[test]
fn p40_a_real_agent_of_a_real_server() {
    on_with("puppet-server", "puppet_server::p40_a_real_agent_of_a_real_server", async || {
        sh(SET_UP);
        let _server = serve();
        let agent = Trial::of(PuppetAgent);

        // It foresees what it would do, and a plan in noop gets the same from the agent's own noop.
        let two = "file { '/tmp/made': content => \"hello\\n\" }\nexec { '/bin/false': }\n";
        site(two);
        let foresight = would(&agent, &request(json!({}))).await;
        assert_eq!(foresight.would, Would::Change);
        let foreseen = foresight.diff.unwrap().to_string();
        assert!(
            foreseen.contains("made]/ensure: current_value 'absent', should be 'file' (noop)"),
            "{foreseen}"
        );
        let looked = done(&agent, &request(json!({"noop": true}))).await;
        assert_eq!((looked.changed, &looked.response["exitCode"]), (false, &json!(0)));
        assert_eq!(looked.response["resources"]["outOfSync"], 2);
        assert!(!fs::exists("/tmp/made").unwrap());

        // 6: something changed, something failed. Then 4: only the latter.
        let error = failed(&agent, &request(json!({"output": {}}))).await;
        assert_eq!(error.message, "exit code 6: resources failed, others were changed: Exec[/bin/false]");
        assert_eq!(error.response.unwrap()["changed"], json!(["File[/tmp/made]"]));
        assert_eq!(fs::read_to_string("/tmp/made").unwrap(), "hello\n");
        let error = failed(&agent, &request(json!({}))).await;
        assert_eq!(error.message, "exit code 4: resources failed: Exec[/bin/false]");

        // 0 is no change, and no success for who waits for one. 2 is a change.
        site("file { '/tmp/made': content => \"hello\\n\" }\n");
        let reply = done(&agent, &request(json!({}))).await;
        assert_eq!((reply.changed, &reply.response["exitCode"]), (false, &json!(0)));
        let error = failed(&agent, &request(json!({"exitCodes": [2]}))).await;
        assert_eq!(error.message, "exit code 0: it changed nothing, which is not accepted here");
        fs::write("/tmp/made", "other\n").unwrap();
        let reply = done(&agent, &request(json!({"exitCodes": [2]}))).await;
        assert_eq!((reply.changed, &reply.response["changed"]), (true, &json!(["File[/tmp/made]"])));
        assert!(diff(&reply).contains("File[/tmp/made]/content"), "{}", diff(&reply));

        // What changes something each time is run again as often as allowed.
        site("exec { '/bin/sh -c \"echo run >> /tmp/runs\"': }\n");
        let reply = done(&agent, &request(json!({"rerunOnChange": true, "mostReruns": 1}))).await;
        assert_eq!((&reply.response["runs"], sh("cat /tmp/runs").as_str()), (&json!(2), "run\nrun\n"));
        assert_eq!(
            reply.response["warnings"],
            json!(["it still changed something in run 2; no further run is allowed"])
        );

        // Another agent runs, and is let end.
        sh("mkfifo /tmp/gate");
        site(
            "exec { '/bin/sh -c \"cat /tmp/gate; echo theirs >> /tmp/order\"': unless => '/usr/bin/test -e /tmp/order' }\n",
        );
        let mut theirs =
            Command::new("puppet").args(["agent", "--test"]).stdout(Stdio::null()).spawn().unwrap();
        // Opened for writing when somebody reads, that is when their run is in the midst.
        let gate = fs::OpenOptions::new().write(true).open("/tmp/gate").unwrap();
        let error = failed(&agent, &request(json!({"lockWait": "0s"}))).await;
        assert_eq!((error.code.as_str(), error.permanent), ("locked", false), "{error}");
        let mut ours = agent.start(request(json!({})));
        ours.line_with("an agent of Puppet runs already").await.unwrap();
        drop(gate);
        let ended = ours.end().await;
        let said = text(&ended);
        assert!(!ended.result.unwrap_or_else(|error| panic!("{error}: {said}")).changed);
        assert_eq!((theirs.wait().unwrap().code(), sh("cat /tmp/order").as_str()), (Some(2), "theirs\n"));

        // Somebody said that it shall not run.
        sh("puppet agent --disable 'ada works on it'");
        let error = failed(&agent, &request(json!({}))).await;
        assert!(error.code == "disabled" && error.message.contains("ada works on it"), "{error}");
    });
}
