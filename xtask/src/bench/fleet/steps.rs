//! Commands and steps on all hosts: ours, the floor under them, and other tools.

use std::fs;
use std::process::Command;

use anyhow::Result;

use super::cost::{Cost, print, print_head};
use super::ground::{AT_ONCE, Ground, quietly};
use super::peers::{self, Peers, end_masters};

/// How many steps a long plan has: what one costs is a difference.
pub(super) const MANY: usize = 11;

/// What has to be so before each measurement.
type Before<'a> = &'a dyn Fn() -> Result<()>;

const NOTHING: Before<'static> = &|| Ok(());

// === impl Ground ===

impl Ground {
    /// The median of several rounds.
    fn cost(&self, command: &Command, before: Before<'_>) -> Result<Cost> {
        self.cost_of(command, before, self.rounds)
    }

    fn cost_of(&self, command: &Command, before: Before<'_>, rounds: usize) -> Result<Cost> {
        let mut costs = Vec::new();
        for _ in 0..rounds {
            before()?;
            costs.push(Cost::of(command, &self.dir)?);
        }
        Ok(Cost::median(&costs))
    }

    fn row(&self, name: &str, command: &Command, before: Before<'_>, goal: &str) -> Result<()> {
        print(name, self.cost(command, before)?, self.hosts(), goal);
        Ok(())
    }

    /// The same for another tool, whose failure is no end of it all. One round is enough where it takes minutes.
    fn peer(&self, name: &str, command: &Command, before: Before<'_>) {
        let rounds = if self.hosts() > 100 { 1 } else { self.rounds };
        match self.cost_of(command, before, rounds) {
            Ok(cost) => print(name, cost, self.hosts(), ""),
            Err(error) => println!("{name}: {error:#}"),
        }
    }

    fn step_of_peer(&self, name: &str, one: &Command, many: &Command, before: Before<'_>) {
        let rounds = if self.hosts() > 100 { 1 } else { self.rounds };
        let cost = || Ok((self.cost_of(many, before, rounds)?, self.cost_of(one, before, rounds)?));
        match cost() {
            Ok((many, one)) => print(name, each(many, one), self.hosts(), ""),
            Err(error) => {
                let error: anyhow::Error = error;
                println!("{name}: {error:#}");
            }
        }
    }
}

fn each(many: Cost, one: Cost) -> Cost {
    Cost::each(many, one, (MANY - 1) as f64)
}

/// What nobody can do without: clients that do nothing else.
pub(super) fn floor(ground: &Ground) -> Result<()> {
    print_head(&format!("a command on {} hosts: the floor", ground.hosts()));
    let (one, many) = (ground.cost(&ground.null(1), NOTHING)?, ground.cost(&ground.null(MANY), NOTHING)?);
    print("null client: handshake, login, `true`", one, ground.hosts(), "");
    print("null client: each further `true`", each(many, one), ground.hosts(), "");
    ground.row("ssh for each host", &ground.ssh("{} true"), NOTHING, "")?;
    let sockets = ground.path("cp");
    fs::create_dir_all(&sockets)?;
    let socket = format!("ControlPath={}/%n", sockets.display());
    quietly(&mut ground.ssh(&format!("-o {socket} -M -f -N {{}}")))?;
    ground.row(
        "ssh for each host, over masters that are open",
        &ground.ssh(&format!("-o {socket} {{}} true")),
        NOTHING,
        "",
    )?;
    end_masters(&sockets)?;
    let names = format!("h[0001-{:04}]", ground.hosts());
    let config = format!("-F {}", ground.farm.path("ssh_config").display());
    let at_once = AT_ONCE.to_string();
    let mut pdsh = Command::new("pdsh");
    pdsh.args(["-R", "ssh", "-f", &at_once, "-w", &names, "true"]).env("PDSH_SSH_ARGS_APPEND", &config);
    ground.peer("pdsh", &pdsh, NOTHING);
    let mut clush = Command::new("clush");
    clush.args(["-f", &at_once, "-o", &config, "-w", &names, "true"]);
    ground.peer("clustershell", &clush, NOTHING);
    Ok(())
}

/// One command on all hosts.
pub(super) fn exec(ground: &Ground, peers: &Peers) -> Result<()> {
    print_head(&format!("`true` on {} hosts", ground.hosts()));
    let ours = ground.windlass(["exec", "@plain", "--", "true"]);
    ground.row("windlass exec, agent to be placed", &ours, &|| ground.clear_homes(), "")?;
    ground.row("windlass exec", &ours, NOTHING, "<= 1.50 ms a host")?;
    if let Some(env) = &peers.pyinfra {
        peers::write_pyinfra(ground)?;
        ground.peer("pyinfra exec", &peers::pyinfra(ground, env, "exec -- true"), NOTHING);
    }
    let Some(env) = &peers.ansible else { return Ok(()) };
    peers::write_ansible(ground, peers.mitogen.as_deref())?;
    let sockets = ground.path("ansible/cp");
    let cold = || end_masters(&sockets);
    let raw = peers::ansible(ground, env, "ansible.cfg", "ansible all -m raw -a true");
    ground.peer("ansible raw", &raw, &cold);
    ground.peer("ansible raw, masters open", &raw, NOTHING);
    let command = |config| peers::ansible(ground, env, config, "ansible-playbook one.yaml");
    ground.peer("ansible command", &command("ansible.cfg"), &cold);
    cold()?;
    if peers.mitogen.is_some() {
        ground.peer("ansible command with mitogen", &command("mitogen.cfg"), NOTHING);
    }
    Ok(())
}

