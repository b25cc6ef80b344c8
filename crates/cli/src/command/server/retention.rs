//! `windlass server retention`: which runs were kept long enough.

use windlass_report::{Clock, Stamp};

use crate::args::RetentionArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{FAINT, Printer, Styled};
use crate::session::tokio_runtime;
use crate::table::Table;

pub(super) fn run(args: &RetentionArgs, printer: &mut Printer) -> Outcome {
    let context = args.context.choose()?;
    let retained = tokio_runtime()?.block_on(context.client.retain(!args.now))?;
    let mut table = Table::new(["RUN", "NAMESPACE", "PLAN", "ENDED", "GOES"]);
    for one in &retained.items {
        table.row([
            one.run.to_string(),
            one.namespace.clone().unwrap_or_default(),
            one.plan.clone(),
            Stamp(Clock::Wall, one.ended_at).to_string(),
            one.goes.clone(),
        ]);
    }
    if !retained.items.is_empty() {
        printer.out(table);
    }
    let would = if retained.dry_run { "would go" } else { "are gone" };
    printer.line(format_args!(
        "of {} runs, {} {would} with everything, and the output of {}",
        retained.looked, retained.go, retained.lose_output
    ));
    let named = retained.items.len() as u64;
    let rest = retained.go.saturating_add(retained.lose_output).saturating_sub(named);
    if rest > 0 {
        printer.note(Styled(FAINT, format_args!("{rest} more are not listed")));
    }
    Ok(Exit::Succeeded)
}
