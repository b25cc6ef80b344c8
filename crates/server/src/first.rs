//! The first start of a store: somebody who may do everything, and a namespace to begin in.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use windlass_access::{Issued, Tokens, Wanted};
use windlass_model::Value;
use windlass_model::time::Time;
use windlass_objects::{Author, Kind, Name, Objects, Query, Write, kinds};
use windlass_store::{Store, StoreError};

use crate::error::Error;

/// Who may do everything in the beginning.
pub const FIRST_USER: &str = "admin";

/// The token of the first start, which is shown this once.
#[derive(Clone, Debug)]
pub struct First {
    /// It.
    pub issued: Issued,
    /// How long it is good for.
    pub good_for: Duration,
}

/// Long enough to make tokens of one's own.
const GOOD_FOR: Duration = Duration::from_secs(24 * 3600);

/// Makes what a store without anybody needs.
pub(crate) async fn start(objects: &Objects, tokens: &Tokens, now: Time) -> Result<Option<First>, Error> {
    let anybody = objects.list(&kinds::USER, &Query { limit: 1, ..Query::default() }).await?;
    if !anybody.objects.is_empty() {
        return Ok(None);
    }
    let author = Author { user: "windlass".to_owned(), at: now };
    let documents: [(&'static Kind, Value); 3] = [
        (
            &kinds::NAMESPACE,
            json!({
                "metadata": {"name": "default"},
                "spec": {"description": "to begin in; its runs may touch every node", "nodes": {"nodes": ["*"]}},
            }),
        ),
        (
            &kinds::ROLE_BINDING,
            json!({"metadata": {"name": FIRST_USER}, "spec": {"role": "admin", "groups": [FIRST_USER], "namespaces": ["*"]}}),
        ),
        // Last, because that there is somebody says that the rest is there.
        (&kinds::USER, json!({"metadata": {"name": FIRST_USER}, "spec": {"groups": [FIRST_USER]}})),
    ];
    for (kind, document) in documents {
        objects.apply(kind, document, None, Write::default(), &author).await?;
    }
    let issued = make(tokens, FIRST_USER, "of the first start", Some(GOOD_FOR), now).await?;
    Ok(Some(First { issued, good_for: GOOD_FOR }))
}

/// Makes a token for somebody: for whoever has the files of the server, and no token.
pub async fn issue(
    store: Arc<dyn Store>,
    user: &str,
    good_for: Option<Duration>,
    now: Time,
) -> Result<Issued, StoreError> {
    make(&Tokens::new(store), user, "made beside the server", good_for, now).await
}

/// Whether there is such a user.
pub async fn has_user(store: Arc<dyn Store>, user: &str) -> Result<bool, Error> {
    Ok(Objects::exists(&*store, &kinds::USER, &Name::global(user)).await?)
}

async fn make(
    tokens: &Tokens,
    user: &str,
    note: &str,
    good_for: Option<Duration>,
    now: Time,
) -> Result<Issued, StoreError> {
    let wanted = Wanted {
        user: user.to_owned(),
        note: note.to_owned(),
        expires_at: good_for.map(|span| now + span),
        ..Wanted::default()
    };
    tokens.issue(wanted, now).await
}
