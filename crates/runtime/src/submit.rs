//! From a request to a run that can be taken in: validated, frozen, compiled, secrets taken out.
//!
//! All of this happens in the caller's own task; the dispatcher only gets what is right.

use std::sync::Arc;

use uuid::Uuid;
use windlass_engine::Setup;
use windlass_lang::{Among, Evaluator, Surroundings};
use windlass_model::Map;
use windlass_model::code;
use windlass_model::eval::Evaluate;
use windlass_model::fact::Catalog;
use windlass_model::freeze::{KnownVars, Nodes};
use windlass_model::id::{GroupId, RunId};
use windlass_model::late::Late;
use windlass_model::layout::Layout;
use windlass_model::problem::{Problem, Problems};
use windlass_model::secret::Secrets;
use windlass_model::submission::Submission;
use windlass_model::time::Time;
use windlass_store::StoreError;

use crate::clock::{new_group, new_run, new_seed};
use crate::error::Error;
use crate::load::needs_key;
use crate::provided;
use crate::request::{Request, Start};
use crate::seal::RunKey;
use crate::view::RunView;

/// A run that can be taken in.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) setup: Setup,
    pub(crate) view: RunView,
    /// The submission as JSON, in parts of bounded size.
    pub(crate) parts: Vec<bytes::Bytes>,
    pub(crate) start: Start,
    /// The inventory that it was submitted with.
    pub(crate) nodes: Option<Arc<dyn Nodes>>,
    /// The run's key, where it needs one.
    pub(crate) key: Option<Arc<RunKey>>,
    /// Its secrets, sealed.
    pub(crate) sealed: Vec<(String, bytes::Bytes)>,
}

/// What a submission is read with.
#[derive(Clone)]
pub(crate) struct Reader {
    pub(crate) catalog: Arc<Catalog>,
    pub(crate) eval: Arc<dyn Evaluate>,
    pub(crate) start_within: Option<std::time::Duration>,
}

/// What a request may leave open.
struct Drawn {
    run: RunId,
    group: GroupId,
    seed: u64,
    at: Time,
}

/// The size of a part of a submission; a store takes values up to four times as large.
const PART: usize = 4 << 20;

// === impl Reader ===

impl Reader {
    pub(crate) fn new(catalog: Catalog, start_within: Option<std::time::Duration>) -> Self {
        Self { catalog: Arc::new(catalog), eval: Arc::new(Evaluator::new()), start_within }
    }

    /// What the engine needs to go on with a run.
    pub(crate) fn setup(&self, submission: Arc<Submission>, secrets: Secrets) -> Setup {
        let layout = Arc::new(Layout::new(submission, &self.catalog));
        Setup { layout, eval: Arc::clone(&self.eval), secrets, start_within: self.start_within }
    }

    /// Checks a request and freezes it. Everything that is wrong is said at once; then its secrets are asked for.
    pub(crate) async fn prepare(&self, mut request: Request, now: Time) -> Result<Prepared, Error> {
        let (start, provider, nodes) = (request.start, request.secrets.take(), request.nodes.clone());
        let drawn = Drawn { run: new_run(), group: new_group(), seed: new_seed(), at: now };
        let (mut submission, mut secrets) = self.freeze(request, drawn)?;
        let file = provider.as_ref().and_then(|provider| provider.file());
        submission.secrets_file = file.map(|path| path.to_string_lossy().into_owned());
        let wanted = provided::wanted(&submission, &secrets);
        let clear = provided::ask(wanted, provider.as_deref()).await?;
        provided::put(&mut submission, &mut secrets, &clear);
        let view = RunView::submitted(&submission);
        let parts = parts(&submission)?;
        let setup = self.setup(Arc::new(submission), secrets);
        Ok(Prepared { setup, view, parts, start, nodes, key: None, sealed: Vec::new() })
    }

