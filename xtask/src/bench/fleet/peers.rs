//! Other tools, each in an environment of its own under `target/peers`, and what they are told.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::ground::{AT_ONCE, Ground};
use super::steps::MANY;
use crate::process::capture;
use crate::python::{PYTHON, environment};
use crate::repo::Repo;

/// Where they are installed. A tool that could not be is left out, and the reason said.
#[derive(Clone, Debug, Default)]
pub(super) struct Peers {
    pub(super) ansible: Option<PathBuf>,
    /// The strategies of mitogen, in the environment of Ansible.
    pub(super) mitogen: Option<PathBuf>,
    pub(super) pyinfra: Option<PathBuf>,
}

// === impl Peers ===

impl Peers {
    /// Installs what is not there yet.
    pub(super) fn install(repo: &Repo) -> Self {
        let dir = repo.target().join("peers");
        let tell = |name: &str, installed: Result<PathBuf>| match installed {
            Ok(path) => Some(path),
            Err(error) => {
                println!("{name} is left out: {error:#}");
                None
            }
        };
        let ansible = tell("ansible", environment(&dir.join("ansible"), &["ansible-core", "mitogen"]));
        let pyinfra = tell("pyinfra", environment(&dir.join("pyinfra"), &["pyinfra"]));
        let find = |env: &PathBuf| -> Result<PathBuf> {
            let at = "import ansible_mitogen as m; print(m.__path__[0])";
            let path = capture(Command::new(env.join("bin/python")).args(["-c", at]))?;
            Ok(Path::new(path.trim()).join("plugins/strategy"))
        };
        let mitogen = ansible.as_ref().and_then(|env| tell("mitogen", find(env)));
        Self { ansible, mitogen, pyinfra }
    }

    /// Which versions they are of.
    pub(super) fn versions(&self) -> String {
        let wanted = ["ansible-core", "mitogen", "pyinfra"];
        let mut found = Vec::new();
        for env in [&self.ansible, &self.pyinfra].into_iter().flatten() {
            let list = capture(Command::new(env.join("bin/pip")).args([
                "list",
                "--format=freeze",
                "--disable-pip-version-check",
            ]));
            let list = list.unwrap_or_default();
            found.extend(
                list.lines()
                    .filter(|line| wanted.iter().any(|name| line.starts_with(name)))
                    .map(str::to_owned),
            );
        }
        found.join(", ").replace("==", " ")
    }
}

// === Ansible ===

/// Writes what Ansible reads: its settings, the hosts, the playbooks.
pub(super) fn write_ansible(ground: &Ground, mitogen: Option<&Path>) -> Result<()> {
    let dir = ground.path("ansible");
    fs::create_dir_all(dir.join("cp"))?;
    let (config, at) = (ground.farm.path("ssh_config"), dir.display());
    let common = format!(
        "[defaults]\ninventory = {at}/hosts\nforks = {AT_ONCE}\nhost_key_checking = False\nstdout_callback = minimal\n\
         interpreter_python = {PYTHON}\nremote_user = root\ngathering = explicit\ndeprecation_warnings = False\n\
         local_tmp = {at}/tmp\nstrategy = STRATEGY\n\
         [ssh_connection]\npipelining = True\nssh_args = -F {} -o ControlMaster=auto -o ControlPersist=60s\n\
         control_path_dir = {at}/cp\n",
        config.display()
    );
    fs::write(dir.join("ansible.cfg"), common.replace("STRATEGY", "linear"))?;
    if let Some(mitogen) = mitogen {
        let plugins = format!("mitogen_linear\nstrategy_plugins = {}", mitogen.display());
        fs::write(dir.join("mitogen.cfg"), common.replace("STRATEGY", &plugins))?;
    }
    fs::copy(ground.path("names"), dir.join("hosts"))?;
    let work = format!("{}/{{{{ inventory_hostname }}}}/home/work", ground.dir.display());
    let head = "- hosts: all\n  gather_facts: false\n  tasks:\n";
    fs::write(
        dir.join("set.yaml"),
        format!(
            "{head}    - file: {{path: \"{work}/app\", state: directory, mode: \"0750\"}}\n    \
             - copy: {{dest: \"{work}/app/app.conf\", content: \"port = 8080\\n\", mode: \"0640\"}}\n    \
             - lineinfile: {{path: \"{work}/app/limits\", line: nofile 4096, create: true}}\n    \
             - command: {{argv: [touch, \"{work}/app/enabled\"], creates: \"{work}/app/enabled\"}}\n"
        ),
    )?;
    for (name, count) in [("one.yaml", 1), ("many.yaml", MANY)] {
        fs::write(dir.join(name), format!("{head}{}", "    - command: \"true\"\n".repeat(count)))?;
    }
    Ok(())
}

