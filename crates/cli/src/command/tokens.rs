//! `windlass tokens`: one's tokens.

use windlass_contract::{NewToken, TokenView};
use windlass_report::{Clock, Stamp};

use crate::args::{ObjectFormat, TokensArgs};
use crate::command::objects::print;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{FAINT, Printer, Styled};
use crate::session::tokio_runtime;
use crate::table::Table;

pub(super) fn run(args: &TokensArgs, printer: &mut Printer) -> Outcome {
    let context = args.context.choose()?;
    let client = &context.client;
    tokio_runtime()?.block_on(async {
        if let Some(id) = &args.revoke {
            client.revoke(id).await?;
            printer.line(format_args!("token {id} is ended"));
            return Ok(Exit::Succeeded);
        }
        if let Some(note) = &args.new {
            let wanted = NewToken {
                user: args.user.clone(),
                note: note.clone(),
                expires_in: args.good_for,
                namespaces: (!args.only.is_empty()).then(|| args.only.clone()),
                verbs: None,
            };
            let made = client.issue(&wanted).await?;
            if args.output == ObjectFormat::Text {
                printer.note(Styled(FAINT, format_args!("token {}, shown this once:", made.id)));
                printer.line(&made.token);
            } else {
                let made = serde_json::json!({"id": made.id, "token": made.token});
                print::documents(args.output, &[made], false, printer);
            }
            return Ok(Exit::Succeeded);
        }
        let tokens = client.tokens().await?.items;
        if args.output != ObjectFormat::Text {
            let all: Vec<_> = tokens.iter().filter_map(|token| serde_json::to_value(token).ok()).collect();
            print::documents(args.output, &all, true, printer);
            return Ok(Exit::Succeeded);
        }
        let mut table = Table::new(["ID", "USER", "NOTE", "MADE", "ENDS", "ONLY"]);
        for token in &tokens {
            table.row(row(token));
        }
        printer.out(table);
        Ok(Exit::Succeeded)
    })
}

fn row(token: &TokenView) -> [String; 6] {
    let ends = token.expires_at.map_or("never".to_owned(), |at| Stamp(Clock::Wall, at).to_string());
    let only = token.namespaces.as_ref().map_or(String::new(), |names| names.join(","));
    let made = Stamp(Clock::Wall, token.created_at).to_string();
    [token.id.clone(), token.user.clone(), token.note.clone(), made, ends, only]
}
