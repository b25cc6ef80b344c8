//! How fast an inventory of 100,000 nodes is there, beside what reading and looking at its bytes costs.
//!
//! `cargo run --release -p windlass-sources --example inventory [NODES]`
//!
//! Figures are the processor's time of this process, the least of several rounds: on a machine that does other things,
//! the clock on the wall says little.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a bench, not a tool")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use windlass_inventory::Inventory;
use windlass_lang::{Evaluator, Source};
use windlass_model::eval::Scope;
use windlass_model::target::Targets;

const ROUNDS: usize = 7;

/// How long a round takes at least, in milliseconds of the processor.
const LONG_ENOUGH: f64 = 200.0;

const HEAD: &str = "apiVersion: windlass.dev/v1\nkind: Inventory\nspec:\n  cluster: {name: east, vars: {ntp: time}}\n  groups:\n    - {name: web, labels: role=web, vars: {port: 80}}\n    - {name: old, labels: 'rack in (r1,r2)', priority: 5}\n  nodes:\n";

fn main() {
    let nodes: u32 = std::env::args().nth(1).map_or(100_000, |text| text.parse().unwrap());
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let flow = file("flow.yaml", flow(nodes));
    let block = file("block.yaml", block(nodes));
    println!("{nodes} nodes, ms of processor time, the least of {ROUNDS} rounds\n");
    println!("{:<30} {:>8} {:>10} {:>10} {:>10} {:>7}", "file", "MB", "limit", "tree", "load", "ratio");
    for (name, path) in [("one line a node", &flow), ("block style", &block)] {
        let size = std::fs::metadata(path).unwrap().len() as f64 / 1e6;
        let limit = least(|| bytes(path));
        let tree = least(|| {
            windlass_lang::documents(&Source::new("x", &std::fs::read_to_string(path).unwrap()))
                .unwrap()
                .len()
        });
        let load = least(|| read(path).len());
        println!("{name:<30} {size:>8.1} {limit:>10.1} {tree:>10.1} {load:>10.1} {:>7.1}", load / limit);
    }
    println!("\nlimit: the file read, checked to be UTF-8, and its structural characters counted");
    println!("tree: the file read into values with places, which is only done when something is wrong\n");
    let inventory = read(&flow);
    println!("{:<60} {:>10} {:>8}", "selection", "ms", "nodes");
    for text in [
        "*",
        "@web",
        "@web,!@old,!label:rack=r7",
        "label:(role=web,rack in (r1,r2,r3)),n05*,!n05???1",
        "/^n0[0-9]+5$/,role:db,!label:zone=z3,!@old",
        "where:vars.weight > 7",
    ] {
        let targets: Targets = text.parse().unwrap();
        let eval = Evaluator::new();
        let select = || inventory.select(&targets, &eval, &Scope::default()).targets.len();
        let found = select();
        println!("{text:<60} {:>10.2} {found:>8}", least(select));
    }
}

fn read(path: &Path) -> Inventory {
    windlass_sources::load(&[PathBuf::from(path)]).unwrap().inventory
}

/// What nobody can do without.
fn bytes(path: &Path) -> usize {
    let text = String::from_utf8(std::fs::read(path).unwrap()).unwrap();
    text.bytes().filter(|byte| matches!(byte, b'\n' | b':' | b',' | b'{' | b'}')).count()
}

/// The least time that something takes, in milliseconds of the processor.
///
/// The kernel counts in ticks of some milliseconds, so each round repeats what is short until it took many of them.
fn least<T>(work: impl Fn() -> T) -> f64 {
    let one = || {
        let before = processor();
        let mut times = 0_u32;
        loop {
            drop(std::hint::black_box(work()));
            times += 1;
            let took = processor() - before;
            if took >= LONG_ENOUGH {
                return took / f64::from(times);
            }
        }
    };
    (0..ROUNDS).map(|_| one()).fold(f64::INFINITY, f64::min)
}

fn processor() -> f64 {
    let text = std::fs::read_to_string("/proc/self/schedstat").unwrap();
    text.split(' ').next().unwrap().parse::<f64>().unwrap() / 1e6
}

fn role(n: u32) -> &'static str {
    if n.is_multiple_of(4) { "db" } else { "web" }
}

fn flow(nodes: u32) -> String {
    let mut text = String::from(HEAD);
    for n in 0..nodes {
        let (rack, weight, zone) = (n % 400, n % 10, n % 7);
        let labels = format!("role: {}, rack: r{rack}, zone: z{zone}", role(n));
        writeln!(text, "    - {{name: n{n:06}, labels: {{{labels}}}, vars: {{weight: {weight}}}}}").unwrap();
    }
    text
}

fn block(nodes: u32) -> String {
    let mut text = String::from(HEAD);
    for n in 0..nodes {
        let (rack, weight, zone) = (n % 400, n % 10, n % 7);
        writeln!(text, "    - name: n{n:06}\n      labels:\n        role: {}\n        rack: r{rack}\n        zone: z{zone}\n      vars:\n        weight: {weight}", role(n)).unwrap();
    }
    text
}
