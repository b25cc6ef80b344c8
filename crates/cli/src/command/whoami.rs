//! `windlass whoami`: who one is to a server.

use crate::args::{ObjectFormat, WhoamiArgs};
use crate::command::objects::print;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{Printer, STRONG, Styled};
use crate::session::tokio_runtime;

pub(super) fn run(args: &WhoamiArgs, printer: &mut Printer) -> Outcome {
    let context = args.context.choose()?;
    let me = tokio_runtime()?.block_on(async { context.client.me().await })?;
    if args.output != ObjectFormat::Text {
        print::documents(args.output, &[serde_json::to_value(&me).unwrap_or_default()], false, printer);
        return Ok(Exit::Succeeded);
    }
    printer.line(format_args!("{} at {}", Styled(STRONG, &me.user), context.client.url()));
    let mut say = |what: &str, words: &[String]| {
        if !words.is_empty() {
            printer.line(format_args!("{what}: {}", words.join(", ")));
        }
    };
    if !me.display_name.is_empty() {
        say("called", std::slice::from_ref(&me.display_name));
    }
    say("groups", &me.groups);
    if let Some(namespaces) = &me.namespaces {
        say("the token is confined to", namespaces);
    }
    say("everywhere, may", &me.cluster);
    say("namespace", std::slice::from_ref(&context.namespace));
    Ok(Exit::Succeeded)
}
