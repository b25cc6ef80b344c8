//! What actions of a server's runs printed, read over its API.

use windlass_client::LogQuery;
use windlass_logs::{Filter, Found, decode};
use windlass_model::id::RunId;

use super::show::Show;
use super::{PORTION, filter_of};
use crate::access::Access;
use crate::args::LogsArgs;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::Printer;
use crate::remote::Remote;

pub(super) async fn logs(
    args: &LogsArgs,
    access: &Access,
    remote: &Remote,
    run: RunId,
    printer: &mut Printer,
) -> Outcome {
    let filter: Filter = filter_of(args, access, run, None).await?;
    let nodes: Vec<&str> = filter.nodes.iter().map(String::as_str).collect();
    let query = LogQuery {
        node: (!nodes.is_empty()).then(|| nodes.join(",")),
        level: Some(args.level.word().to_owned()),
        from: args.from,
        tail: args.tail,
        follow: args.follow,
    };
    let mut body = remote.logs(run, &query).await?;
    let show = Show::new(args.output, filter);
    let mut portion = Vec::new();
    while let Some(line) = body.line().await? {
        show.line(&Found { offset: 0, next: 0, line: &line, record: decode(&line) }, &mut portion);
        // What is there already is shown at once, what comes later as it comes.
        if portion.len() >= PORTION || !body.has_line() {
            printer.write_out(|out| out.write_all(&portion));
            portion.clear();
        }
        if printer.is_out_closed() {
            break;
        }
    }
    printer.write_out(|out| out.write_all(&portion));
    Ok(Exit::Succeeded)
}
