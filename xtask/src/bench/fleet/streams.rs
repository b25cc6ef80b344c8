//! What comes and goes over connections: files over a slow line, output, memory while all are connected, a host that hangs.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result, bail};
use windlass_farm::SlowLine;

use super::cost::{Cost, median};
use super::ground::{Ground, quietly};
use crate::process::capture;

/// There and back again.
const ROUND_TRIP: Duration = Duration::from_millis(26);
const FILES: usize = 1000;
/// How much each host prints, in lines of 100 bytes.
const LINES: usize = 10_000;
const MOMENTS: usize = 50;

/// Small files to one host over a slow line.
pub(super) fn files(ground: &Ground) -> Result<()> {
    println!("\n{FILES} small files to one host over a line of {} ms there and back", ROUND_TRIP.as_millis());
    let host = ground.farm.host(0).context("there is no host")?;
    let line = SlowLine::to(SocketAddr::from((host.address, host.port)), ROUND_TRIP / 2)?;
    let (address, source) = (line.address(), ground.path("small"));
    fs::create_dir_all(&source)?;
    for n in 0..FILES {
        fs::write(source.join(format!("{n:04}")), format!("the content of file {n}\n").repeat(20))?;
    }
    let known = fs::read_to_string(ground.farm.path("known_hosts"))?;
    let key = known.lines().next().and_then(|line| line.split_once(' ')).context("no host is known")?.1;
    let port = address.port();
    fs::write(ground.path("known_slow"), format!("[{}]:{port} {key}\n", address.ip()))?;
    let inventory = format!(
        "apiVersion: windlass.dev/v1\nkind: Inventory\nspec:\n  nodes:\n    - {{name: far, addresses: {}, transport: {{use: ssh, \
         user: root, port: {port}, credentials: [{{key: {}}}], knownHosts: {}}}}}\n",
        address.ip(),
        ground.farm.path("user_key").display(),
        ground.path("known_slow").display(),
    );
    fs::write(ground.path("far.yaml"), inventory)?;
    quietly(&mut ground.windlass(["exec", "far", "-i", "far.yaml", "--", "true"]))?;
    let copied = host.path("home/work/copied");
    let mut walls = [Vec::new(), Vec::new(), Vec::new()];
    let to = copied.display().to_string();
    let copy = ground.windlass(["copy", "far", "-i", "far.yaml", "small", &to]);
    let mut tar = Command::new("sh");
    tar.current_dir(&ground.dir).args(["-c", &format!(
        "tar c small | ssh -F ssh_config -o UserKnownHostsFile=known_slow -p {port} root@{} 'mkdir -p {to} && tar x -C {to}'",
        address.ip()
    )]);
    for _ in 0..ground.rounds {
        let clear = || if copied.exists() { fs::remove_dir_all(&copied) } else { Ok(()) };
        fs::create_dir_all(host.path("home/work"))?;
        let [new, same, tarred] = &mut walls;
        clear()?;
        tarred.push(Cost::of(&tar, &ground.dir)?.wall);
        clear()?;
        new.push(Cost::of(&copy, &ground.dir)?.wall);
        same.push(Cost::of(&copy, &ground.dir)?.wall);
    }
    let [new, same, tarred] = walls.map(median);
    println!(
        "windlass copy {new:.2} s (goal < 2 s), again with nothing to copy {same:.2} s; tar through ssh {tarred:.2} s"
    );
    Ok(())
}

/// A megabyte of output of every host, kept and shown.
pub(super) fn output(ground: &Ground) -> Result<()> {
    let (hosts, bytes) = (ground.hosts(), LINES * 100);
    let megabytes = (hosts * bytes) as f64 / 1e6;
    println!(
        "\noutput of {hosts} hosts, {:.1} MB each in lines of 100 bytes, beyond what `true` costs there",
        bytes as f64 / 1e6
    );
    let text = ground.path("text");
    fs::write(&text, format!("{}\n", "0123456789 ".repeat(9)).repeat(LINES))?;
    let text = text.display().to_string();
    let ours = |words: &[&str]| ground.windlass([&["exec", "@plain", "--"], words].concat());
    quietly(&mut ours(&["true"]))?;
    let pairs = [
        ("windlass exec, kept and shown", ours(&["true"]), ours(&["cat", &text])),
        ("ssh for each host", ground.ssh("{} true"), ground.ssh(&format!("{{}} cat {text}"))),
    ];
    for (name, idle, busy) in pairs {
        let costs = |command: &Command| -> Result<Cost> {
            let rounds = (0..ground.rounds).map(|_| Cost::of(command, &ground.dir));
            Ok(Cost::median(&rounds.collect::<Result<Vec<_>>>()?))
        };
        let (idle, busy) = (costs(&idle)?, costs(&busy)?);
        println!(
            "{name:<32} {:>7.2} s {:>6.0} MB/s {:>7.2} ms CPU/MB   largest process {:.0} MB",
            busy.wall,
            megabytes / busy.wall,
            (busy.cpu - idle.cpu) * 1e3 / megabytes,
            busy.megabytes,
        );
    }
    Ok(())
}

