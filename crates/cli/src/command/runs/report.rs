//! `windlass runs report [RUN]`

use std::io::{BufWriter, Write};

use windlass_report::{Clock, Fold, HtmlOptions, JsonOptions, Palette, TextOptions};

use crate::access::Access;
use crate::args::{ReportArgs, ReportFormat};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;

pub(super) async fn run(args: &ReportArgs, access: &Access, printer: &mut Printer) -> Outcome {
    let run = access.find(&args.run.run).await?;
    let fold = access.fold(run).await?;
    let flags = access.typed().flag();
    match &args.file {
        None => {
            let palette = printer.palette();
            printer.write_out(|mut out| write(&fold, args.output, palette, flags, &mut out));
        }
        Some(path) => {
            let file = std::fs::File::create(path).map_err(|error| Failure::file("create", path, &error))?;
            let mut out = BufWriter::new(file);
            let written =
                write(&fold, args.output, Palette::PLAIN, flags, &mut out).and_then(|()| out.flush());
            written.map_err(|error| Failure::file("write", path, &error))?;
            printer.note(format_args!("wrote the report of run {run} to {}", path.display()));
        }
    }
    Ok(Exit::Succeeded)
}

fn write(
    fold: &Fold,
    format: ReportFormat,
    palette: Palette,
    flags: &str,
    out: &mut impl Write,
) -> std::io::Result<()> {
    match format {
        ReportFormat::Text => {
            windlass_report::write_text(fold, &TextOptions { clock: Clock::Wall, palette, flags }, out)
        }
        ReportFormat::Json => windlass_report::write_json(fold, &JsonOptions::default(), out),
        ReportFormat::Html => windlass_report::write_html(fold, &HtmlOptions::default(), out),
    }
}