/// Ansible with these words.
pub(super) fn ansible(ground: &Ground, env: &Path, config: &str, words: &str) -> Command {
    let mut words = words.split(' ');
    let mut command = Command::new(env.join("bin").join(words.next().unwrap_or_default()));
    let dir = ground.path("ansible");
    command.args(words).current_dir(&dir).env("ANSIBLE_CONFIG", dir.join(config)).env("HOME", &dir);
    command.env("ANSIBLE_HOME", dir.join("home"));
    command
}

/// Ends the connections that Ansible keeps.
pub(super) fn end_masters(sockets: &Path) -> Result<()> {
    let Ok(entries) = fs::read_dir(sockets) else { return Ok(()) };
    for entry in entries {
        let path = entry?.path();
        let mut end = Command::new("ssh");
        end.args(["-O", "exit", "-o"]).arg(format!("ControlPath={}", path.display())).arg("any");
        let _ = end.output();
    }
    Ok(())
}

// === pyinfra ===

/// Writes what pyinfra reads.
pub(super) fn write_pyinfra(ground: &Ground) -> Result<()> {
    let dir = ground.path("pyinfra");
    fs::create_dir_all(&dir)?;
    let mut hosts = "hosts = [\n".to_owned();
    for host in &ground.farm.hosts {
        hosts.push_str(&format!(
            "    ('{}', {{'ssh_hostname': '{}', 'ssh_port': {}, 'ssh_user': 'root', 'ssh_key': '{}', 'ssh_known_hosts_file': '{}'}}),\n",
            host.name,
            host.address,
            host.port,
            ground.farm.path("user_key").display(),
            ground.farm.path("known_hosts").display(),
        ));
    }
    fs::write(dir.join("hosts.py"), hosts + "]\n")?;
    let head = format!(
        "from io import StringIO\nfrom pyinfra import host\nfrom pyinfra.operations import files, server\n\
         work = '{}/' + host.name + '/home/work/app'\n",
        ground.dir.display()
    );
    fs::write(
        dir.join("set.py"),
        format!(
            "{head}files.directory(path=work, mode='750')\n\
             files.put(src=StringIO('port = 8080\\n'), dest=work + '/app.conf', mode='640')\n\
             files.line(path=work + '/limits', line='nofile 4096', ensure_newline=True)\n\
             files.file(path=work + '/enabled')\n"
        ),
    )?;
    for (name, count) in [("one.py", 1), ("many.py", MANY)] {
        fs::write(dir.join(name), format!("{head}{}", "server.shell(commands=['true'])\n".repeat(count)))?;
    }
    Ok(())
}

/// pyinfra with these words.
pub(super) fn pyinfra(ground: &Ground, env: &Path, words: &str) -> Command {
    let mut command = Command::new(env.join("bin/pyinfra"));
    let dir = ground.path("pyinfra");
    command.args(["-y", "--parallel", &AT_ONCE.to_string(), "hosts.py"]).args(words.split(' '));
    command.current_dir(&dir).env("HOME", &dir);
    command
}