/// How long a line takes from the host to the screen.
pub(super) fn latency(ground: &Ground) -> Result<()> {
    println!("\nfrom a line's writing on the host to its being shown, {MOMENTS} lines, one every 50 ms");
    let script = format!("for i in $(seq {MOMENTS}); do date +%s%N; sleep 0.05; done");
    let mut shown = Shown::of(ground.windlass(["exec", "h0001", "--shell", "--", &script]))?;
    let mut late = Vec::new();
    while let Some(line) = shown.line()? {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos() as f64;
        let digits = line.split(|c: char| !c.is_ascii_digit()).next_back().unwrap_or_default();
        if digits.len() == 19 {
            late.push((now - digits.parse::<f64>()?) / 1e6);
        }
    }
    shown.end()?;
    if late.len() < MOMENTS {
        bail!("only {} lines were shown", late.len());
    }
    let most = late.iter().copied().fold(0.0, f64::max);
    println!("median {:.1} ms (goal <= 5 ms), most {most:.1} ms", median(late));
    Ok(())
}

/// What it takes to be connected to many hosts.
pub(super) fn memory(ground: &Ground) -> Result<()> {
    let hosts = ground.hosts();
    println!("\nmemory while a command runs on all of {hosts} hosts at once");
    let (alone, _) = connected(ground, "h0001", 1)?;
    let (all, most) = connected(ground, "@plain", hosts)?;
    println!(
        "1 host {alone:.1} MB, {hosts} hosts {all:.1} MB: {:.0} KB a host (goal <= 60 KB); most on the way there {most:.1} MB",
        (all - alone) * 1e3 / (hosts.max(2) - 1) as f64
    );
    let held = capture(&mut ground.null_holding())?;
    println!("null client, library of SSH alone: {held} for all hosts");
    Ok(())
}

/// The memory of Windlass, now and at most, while a command runs on all hosts of a selection.
fn connected(ground: &Ground, selection: &str, hosts: usize) -> Result<(f64, f64)> {
    let gate = ground.path("gate");
    let script = format!("echo here; until [ -e {} ]; do sleep 1; done", gate.display());
    let mut shown = Shown::of(ground.windlass(["exec", selection, "-c", "100%", "--shell", "--", &script]))?;
    for _ in 0..hosts {
        shown.line()?.context("it ended before all hosts were there")?;
    }
    let status = fs::read_to_string(format!("/proc/{}/status", shown.child.id()))?;
    fs::write(&gate, "")?;
    while shown.line()?.is_some() {}
    shown.end()?;
    fs::remove_file(&gate)?;
    let field = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok())
            .map(|kilobytes| kilobytes / 1e3)
    };
    Ok((field("VmRSS:").unwrap_or_default(), field("VmHWM:").unwrap_or_default()))
}

/// Whether a host that takes connections and says nothing holds others up.
pub(super) fn hung(ground: &mut Ground) -> Result<()> {
    let hosts = ground.hosts();
    println!("\na host that hangs beside {hosts} others: until the last of the others has answered");
    // The agents are there, as they are after the first time.
    quietly(&mut ground.windlass(["exec", "@plain", "--", "true"]))?;
    ground.add_hung()?;
    let mut walls = [Vec::new(), Vec::new()];
    for _ in 0..ground.rounds {
        for (walls, selection) in walls.iter_mut().zip(["@plain", "hung,@plain"]) {
            // The run before was cut short, and keeps the nodes that it had not ended on.
            let data = ground.path("data-hung");
            if data.exists() {
                fs::remove_dir_all(&data)?;
            }
            let begun = Instant::now();
            let mut command = ground.windlass(["exec", selection, "--", "echo", "here"]);
            let mut shown = Shown::of(command.env("WINDLASS_DATA_DIR", &data))?;
            for _ in 0..hosts {
                shown.line()?.context("it ended before all hosts had answered")?;
            }
            walls.push(begun.elapsed().as_secs_f64());
            shown.drop_it()?;
        }
    }
    let [without, with] = walls.map(median);
    println!("without it {without:.2} s, with it {with:.2} s");
    Ok(())
}

/// A program whose output is read as it comes.
struct Shown {
    child: Child,
    out: BufReader<ChildStdout>,
}

// === impl Shown ===

impl Shown {
    fn of(mut command: impl std::borrow::BorrowMut<Command>) -> Result<Self> {
        let command = command.borrow_mut();
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let out = BufReader::new(child.stdout.take().context("standard output was not piped")?);
        Ok(Self { child, out })
    }

    fn line(&mut self) -> Result<Option<String>> {
        let mut line = String::new();
        Ok((self.out.read_line(&mut line)? > 0).then(|| line.trim_end().to_owned()))
    }

    fn end(mut self) -> Result<()> {
        let status = self.child.wait()?;
        if !status.success() {
            bail!("windlass ended with {status}");
        }
        Ok(())
    }

    /// It is of no interest any more.
    fn drop_it(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}
