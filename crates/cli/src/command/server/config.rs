//! `windlass server config`, and where a server finds its settings.

use std::path::{Path, PathBuf};

use windlass_model::code;
use windlass_server::{Oidc, Traces};
use zeroize::Zeroizing;

use crate::args::{ConfigArgs, ConfigCommand, ServerArgs};
use crate::exit::Exit;
use crate::failure::{Failure, Outcome};
use crate::printer::Printer;
use crate::settings::{CONFIG_VARIABLE, Given, Said, Settings, example};

pub(super) fn run(args: &ConfigArgs, printer: &mut Printer) -> Outcome {
    match &args.command {
        ConfigCommand::Check { file } => {
            let file = file.clone().or_else(named);
            let settings = read(file.as_deref(), Vec::new())?;
            oidc(&settings)?;
            traces(&settings)?;
            match file {
                Some(file) => printer.line(format_args!("ok {}", file.display())),
                None => printer.line("ok: there is no file, and the variables are good"),
            }
        }
        ConfigCommand::Example => printer.out(example()),
    }
    Ok(Exit::Succeeded)
}

/// The settings of a server that is begun like this.
pub(super) fn settings(args: &ServerArgs) -> Result<Settings, Failure> {
    let mut said = Vec::new();
    for pair in &args.set {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Failure::usage(format!("--set {pair} has no value")).help("write --set KEY=VALUE")
        })?;
        let (key, value) = (key.trim().to_owned(), value.to_owned());
        said.push(Said { flag: format!("--set {key}"), key, value });
    }
    let mut say = |key: &str, flag: &str, value: Option<String>| {
        said.extend(value.map(|value| Said { key: key.to_owned(), value, flag: flag.to_owned() }));
    };
    let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
    say("data-dir", "--data-dir", path(&args.data_dir.data_dir));
    say("listen", "--listen", args.listen.map(|address| address.to_string()));
    say("tls.certificate", "--tls-cert", path(&args.tls_cert));
    say("tls.key", "--tls-key", path(&args.tls_key));
    say("tls.elsewhere", "--without-tls", args.without_tls.then(|| "true".to_owned()));
    say("agents.program", "--agent-program", path(&args.agent_program));
    say("log.format", "--log-format", args.log_format.clone());
    let at_once = args.reach.connect_at_once;
    say("nodes.connect-at-once", "--connect-at-once", at_once.map(|count| count.to_string()));
    read(args.config.clone().or_else(named).as_deref(), said)
}

/// How people sign in by a provider of identities, where one is named.
pub(super) fn oidc(settings: &Settings) -> Result<Option<Oidc>, Failure> {
    let named = (&settings.oidc_issuer, &settings.oidc_url, &settings.oidc_client_id);
    let (Some(issuer), Some(url), Some(client_id)) = named else { return Ok(None) };
    let client_secret = settings.oidc_client_secret.as_deref().map(secret).transpose()?;
    Ok(Some(Oidc {
        name: settings.oidc_name.0.clone(),
        issuer: issuer.0.clone(),
        url: url.0.clone(),
        client_id: client_id.0.clone(),
        client_secret,
        scopes: settings.oidc_scopes.0.clone(),
        user_claim: settings.oidc_user_claim.0.clone(),
        groups_claim: settings.oidc_groups_claim.as_ref().map(|claim| claim.0.clone()),
        audiences: settings.oidc_audiences.as_ref().map(|words| words.0.clone()).unwrap_or_default(),
        create: settings.oidc_create,
        device: settings.oidc_device,
        lasts: settings.oidc_lasts.0,
        ca: settings.oidc_ca.clone(),
    }))
}

/// Where traces are told, where that is set.
pub(super) fn traces(settings: &Settings) -> Result<Option<Traces>, Failure> {
    let Some(url) = &settings.traces_url else { return Ok(None) };
    let traces = Traces {
        url: url.0.clone(),
        headers: settings.traces_headers.as_deref().map_or_else(|| Ok(Vec::new()), headers)?,
        percent: u8::try_from(settings.traces_percent.0).unwrap_or(100),
        ca: settings.traces_ca.clone(),
        service: settings.traces_service.0.clone(),
    };
    traces.check().map_err(|error| super::failure(error.into()))?;
    Ok(Some(traces))
}

/// The headers of a file.
fn headers(path: &Path) -> Result<Vec<(String, Zeroizing<String>)>, Failure> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| Failure::file("read", path, &error))?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    lines
        .map(|(at, line)| {
            let (name, value) = line.split_once(':').ok_or_else(|| {
                let message = format!("{}:{} is no header", path.display(), at.saturating_add(1));
                Failure::new(Exit::Invalid, code::CONFIG, message).help("write `NAME: VALUE`")
            })?;
            Ok((name.trim().to_owned(), Zeroizing::new(value.trim().to_owned())))
        })
        .collect()
}

/// The one line of a file.
fn secret(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let text = std::fs::read_to_string(path).map(Zeroizing::new);
    let text = text.map_err(|error| Failure::file("read", path, &error))?;
    match text.trim() {
        "" => Err(Failure::new(Exit::Invalid, code::CONFIG, format!("{} is empty", path.display()))
            .help("`oidc.client-secret-file` names a file with what the provider gave for this server")),
        secret => Ok(Zeroizing::new(secret.to_owned())),
    }
}

fn read(file: Option<&Path>, said: Vec<Said>) -> Result<Settings, Failure> {
    let mut given = Given::default();
    if let Some(file) = file {
        given.file(file)?;
    }
    let variables = std::env::vars_os();
    given.variables(
        variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))),
    );
    given.flags(said);
    Settings::of(given)
}

/// The file that a variable names.
fn named() -> Option<PathBuf> {
    std::env::var_os(CONFIG_VARIABLE).filter(|value| !value.is_empty()).map(PathBuf::from)
}
