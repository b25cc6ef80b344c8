//! `windlass explain CODE`

use windlass_model::{code, name};

use crate::args::ExplainArgs;
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::pages;
use crate::printer::{FAINT, Printer, STRONG, Styled};

pub(super) fn run(args: &ExplainArgs, printer: &mut Printer) -> Outcome {
    let Some(wanted) = &args.code else {
        for (code, title) in code::ALL {
            printer.line(format_args!("{}  {title}", Styled(STRONG, code)));
        }
        return Ok(Exit::Succeeded);
    };
    if let Some((_, page)) = pages::page(wanted) {
        printer.out(styled(page));
        return Ok(Exit::Succeeded);
    }
    let wanted = wanted.to_uppercase();
    if let Some((code, title)) = code::ALL.iter().find(|(code, _)| code.as_str() == wanted) {
        printer.line(format_args!("{}: {title}", Styled(STRONG, code)));
        return Ok(Exit::Succeeded);
    }
    let near = name::nearest(&wanted, code::ALL.iter().map(|(code, _)| code.as_str()));
    Err(Failure::usage(format!("there is no error code `{wanted}`")).help(match near {
        Some(near) => format!("did you mean {near}? `windlass explain` lists all"),
        None => "codes look like WL-0204; `windlass explain` lists all".to_owned(),
    }))
}

/// Markdown as a terminal shows it best: headings strong, the fences of code left out.
pub(super) fn styled(page: &str) -> String {
    let mut text = String::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.starts_with("```") {
            is_code = !is_code;
        } else if is_code {
            text.push_str(&format!("    {}\n", Styled(FAINT, line)));
        } else if let Some(heading) =
            line.strip_prefix("# ").or_else(|| line.strip_prefix("## ")).or_else(|| line.strip_prefix("### "))
        {
            text.push_str(&format!("{}\n", Styled(STRONG, heading)));
        } else {
            text.push_str(line);
            text.push('\n');
        }
    }
    text
}
