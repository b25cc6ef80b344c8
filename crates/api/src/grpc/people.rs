//! People, called.

use tonic::{Request, Response, Status};
use windlass_contract as said;
use windlass_model::span::Span;
use windlass_rpc::v1;
use windlass_rpc::v1::people_server::People;

use super::messages::{given, stamp};
use super::{Calls, answer, heard};
use crate::answer::Problem;
use crate::{people, sessions};

/// The token that is wanted.
pub(super) fn new_token(asked: v1::IssueTokenRequest) -> Result<said::NewToken, Problem> {
    let verb = |word: String| {
        let verb = said::Verb::ALL.into_iter().find(|verb| verb.word() == word);
        verb.ok_or_else(|| Problem::bad(format!("`verbs`: there is no verb `{word}`")))
    };
    let verbs = asked.verbs.map(|words| words.words.into_iter().map(verb).collect()).transpose()?;
    Ok(said::NewToken {
        user: given(asked.user),
        note: asked.note,
        expires_in: span("expires_in", asked.expires_in)?,
        namespaces: asked.namespaces.map(|words| words.words),
        verbs,
    })
}

/// How long, as a text says it.
pub(super) fn span(field: &str, text: String) -> Result<Option<Span>, Problem> {
    let read = |text: String| text.parse().map_err(|error| Problem::bad(format!("`{field}`: {error}")));
    given(text).map(read).transpose()
}

fn words(words: Vec<String>) -> v1::Words {
    v1::Words { words }
}

fn me(me: said::Me) -> v1::Me {
    let said::Me { user, display_name, groups, namespaces, cluster, rights } = me;
    let rights = rights.into_iter().map(|(namespace, may)| (namespace, words(may))).collect();
    v1::Me { user, display_name, groups, namespaces: namespaces.map(words), cluster, rights }
}

fn token(token: said::TokenView) -> v1::Token {
    let said::TokenView { id, user, note, created_at, expires_at, namespaces, verbs, groups } = token;
    let verbs = verbs.map(|verbs| words(verbs.into_iter().map(|verb| verb.word().to_owned()).collect()));
    v1::Token {
        id,
        user,
        note,
        created_at: Some(stamp(created_at)),
        expires_at: expires_at.map(stamp),
        namespaces: namespaces.map(words),
        verbs,
        groups,
    }
}

#[tonic::async_trait]
impl People for Calls {
    async fn who_am_i(&self, request: Request<v1::WhoAmIRequest>) -> Result<Response<v1::Me>, Status> {
        let (caller, _) = heard(request)?;
        answer(async { Ok(me(people::who(&caller).await?)) }).await
    }

    async fn list_tokens(
        &self,
        request: Request<v1::ListTokensRequest>,
    ) -> Result<Response<v1::TokenPage>, Status> {
        let (caller, _) = heard(request)?;
        answer(async {
            let items = people::list(&caller).await?.into_iter().map(token).collect();
            Ok(v1::TokenPage { items })
        })
        .await
    }

    async fn issue_token(
        &self,
        request: Request<v1::IssueTokenRequest>,
    ) -> Result<Response<v1::IssuedToken>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let said::NewTokenMade { id, token } = people::make(&caller, new_token(asked)?).await?;
            Ok(v1::IssuedToken { id, token })
        })
        .await
    }

    async fn revoke_token(
        &self,
        request: Request<v1::RevokeTokenRequest>,
    ) -> Result<Response<v1::RevokeTokenAnswer>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            people::end(&caller, &asked.id).await?;
            Ok(v1::RevokeTokenAnswer {})
        })
        .await
    }

    async fn set_password(
        &self,
        request: Request<v1::SetPasswordRequest>,
    ) -> Result<Response<v1::SetPasswordAnswer>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let v1::SetPasswordRequest { user, password, current } = asked;
            let wanted = said::NewPassword { password, current: given(current) };
            sessions::new_password(&caller, &user, wanted).await?;
            Ok(v1::SetPasswordAnswer {})
        })
        .await
    }

    async fn remove_password(
        &self,
        request: Request<v1::RemovePasswordRequest>,
    ) -> Result<Response<v1::RemovePasswordAnswer>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            sessions::no_password(&caller, &asked.user).await?;
            Ok(v1::RemovePasswordAnswer {})
        })
        .await
    }
}
