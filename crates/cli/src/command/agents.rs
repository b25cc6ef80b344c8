//! `windlass agents ...`: the agents that a server takes for such, and the tokens by which others join.

use windlass_contract::{AgentState, AgentTokenView, AgentView, NewAgentToken};
use windlass_model::time::Time;
use windlass_report::{Clock, Stamp};

use crate::args::{
    AgentsArgs, AgentsCommand, AgentsListArgs, AgentsRevokeArgs, AgentsTokenArgs, AgentsTokensArgs,
    ObjectFormat,
};
use crate::command::objects::print;
use crate::exit::Exit;
use crate::failure::Outcome;
use crate::printer::{FAINT, Printer, Styled};
use crate::session::tokio_runtime;
use crate::table::Table;

pub(super) fn run(args: &AgentsArgs, printer: &mut Printer) -> Outcome {
    tokio_runtime()?.block_on(async {
        match &args.command {
            AgentsCommand::List(args) => list(args, printer).await,
            AgentsCommand::Revoke(args) => revoke(args, printer).await,
            AgentsCommand::Token(args) => token(args, printer).await,
            AgentsCommand::Tokens(args) => tokens(args, printer).await,
        }
    })
}

async fn list(args: &AgentsListArgs, printer: &mut Printer) -> Outcome {
    let client = args.context.choose()?.client;
    let (mut agents, mut cursor) = (Vec::new(), None);
    loop {
        let page = client.agents(cursor.as_deref()).await?;
        agents.extend(page.items.into_iter().filter(|agent| !args.away || agent.state == AgentState::Away));
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    if args.output != ObjectFormat::Text {
        print::documents(args.output, &documents(&agents), true, printer);
        return Ok(Exit::Succeeded);
    }
    let mut table = Table::new(["NODE", "STATE", "SINCE", "VERSION", "ADDRESS", "CERTIFICATE UNTIL"]);
    agents.iter().for_each(|agent| table.row(row(agent)));
    printer.out(table);
    Ok(Exit::Succeeded)
}

async fn revoke(args: &AgentsRevokeArgs, printer: &mut Printer) -> Outcome {
    let client = args.context.choose()?.client;
    for node in &args.nodes {
        client.revoke_agent(node).await?;
        printer.line(format_args!("the agent of {node} is revoked"));
    }
    Ok(Exit::Succeeded)
}

async fn token(args: &AgentsTokenArgs, printer: &mut Printer) -> Outcome {
    let client = args.context.choose()?.client;
    let wanted = NewAgentToken {
        nodes: args.nodes.clone(),
        uses: Some(args.uses),
        expires_in: Some(args.good_for),
        replaces: args.replace,
    };
    let made = client.issue_agent_token(&wanted).await?;
    if args.output == ObjectFormat::Text {
        printer.note(Styled(FAINT, format_args!("token {}, shown this once:", made.view.id)));
        printer.line(&made.token);
        printer.note(Styled(FAINT, format_args!("on the node: windlass agent join {}", client.url())));
    } else {
        print::documents(args.output, &documents(&[made]), false, printer);
    }
    Ok(Exit::Succeeded)
}

async fn tokens(args: &AgentsTokensArgs, printer: &mut Printer) -> Outcome {
    let client = args.context.choose()?.client;
    if let Some(id) = &args.end {
        client.end_agent_token(id).await?;
        printer.line(format_args!("token {id} is ended"));
        return Ok(Exit::Succeeded);
    }
    let tokens = client.agent_tokens().await?.items;
    if args.output != ObjectFormat::Text {
        print::documents(args.output, &documents(&tokens), true, printer);
        return Ok(Exit::Succeeded);
    }
    let mut table = Table::new(["ID", "NODES", "USED", "ENDS", "REPLACES", "MADE BY"]);
    tokens.iter().for_each(|token| table.row(token_row(token)));
    printer.out(table);
    Ok(Exit::Succeeded)
}

fn documents<T: serde::Serialize>(all: &[T]) -> Vec<serde_json::Value> {
    all.iter().filter_map(|one| serde_json::to_value(one).ok()).collect()
}

fn row(agent: &AgentView) -> [String; 6] {
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    [
        agent.agent.node.clone(),
        match &agent.reach {
            Some(reach) => format!("{}, {}", agent.state.word(), reach.found.word()),
            None => agent.state.word().to_owned(),
        },
        text(&agent.since),
        text(&agent.version),
        text(&agent.address),
        stamp(agent.agent.certificate.not_after),
    ]
}

fn token_row(token: &AgentTokenView) -> [String; 6] {
    let used = format!("{} of {}", token.used, token.uses);
    let replaces = if token.replaces { "yes" } else { "no" };
    let AgentTokenView { id, nodes, expires_at, by, .. } = token;
    [id.clone(), nodes.clone(), used, stamp(*expires_at), replaces.to_owned(), by.clone()]
}

fn stamp(at: Time) -> String {
    Stamp(Clock::Wall, at).to_string()
}
