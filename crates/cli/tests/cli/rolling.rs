//! Windlass is killed at random moments while it rolls over 200 real hosts: no host is worked on twice, and none is
//! said to be done that was not.
//!
//! One round by default, and so many as `WINDLASS_KILL_ROUNDS` says. `WINDLASS_SEED` makes the moments of an earlier one.

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::ssh::Reach;

const HOSTS: u8 = 200;
/// How long a round goes on with killing; then it is left to end.
const KILLING: Duration = Duration::from_secs(20);

/// Chance of our own, so that a failing round can be had again.
struct Draw(u64);

impl Draw {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}

#[test]
fn w21_two_hundred_hosts_are_counted_once_however_often_windlass_dies() {
    let name = "w21_two_hundred_hosts_are_counted_once_however_often_windlass_dies";
    let Some(reach) = Reach::new(name, HOSTS) else { return };
    let seed = number("WINDLASS_SEED", u64::from(std::process::id()) | 1);
    println!("seed {seed}");
    share_the_agent(&reach);
    // Some of it lies before the count, some behind it, and the program is seen dying in both.
    let script = "sleep 0.1; echo x >> $HOME/{{ params.round }}; sleep 0.2; echo counted";
    let spec = format!(
        "  params: {{round: {{type: string, required: true}}}}
  blocks:
    - name: roll
      targets: {{nodes: {}}}
      concurrency: 20
      failures: unlimited
      sequence:
        - {{name: count, use: shell, with: {{script: '{script}'}}}}
        - {{name: look, use: shell, onInterrupt: rerun, with: {{script: 'test -e $HOME/{{{{ params.round }}}}'}}}}
",
        reach.farm.nodes()
    );
    let plan = reach.place.plan("rolling", &spec);
    let mut draw = Draw(seed);
    for round in 0..number("WINDLASS_KILL_ROUNDS", 1) {
        let counter = format!("round-{round}");
        let (kills, begun) = killed_again_and_again(&reach, &plan, &counter, &mut draw);
        let recovered = reach.run(&["recover"]);
        assert!(matches!(recovered.code, Some(0 | 1)), "{:?}\n{}", recovered.code, recovered.err);
        let report = reach.place.json(&["runs", "report", "--output", "json"]);
        let interrupted = agrees(&reach, &report, &counter);
        println!("round {round}: {kills} kills, {interrupted} of {HOSTS} interrupted, {:?}", begun.elapsed());
        assert!(kills >= 3, "it was over before it was killed: {kills} kills");
        // What was in flight is found again, and what was only written down is made.
        assert_eq!(interrupted, 0, "{kills} kills");
    }
}

/// Starts it, kills it, goes on with it, kills that, until there was enough of it.
fn killed_again_and_again(reach: &Reach, plan: &Path, counter: &str, draw: &mut Draw) -> (u32, Instant) {
    let (begun, param) = (Instant::now(), format!("round={counter}"));
    let mut args = vec!["run", plan.to_str().unwrap(), "-p", &param];
    let mut kills = 0;
    while begun.elapsed() < KILLING {
        let mut command = reach.command(&args);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        // The first one has to get as far as there being a run.
        let least = if kills == 0 { 1500 } else { 100 };
        // tidy-allow: sleep: the moment of death is what is tried, and nothing waits for it
        std::thread::sleep(Duration::from_millis(least + draw.below(1500)));
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        args = vec!["recover"];
    }
    (kills, begun)
}

/// Holds the report against what was really done; gives back how many are said to be interrupted.
fn agrees(reach: &Reach, report: &Value, counter: &str) -> usize {
    let elements = report["elements"].as_array().unwrap();
    let mut interrupted = 0;
    for host in &reach.farm.hosts {
        let count = fs::read_to_string(host.path("home").join(counter)).unwrap_or_default().lines().count();
        let address = format!("roll/{}/count", host.name);
        let element = elements.iter().find(|element| element["address"] == address).unwrap();
        assert!(count <= 1, "{} was counted {count} times: {element}", host.name);
        match element["status"].as_str().unwrap() {
            "succeeded" => assert_eq!(count, 1, "{} is said to be counted: {element}", host.name),
            "failed" => {
                assert!(element.to_string().contains("interrupted"), "{element}");
                interrupted += 1;
            }
            other => panic!("{} ended as {other}: {element}", host.name),
        }
    }
    interrupted
}

/// One host gets the agent over the line, and the others a second name of that file.
fn share_the_agent(reach: &Reach) {
    let spec = format!(
        "  blocks: [{{name: first, targets: {{nodes: [{}]}}, sequence: [{{name: do, use: command, with: {{argv: ['true']}}}}]}}]\n",
        reach.farm.node(&reach.farm.hosts[0])
    );
    let plan = reach.place.plan("first", &spec);
    reach.run(&["run", plan.to_str().unwrap()]).exits(0);
    let from = reach.farm.hosts[0].path("home/.cache/windlass");
    let agent = fs::read_dir(&from)
        .unwrap()
        .flatten()
        .find(|entry| entry.file_name().to_string_lossy().starts_with("agent-"));
    let agent = agent.unwrap().file_name();
    for host in &reach.farm.hosts[1..] {
        let to = host.path("home/.cache/windlass");
        fs::create_dir_all(&to).unwrap();
        fs::hard_link(from.join(&agent), to.join(&agent)).unwrap();
    }
}