    /// What is submitted; what the request leaves open is as it was drawn.
    fn freeze(&self, request: Request, drawn: Drawn) -> Result<(Submission, Secrets), Error> {
        let Request {
            plan,
            step_set,
            params,
            user,
            group,
            run_id,
            retry_of,
            targets,
            others,
            nodes,
            selection,
            seed,
            done,
            done_blocks,
            withheld,
            carried,
            noop,
            late,
            ..
        } = request;
        let are_given = targets.is_some();
        let withheld: Vec<String> = withheld.into_iter().filter(|name| !params.contains_key(name)).collect();
        let known = match (&targets, &nodes) {
            (Some(chosen), _) => Some(chosen as &dyn KnownVars),
            (None, Some(nodes)) => Some(&**nodes as &dyn KnownVars),
            (None, None) => None,
        };
        let surroundings = Surroundings { catalog: &self.catalog, nodes: known };
        let mut problems = windlass_lang::validate(&plan, surroundings);
        problems.extend(withheld.iter().map(|name| not_given_again(name)));
        let among = Among { nodes: nodes.as_deref(), filter: selection.as_ref() };
        let inputs = match windlass_lang::inputs(&plan, &step_set, params, targets, &*self.eval, among) {
            Ok(inputs) if problems.is_empty() => inputs,
            inputs => {
                for found in inputs.err().into_iter().flat_map(|found| found.0) {
                    // One that is withheld is missing anyway.
                    let is_missing = found.code == code::MISSING_PARAM;
                    if is_missing && problems.iter().any(|known| known.address == found.address) {
                        continue;
                    }
                    // An empty selection is found both ways.
                    if !problems.iter().any(|known| known.is_same(&found)) {
                        problems.push(found);
                    }
                }
                return Err(Error::Invalid(Problems(problems)));
            }
        };
        let blocks = if are_given { late.blocks } else { inputs.late.keys().copied().collect() };
        let late = match blocks.is_empty() {
            true => Late::default(),
            false => Late { blocks, selection: selection.or(late.selection), inventory: late.inventory },
        };
        let (params, secrets) = inputs.params.sealed();
        let lost: Vec<Problem> =
            carried.iter().flat_map(|(name, saved)| cannot_be_put_back(name, saved, &secrets)).collect();
        if !lost.is_empty() {
            return Err(Error::Invalid(Problems(lost)));
        }
        let named = plan.spec.group.as_deref().map(GroupId::named);
        let submission = Submission {
            run: run_id.unwrap_or(drawn.run),
            group: group.or(named).unwrap_or(drawn.group),
            retry_of,
            plan,
            step_set,
            params,
            targets: inputs.targets,
            others: others.unwrap_or(inputs.others),
            seed: seed.unwrap_or(drawn.seed),
            user,
            at: drawn.at,
            done,
            done_blocks,
            carried,
            noop,
            late,
            secrets_file: None,
        };
        Ok((submission, secrets))
    }
}

// === impl Prepared ===

impl Prepared {
    pub(crate) fn needs_key(&self) -> bool {
        needs_key(&self.setup)
    }

    /// Seals the secrets that were given.
    pub(crate) fn seal(&mut self, key: Arc<RunKey>) -> Result<(), Error> {
        for (name, clear) in self.setup.secrets.iter() {
            let sealed = key.seal(name, clear).ok_or(StoreError::Io {
                action: "seal a secret for",
                path: self.view.id.to_string().into(),
                source: Arc::new(std::io::Error::other("the system has no randomness to give")),
            })?;
            self.sealed.push((name.to_owned(), sealed));
        }
        self.key = Some(key);
        Ok(())
    }
}

// === impl Request ===

impl Request {
    /// What the engine needs for a run that nobody submits, such as one that is rehearsed: the same request always
    /// gives the same. Ids that it does not give are nil, its seed is 0, and its time begins at zero.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it, as when it is submitted.
    pub fn setup(self, catalog: Catalog) -> Result<Setup, Error> {
        let reader = Reader::new(catalog, None);
        let drawn = Drawn { run: RunId(Uuid::nil()), group: GroupId(Uuid::nil()), seed: 0, at: Time::ZERO };
        let (mut submission, mut secrets) = reader.freeze(self, drawn)?;
        provided::stand_in_for_secrets(&mut submission, &mut secrets);
        Ok(reader.setup(Arc::new(submission), secrets))
    }
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// A parameter that a run had which this one is made of, and that is not carried over.
fn not_given_again(name: &str) -> Problem {
    let message = format!(
        "the parameter `{name}` is a secret, or holds one, and is not carried over from the other run"
    );
    Problem::new(code::MISSING_PARAM, format!("params.{name}"), format!("/spec/params/{name}"), message)
        .help(format!("give it again: -p {name}=VALUE, or -p {name}=@FILE"))
}

/// What was saved for a target and holds secrets, or forms of them, that this run does not have.
fn cannot_be_put_back(target: &str, saved: &Map, secrets: &Secrets) -> Vec<Problem> {
    let lost = saved.iter().filter(|(_, value)| !secrets.unknown_tokens(value).is_empty());
    let problem = |name: &String| {
        let message = format!(
            "what the other run saved for {target} as `{name}` holds a secret that was not given again"
        );
        Problem::new(code::NOT_RESUBMITTABLE, "", "", message)
            .help("give all secrets again, or retry it with --from-scratch")
    };
    lost.map(|(name, _)| problem(name)).collect()
}

fn parts(submission: &Submission) -> Result<Vec<bytes::Bytes>, Error> {
    let bytes = serde_json::to_vec(submission).map_err(|error| Error::Damaged {
        run: submission.run,
        detail: format!("its submission cannot be put into JSON: {error}"),
    })?;
    let bytes = bytes::Bytes::from(bytes);
    let starts = (0..bytes.len()).step_by(PART);
    Ok(starts.map(|start| bytes.slice(start..bytes.len().min(start.saturating_add(PART)))).collect())
}
