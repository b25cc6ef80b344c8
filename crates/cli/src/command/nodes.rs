//! `windlass nodes ...`: what the inventory says, and what nodes report. But for `facts` nothing is reached.

mod facts;
mod list;
mod reach;
mod select;
mod show;
mod vars;

pub(super) use self::select::choose;

use crate::args::{NodesArgs, NodesCommand};
use crate::failure::Outcome;
use crate::printer::Printer;

pub(super) fn run(args: &NodesArgs, printer: &mut Printer) -> Outcome {
    match &args.command {
        NodesCommand::List(args) => list::run(args, printer),
        NodesCommand::Show(args) => show::run(args, printer),
        NodesCommand::Vars(args) => vars::run(args, printer),
        NodesCommand::Facts(args) => facts::run(args, printer),
        NodesCommand::Select(args) => select::run(args, printer),
    }
}