/// Idempotent steps on all hosts, and what one more costs.
pub(super) fn steps(ground: &Ground, peers: &Peers) -> Result<()> {
    print_head(&format!(
        "4 idempotent steps on {} hosts: directory, file, line, command with `creates`",
        ground.hosts()
    ));
    write_plans(ground)?;
    let set = ground.windlass(["run", "set.yaml"]);
    // The agent is there, as it is after the first time.
    quietly(&mut ground.windlass(["run", "one.yaml"]))?;
    let changed: Before<'_> = &|| ground.clear_work();
    ground.row("windlass run, all to change", &set, changed, "")?;
    ground.row("windlass run, nothing to change", &set, NOTHING, "")?;
    if let Some(env) = &peers.pyinfra {
        peers::write_pyinfra(ground)?;
        let set = peers::pyinfra(ground, env, "set.py");
        ground.peer("pyinfra, all to change", &set, changed);
        ground.peer("pyinfra, nothing to change", &set, NOTHING);
    }
    if let Some(env) = &peers.ansible {
        peers::write_ansible(ground, peers.mitogen.as_deref())?;
        let sockets = ground.path("ansible/cp");
        let set = |config| peers::ansible(ground, env, config, "ansible-playbook set.yaml");
        ground.peer("ansible, all to change", &set("ansible.cfg"), &|| {
            changed().and_then(|()| end_masters(&sockets))
        });
        ground.peer("ansible, nothing to change", &set("ansible.cfg"), &|| end_masters(&sockets));
        end_masters(&sockets)?;
        if peers.mitogen.is_some() {
            ground.peer("ansible with mitogen, nothing to change", &set("mitogen.cfg"), NOTHING);
        }
    }

    print_head(&format!(
        "each further step of a command on {} hosts: {MANY} steps less 1, over {}",
        ground.hosts(),
        MANY - 1
    ));
    let many = ground.cost(&ground.windlass(["run", "many.yaml"]), NOTHING)?;
    let one = ground.cost(&ground.windlass(["run", "one.yaml"]), NOTHING)?;
    print("windlass run", each(many, one), ground.hosts(), "<= 0.30 ms a host");
    if let Some(env) = &peers.pyinfra {
        let of = |file| peers::pyinfra(ground, env, file);
        ground.step_of_peer("pyinfra", &of("one.py"), &of("many.py"), NOTHING);
    }
    if let Some(env) = &peers.ansible {
        let sockets = ground.path("ansible/cp");
        let of = |config, file| peers::ansible(ground, env, config, &format!("ansible-playbook {file}"));
        let cold = || end_masters(&sockets);
        ground.step_of_peer(
            "ansible",
            &of("ansible.cfg", "one.yaml"),
            &of("ansible.cfg", "many.yaml"),
            &cold,
        );
        cold()?;
        if peers.mitogen.is_some() {
            let (one, many) = (of("mitogen.cfg", "one.yaml"), of("mitogen.cfg", "many.yaml"));
            ground.step_of_peer("ansible with mitogen", &one, &many, NOTHING);
        }
    }
    Ok(())
}

fn write_plans(ground: &Ground) -> Result<()> {
    let work = format!("{}/{{{{ node.name }}}}/home/work/app", ground.dir.display());
    let set = format!(
        "      - {{name: directory, use: directory, with: {{path: \"{work}\", mode: \"0750\"}}}}\n      \
         - {{name: file, use: file, with: {{path: \"{work}/app.conf\", content: \"port = 8080\\n\", mode: \"0640\"}}}}\n      \
         - {{name: line, use: line, with: {{path: \"{work}/limits\", line: nofile 4096, create: true}}}}\n      \
         - {{name: service, use: command, with: {{argv: [touch, \"{work}/enabled\"], creates: \"{work}/enabled\"}}}}\n"
    );
    plan(ground, "set", &set)?;
    let steps = |count: usize| -> String {
        (1..=count)
            .map(|n| format!("      - {{name: s{n}, use: command, with: {{argv: [\"true\"]}}}}\n"))
            .collect()
    };
    plan(ground, "one", &steps(1))?;
    plan(ground, "many", &steps(MANY))
}

fn plan(ground: &Ground, name: &str, steps: &str) -> Result<()> {
    let text = format!(
        "apiVersion: windlass.dev/v1\nkind: Plan\nmetadata: {{name: {name}}}\nspec:\n  blocks:\n  - name: all\n    \
         targets: {{groups: plain}}\n    concurrency: {AT_ONCE}\n    sequence:\n{steps}"
    );
    Ok(fs::write(ground.path(&format!("{name}.yaml")), text)?)
}
