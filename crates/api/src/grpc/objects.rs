//! Objects, called.

use std::future::ready;

use tonic::{Request, Response, Status};
use windlass_model::{Value, code};
use windlass_objects::{Scope, Write, kinds};
use windlass_rpc::v1;
use windlass_rpc::v1::objects_server::Objects;
use windlass_rpc::v1::patch_request::Patch;

use super::messages::{self, given, json, kind, name, namespace, object};
use super::{Calls, Sending, answer, heard, stream};
use crate::answer::Problem;
use crate::objects::{self, Change, Listing, Watching};

/// How an object is to be changed.
pub(super) fn patch(patch: Patch) -> Result<Change, Problem> {
    match patch {
        Patch::MergeJson(text) => json("merge_json", &text).map(Change::Merge),
        Patch::OperationsJson(text) => json("operations_json", &text).map(Change::Operations),
    }
}

fn limit(limit: Option<u32>) -> Option<usize> {
    limit.and_then(|limit| usize::try_from(limit).ok())
}

#[tonic::async_trait]
impl Objects for Calls {
    async fn kinds(&self, request: Request<v1::KindsRequest>) -> Result<Response<v1::KindsAnswer>, Status> {
        heard(request)?;
        let kinds = kinds::all().iter().map(|kind| v1::Kind {
            name: kind.name.to_owned(),
            plural: kind.plural.to_owned(),
            namespaced: kind.scope == Scope::Namespaced,
            about: kind.about.to_owned(),
        });
        Ok(Response::new(v1::KindsAnswer { kinds: kinds.collect() }))
    }

    async fn get(&self, request: Request<v1::GetRequest>) -> Result<Response<v1::Object>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let name = name(kind, asked.namespace, asked.name)?;
            Ok(object(objects::get(&caller, kind, &name).await?))
        })
        .await
    }

    async fn list(&self, request: Request<v1::ListRequest>) -> Result<Response<v1::ObjectPage>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let namespace = namespace(kind, asked.namespace)?;
            let listing = Listing {
                labels: given(asked.labels),
                fields: given(asked.fields),
                limit: limit(asked.limit),
                cursor: given(asked.cursor),
            };
            let page = objects::list(&caller, kind, namespace, listing).await?;
            Ok(v1::ObjectPage {
                items: page.items.into_iter().map(object).collect(),
                next: page.next.unwrap_or_default(),
                version: page.version,
            })
        })
        .await
    }

    async fn create(&self, request: Request<v1::CreateRequest>) -> Result<Response<v1::Object>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let namespace = namespace(kind, asked.namespace)?;
            if kind.scope == Scope::Namespaced && namespace.is_none() {
                return Err(Problem::bad(format!("a {} lies in a `namespace`", kind.name)));
            }
            let write = Write { is_dry: asked.dry_run, version: None };
            let document = async { json::<Value>("document_json", &asked.document_json) };
            Ok(object(objects::create(&caller, kind, namespace, write, document).await?))
        })
        .await
    }

    async fn apply(&self, request: Request<v1::ApplyRequest>) -> Result<Response<v1::AppliedObject>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let name = name(kind, asked.namespace, asked.name)?;
            let write = Write { is_dry: asked.dry_run, version: asked.version };
            let change = async { json("document_json", &asked.document_json).map(Change::Apply) };
            Ok(messages::applied(objects::change(&caller, kind, &name, write, change).await?))
        })
        .await
    }

    async fn replace(
        &self,
        request: Request<v1::ReplaceRequest>,
    ) -> Result<Response<v1::AppliedObject>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let name = name(kind, asked.namespace, asked.name)?;
            let write = Write { is_dry: asked.dry_run, version: asked.version };
            let change = async { json("document_json", &asked.document_json).map(Change::Replace) };
            Ok(messages::applied(objects::change(&caller, kind, &name, write, change).await?))
        })
        .await
    }

    async fn patch(&self, request: Request<v1::PatchRequest>) -> Result<Response<v1::AppliedObject>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let name = name(kind, asked.namespace, asked.name)?;
            let write = Write { is_dry: asked.dry_run, version: asked.version };
            let none = || {
                let detail = "give `merge_json` or `operations_json`";
                Problem::new(axum::http::StatusCode::BAD_REQUEST, &code::BAD_PATCH, detail)
            };
            let change = asked.patch.ok_or_else(none).and_then(patch);
            Ok(messages::applied(objects::change(&caller, kind, &name, write, ready(change)).await?))
        })
        .await
    }

    async fn delete(&self, request: Request<v1::DeleteRequest>) -> Result<Response<v1::Object>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let name = name(kind, asked.namespace, asked.name)?;
            let write = Write { is_dry: asked.dry_run, version: asked.version };
            Ok(object(objects::delete(&caller, kind, &name, write).await?))
        })
        .await
    }

    type WatchStream = Sending<v1::ObjectChange>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let namespace = namespace(kind, asked.namespace)?;
            let watching =
                Watching { labels: given(asked.labels), fields: given(asked.fields), from: asked.from };
            let watch = objects::watch(&caller, kind, namespace, watching).await?;
            Ok(stream(&caller, crate::stream::changes(watch), messages::change))
        })
        .await
    }

    async fn revisions(
        &self,
        request: Request<v1::RevisionsRequest>,
    ) -> Result<Response<v1::RevisionPage>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let name = name(kind, asked.namespace, asked.name)?;
            let page = objects::revisions(&caller, kind, &name, asked.before, limit(asked.limit)).await?;
            let items = page.items.into_iter().map(messages::revision).collect();
            Ok(v1::RevisionPage { items, next: page.next })
        })
        .await
    }

    async fn diff(&self, request: Request<v1::DiffRequest>) -> Result<Response<v1::Differences>, Status> {
        let (caller, asked) = heard(request)?;
        answer(async {
            let kind = kind(&asked.kind)?;
            let name = name(kind, asked.namespace, asked.name)?;
            let found = objects::diff(&caller, kind, &name, asked.from, asked.to).await?;
            Ok(v1::Differences { items: found.items.into_iter().map(messages::difference).collect() })
        })
        .await
    }
}
