//! Jump hosts: nodes of the inventory among them are written out, so that settings say everything by themselves.
//!
//! The first host of a chain is reached as it says itself, so its own chain comes before it. A host is
//! never reached through itself: where a group's settings send all its nodes through one of them, that
//! one is reached by what comes before it.

use std::sync::Arc;

use windlass_model::code;
use windlass_model::target::Node;
use windlass_model::transport::{Hop, HopHost, Transport};

use super::index::Names;
use super::{About, Findings};
use crate::contents::Item;

/// Writes out the jump hosts of every node.
pub(super) fn resolve(nodes: &mut [Item<Node>], names: &Names, findings: &mut Findings) {
    let goes_through_others = |item: &Item<Node>| {
        item.what
            .transport
            .as_ref()
            .is_some_and(|transport| transport.jump.as_ref().is_some_and(|hops| !hops.is_empty()))
    };
    if !nodes.iter().any(goes_through_others) {
        return;
    }
    let mut resolved: Vec<(usize, Arc<Transport>)> = Vec::new();
    let mut last: Option<(Arc<Transport>, Arc<Transport>)> = None;
    for (at, item) in nodes.iter().enumerate().filter(|(_, item)| goes_through_others(item)) {
        let Some(transport) = &item.what.transport else { continue };
        let is_hop = transport.jump.iter().flatten().any(|hop| hop_name(hop) == item.what.name);
        if let Some((from, to)) = &last
            && Arc::ptr_eq(from, transport)
            && !is_hop
        {
            resolved.push((at, Arc::clone(to)));
            continue;
        }
        let mut way = vec![item.what.name.as_str()];
        match chain(&item.what, nodes, names, &mut way) {
            Ok(hops) => {
                let new = Arc::new(Transport { jump: Some(hops), ..(**transport).clone() });
                if !is_hop {
                    last = Some((Arc::clone(transport), Arc::clone(&new)));
                }
                resolved.push((at, new));
            }
            Err(circle) => {
                let message = format!("jump hosts are reached through each other: {circle}");
                let about = About::Node(&item.what.name);
                findings.wrong(code::ANCESTRY_CYCLE, about, item.place, "/transport/jump", message);
            }
        }
    }
    for (at, transport) in resolved {
        if let Some(item) = nodes.get_mut(at) {
            item.what.transport = Some(transport);
        }
    }
}

fn hop_name(hop: &Hop) -> &str {
    match hop {
        Hop::Name(name) => name,
        Hop::Host(host) => &host.name,
    }
}

/// The hosts to go through to a node, all written out; `way` has the names that lead here.
fn chain<'a>(
    node: &'a Node,
    nodes: &'a [Item<Node>],
    names: &Names,
    way: &mut Vec<&'a str>,
) -> Result<Vec<Hop>, String> {
    let name_of = |id: u32| nodes.get(id as usize).map_or("", |item| item.what.name.as_str());
    let hops = node.transport.as_ref().and_then(|transport| transport.jump.as_deref()).unwrap_or(&[]);
    let mut out = Vec::new();
    for (index, hop) in hops.iter().enumerate() {
        let Hop::Name(name) = hop else {
            out.push(hop.clone());
            continue;
        };
        if *name == node.name {
            break;
        }
        let Some(host) = names.find(name, name_of).and_then(|id| nodes.get(id as usize)) else {
            out.push(hop.clone());
            continue;
        };
        if index == 0 {
            if way.contains(&host.what.name.as_str()) {
                let names: Vec<&str> = way.iter().copied().chain([host.what.name.as_str()]).collect();
                return Err(names.join(" → "));
            }
            way.push(&host.what.name);
            out.extend(chain(&host.what, nodes, names, way)?);
            way.pop();
        }
        out.push(Hop::Host(Box::new(written_out(&host.what))));
    }
    Ok(out)
}

fn written_out(node: &Node) -> HopHost {
    let transport = node.transport.as_deref().cloned().unwrap_or_default();
    HopHost {
        name: node.name.clone(),
        addresses: node.addresses.clone(),
        user: transport.user,
        port: transport.port,
        credentials: transport.credentials,
        host_keys: transport.host_keys,
        known_hosts: transport.known_hosts,
    }
}
