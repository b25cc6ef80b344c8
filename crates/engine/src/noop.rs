//! Noop: the same run, in which everything that acts is only asked what it would change.
//!
//! ```text
//!            ┌─ a check, `when`, `verify`: really made
//!  action ───┼─ an acting plugin: asked ─▶ would change · nothing · unknown
//!            ├─ an undo, a `verifyAfter` of a change: listed as unknown, nobody is asked
//!            └─ what depends on a change that was not made: unknown, and no failure
//! ```
//!
//! It takes no locks and makes no delays: there is nothing to keep others away from, and nothing to
//! watch the effect of.

use std::time::Duration;

use windlass_model::element::{ElementId, Side, Slot, Work};
use windlass_model::event::{AttemptEnd, What};
use windlass_model::fact::PluginKind;
use windlass_model::foresight::{self, Foreseen, Would};
use windlass_model::layout::ActionDef;
use windlass_model::outcome::{Failure, Outcome};
use windlass_model::payload::Payload;

use crate::apply::not_done;
use crate::run::Turn;

/// How long a reason may be that a plugin gives, and how long a diff. Plugins keep theirs shorter.
const LONGEST_WHY: usize = 4 << 10;
const LONGEST_DIFF: usize = 64 << 10;

impl Turn<'_> {
    /// Whether the run only looks.
    pub(crate) fn is_noop(&self) -> bool {
        self.layout.submission.noop
    }

    /// Whether an element is only asked what it would do.
    pub(crate) fn foresees(&self, element: ElementId) -> bool {
        self.is_noop() && self.layout.action(element).is_some_and(|def| def.facts.kind == PluginKind::Acting)
    }

    /// How something ends whose parts ended well.
    pub(crate) fn good(&self, changed: bool, foreseen: Option<Would>) -> Outcome {
        match self.is_noop() {
            true => Outcome::Foreseen(foreseen.unwrap_or(Would::Nothing)),
            false => Outcome::Succeeded { changed },
        }
    }

    /// Whether a wait of this length is made.
    pub(crate) fn waits(&self, span: Duration) -> bool {
        !span.is_zero() && !self.is_noop()
    }

    /// Why nobody is asked about an element, if nobody is.
    pub(crate) fn foregone(&self, element: ElementId) -> Option<String> {
        if !self.is_noop() {
            return None;
        }
        match element {
            ElementId::Work(Work::Undo { block, seq, action }) => {
                let of = self.layout.work(Work::Action { block, seq, action })?;
                Some(format!("it would be run to take back `{}`", of.action.name))
            }
            ElementId::Verify { of, side: Side::After, .. } => {
                let action = self.state.actions.get(&ElementId::Work(of))?;
                let would = action.foreseen.as_ref().map_or(Would::Unknown, |foreseen| foreseen.would);
                let name = self.layout.work(of).map_or("", |def| def.action.name.as_str());
                (would != Would::Nothing).then(|| format!("it looks at what `{name}` would have done"))
            }
            _ => None,
        }
    }

    /// Why a failure is none: something before it was not done, and it may well follow from that.
    pub(crate) fn excuse(&self, element: ElementId, failure: &Failure) -> Option<String> {
        if !self.is_noop() {
            return None;
        }
        if failure.code == Failure::UNKNOWN {
            return Some(failure.message.clone());
        }
        let follows = match element {
            // That these do not pass is an answer.
            ElementId::Work(Work::Check { slot: Slot::Bypass, .. })
            | ElementId::Verify { side: Side::Before, .. } => false,
            ElementId::Work(Work::Check { .. }) => is_undone(self.state.foreseen),
            ElementId::Verify { of, side: Side::After, .. } => self.is_behind_a_change(of),
            ElementId::Work(work) => failure.permanent && is_said(failure) && self.is_behind_a_change(work),
            _ => false,
        };
        follows.then(|| format!("changes before it were not made, and as things are: {}", failure.message))
    }

    /// Ends an action as its plugin said it would end.
    pub(crate) fn end_as_foreseen(&mut self, element: ElementId, def: &ActionDef, end: &AttemptEnd) {
        let said = self.state.actions.get(&element).and_then(|action| action.foreseen.as_deref());
        match said.map(|foreseen| foreseen.would) {
            // Who only has to look to answer has answered.
            Some(Would::Nothing) if end.response.is_some() => match self.saves(def, end) {
                Ok(saves) => self.end_action(element, Outcome::Foreseen(Would::Nothing), None, saves),
                Err(failure) => self.fail_action(element, failure),
            },
            Some(would) => self.end_looked(element, would),
            None => self.end_foreseen(element, Foreseen::unknown("nothing was said of it")),
        }
    }

    /// Ends an action, check or undo as foreseen.
    pub(crate) fn end_foreseen(&mut self, element: ElementId, foreseen: Foreseen) {
        let would = foreseen.would;
        self.emit(What::Foreseen { element, foreseen });
        self.end_looked(element, would);
    }

    /// What a plugin says that it would do, as it may be recorded.
    pub(crate) fn foreseen_of(&self, def: &ActionDef, foreseen: Foreseen) -> Foreseen {
        if def.action.sensitive {
            let why = "what it says is kept back, because the action is sensitive".to_owned();
            return Foreseen { would: foreseen.would, why: Some(why), diff: None };
        }
        // Hidden before it is cut: a secret that is cut in two is found no more.
        let cut = |text: String, most: usize| shortened(&self.secrets.redact_message(&text), most);
        Foreseen {
            would: foreseen.would,
            why: foreseen.why.map(|why| cut(why, LONGEST_WHY)),
            diff: foreseen.diff.map(|diff| cut(diff, LONGEST_DIFF)),
        }
    }

    fn end_looked(&mut self, element: ElementId, would: Would) {
        let def = self.layout.action(element);
        let unknown = |def: &ActionDef| Payload::of(&foresight::unknown(&not_done(&def.action.name)));
        let saves = def
            .into_iter()
            .flat_map(|def| def.action.save.keys().map(move |name| (name.clone(), unknown(def))));
        self.end_action(element, Outcome::Foreseen(would), None, saves.collect());
    }

    /// Whether something would have been changed before it, in its sequence or in an earlier block.
    fn is_behind_a_change(&self, work: Work) -> bool {
        let own = match work.sequence() {
            Some((block, seq)) => {
                let state = self.state.block_at(block);
                state.and_then(|state| state.active.get(&seq)).and_then(|sequence| sequence.foreseen)
            }
            None => self.state.foreseen,
        };
        is_undone(own) || is_undone(self.state.plan.foreseen)
    }
}

fn is_undone(foreseen: Option<Would>) -> bool {
    foreseen.is_some_and(|would| would != Would::Nothing)
}

/// Whether it is the plugin that says so. What we say of an attempt does not follow from what it found.
fn is_said(failure: &Failure) -> bool {
    let ours = [
        Failure::TIMEOUT,
        Failure::DEADLINE,
        Failure::CANCELLED,
        Failure::PANIC,
        Failure::TEMPLATE,
        Failure::NODE,
    ];
    !ours.contains(&failure.code.as_str()) && !failure.is_interruption()
}

fn shortened(text: &str, most: usize) -> String {
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most);
    format!("{}…", text.get(..end).unwrap_or_default())
}
