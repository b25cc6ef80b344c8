//! `windlass runs retry [RUN]`: a new run of what did not succeed.

use windlass_model::time::Time;
use windlass_runtime::{Given, Request, Retry, Start, TakeOver};

use crate::args::RetryArgs;
use crate::control::{Answer, Ask, answer};
use crate::data_dir::DataDir;
use crate::drive::{Drive, catch_signals, drive};
use crate::failure::{Failure, Outcome};
use crate::printer::{FAINT, Printer, Styled};
use crate::session::Session;
use crate::{params, plan_file, user};

pub(super) async fn run(args: &RetryArgs, printer: &mut Printer) -> Outcome {
    let mut signals = catch_signals()?;
    let data_dir = args.run.data_dir.choose()?;
    let registry = plan_file::registry()?;
    let session = Session::drive(&data_dir, registry, TakeOver::Only(Vec::new()), printer).await?;
    let outcome = go(args, &session, &data_dir, &mut signals, printer).await;
    let closed = session.close().await;
    let exit = outcome?;
    closed.map(|()| exit)
}

async fn go(
    args: &RetryArgs,
    session: &Session,
    data_dir: &DataDir,
    signals: &mut crate::signals::Signals,
    printer: &mut Printer,
) -> Outcome {
    let handle = session.handle();
    let Answer::Run(old) = answer(&handle, Ask::Find { text: args.run.run.clone() }).await? else {
        return Err(Failure::usage("there is no such run"));
    };
    let retry = if args.from_scratch { Retry::FromScratch } else { Retry::FromFailure };
    let request = handle.retry(old, retry).await?;
    let again = params::gather(&args.params, &request.plan, printer)?;
    let given = match request.params {
        Given::Values(mut values) => {
            values.extend(again);
            values
        }
        Given::Texts(texts) => {
            texts.into_iter().map(|(name, text)| (name, text.into())).chain(again).collect()
        }
    };
    let request =
        Request { params: Given::Values(given), user: user::current(), start: Start::Now, ..request };
    let run = handle.submit(request).await?;
    if args.live.output == crate::args::LiveFormat::Text {
        printer.note(Styled(FAINT, format_args!("run {run} retries {old}")));
    }
    let how = Drive { format: args.live.output, approve: args.approve, since: Time::ZERO, data_dir };
    drive(&handle, run, how, signals, printer).await
}
