//! Interfaces, addresses, and where everything else is reached.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::Serialize;

/// The network as a node sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// What the node calls itself.
    pub hostname: String,
    /// Through which interface everything else is reached.
    pub default_interface: Option<String>,
    /// Its addresses, without those of the loopback and of single links.
    pub addresses: Vec<String>,
    /// Its interfaces.
    pub interfaces: Vec<Interface>,
}

/// An interface.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Interface {
    /// `eth0`
    pub name: String,
    /// Its hardware address, where it has one.
    pub mac: Option<String>,
    /// Whether it is up.
    pub up: bool,
    /// The largest packet, in bytes.
    pub mtu: Option<u32>,
}

/// An interface from its files in `/sys/class/net`.
pub(super) fn interface(name: &str, address: &str, state: &str, mtu: &str) -> Interface {
    let mac = Some(address.trim().to_owned())
        .filter(|mac| mac.chars().any(|char| char.is_ascii_hexdigit() && char != '0'));
    // The loopback and tunnels do not know whether anybody is at the other end.
    let up = matches!(state.trim(), "up" | "unknown");
    Interface { name: name.to_owned(), mac, up, mtu: mtu.trim().parse().ok() }
}

/// The interface of the default route in `/proc/net/route`, the one with the lowest metric.
pub(super) fn default_interface(routes: &str) -> Option<String> {
    let routes = routes.lines().skip(1).filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (name, to, metric, mask) = (fields.first()?, fields.get(1)?, fields.get(6)?, fields.get(7)?);
        (*to == "00000000" && *mask == "00000000").then_some((metric.parse::<u32>().ok()?, *name))
    });
    routes.min_by_key(|(metric, _)| *metric).map(|(_, name)| name.to_owned())
}

/// The node's own addresses: those of `/proc/net/fib_trie`, then those of `/proc/net/if_inet6`.
pub(super) fn addresses(trie: &str, inet6: &str) -> Vec<String> {
    let mut four = BTreeSet::new();
    let mut last: Option<Ipv4Addr> = None;
    for line in trie.lines().map(str::trim) {
        if let Some(leaf) = line.strip_prefix("|-- ") {
            last = leaf.parse().ok();
        } else if line.starts_with("/32 host LOCAL") {
            four.extend(last.filter(|address| !address.is_loopback() && !address.is_link_local()));
        }
    }
    let six = inet6.lines().filter_map(|line| {
        let address = u128::from_str_radix(line.split_whitespace().next()?, 16).ok()?;
        let address = Ipv6Addr::from(address);
        (!address.is_loopback() && !address.is_unicast_link_local()).then_some(address)
    });
    let six: BTreeSet<Ipv6Addr> = six.collect();
    four.iter().map(ToString::to_string).chain(six.iter().map(ToString::to_string)).collect()
}
