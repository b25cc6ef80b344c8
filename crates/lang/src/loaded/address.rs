//! From the address of an element to where the plan speaks of it.

use windlass_model::plan::Plan;
use windlass_model::schema::escape;
use windlass_model::validate::walk;

/// The pointer to the element of an address, or to the nearest that it lies in.
///
/// `patch/web03/reboot` of one target is found where the plan says it for all of them: `patch/*/reboot`.
pub(super) fn pointer(plan: &Plan, address: &str) -> Option<String> {
    if let Some(name) = address.strip_prefix("params.") {
        return plan.spec.params.contains_key(name).then(|| format!("/spec/params/{}", escape(name)));
    }
    let mut known: Vec<(String, String)> = Vec::new();
    walk::blocks(plan, &mut |at| {
        if at.block.sequence.is_some() {
            known.push((format!("{}/*", at.address), format!("{}/sequence", at.pointer)));
        }
        for (index, sequence) in at.block.sequences.iter().enumerate() {
            let address = walk::child(&at.address, &sequence.name, index);
            known.push((address, format!("{}/sequences/{index}", at.pointer)));
        }
        known.push((at.address, at.pointer));
    });
    for (index, batch) in plan.spec.deferred.iter().enumerate() {
        known.push((walk::child("deferred", &batch.name, index), format!("/spec/deferred/{index}")));
    }
    walk::actions(plan, &mut |at| known.push((at.address.to_owned(), at.pointer.to_owned())));
    let mut at = address;
    loop {
        // An element of this very name comes before the one that stands for all targets.
        let exact = known.iter().find(|(known, _)| known == at);
        let found = exact.or_else(|| known.iter().find(|(known, _)| stands_for(known, at)));
        if let Some((_, pointer)) = found {
            return Some(pointer.clone());
        }
        (at, _) = at.rsplit_once('/')?;
    }
}

/// Whether an address is that of a template, and the other one that of one of its targets.
fn stands_for(template: &str, address: &str) -> bool {
    let (mut template, mut address) = (template.split('/'), address.split('/'));
    loop {
        match (template.next(), address.next()) {
            (None, None) => return true,
            (Some(of_template), Some(of_address)) if of_template == "*" || of_template == of_address => {}
            _ => return false,
        }
    }
}
