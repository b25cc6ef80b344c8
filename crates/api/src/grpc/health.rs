//! What anybody may ask: whether the server can take work, and which calls there are.

use std::time::Duration;

use axum::extract::Request;
use axum::response::Response;
use futures_util::stream;
use tonic::Status;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::pb::{self, HealthCheckRequest, HealthCheckResponse};
use tonic_reflection::server::Builder;

use super::{LITTLE, Sending, called};
use crate::api::Api;

/// The services.
pub(super) const SERVICES: &[&str] = &["grpc.health.v1.Health", V1, V1_ALPHA];
const V1: &str = "grpc.reflection.v1.ServerReflection";
/// What older clients ask.
const V1_ALPHA: &str = "grpc.reflection.v1alpha.ServerReflection";
/// How often it is looked whether something has changed, for those who watch.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Answers a call of one of them.
pub(super) async fn answer(api: &Api, service: &str, request: Request) -> Response {
    let builder = || {
        Builder::configure()
            .register_encoded_file_descriptor_set(windlass_rpc::DESCRIPTORS)
            .register_encoded_file_descriptor_set(pb::FILE_DESCRIPTOR_SET)
    };
    let failed = |error: &dyn std::fmt::Display| {
        tracing::error!(%error, "the calls that there are cannot be told");
        Status::internal("the calls that there are cannot be told").into_http()
    };
    match service {
        V1 => match builder().build_v1() {
            Ok(service) => called(service.max_decoding_message_size(LITTLE), request).await,
            Err(error) => failed(&error),
        },
        V1_ALPHA => match builder().build_v1alpha() {
            Ok(service) => called(service.max_decoding_message_size(LITTLE), request).await,
            Err(error) => failed(&error),
        },
        _ => {
            let service = HealthServer::new(Healthy(api.clone())).max_decoding_message_size(LITTLE);
            called(service, request).await
        }
    }
}

struct Healthy(Api);

// === impl Healthy ===

impl Healthy {
    fn now(&self) -> ServingStatus {
        match self.0.parts().host.trouble() {
            None => ServingStatus::Serving,
            Some(_) => ServingStatus::NotServing,
        }
    }
}

/// Whether a service may be asked about: the empty name is all of them.
fn is_asked_about(service: &str) -> bool {
    service.is_empty() || super::SERVICES.contains(&service)
}

fn said(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Health for Healthy {
    async fn check(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<HealthCheckResponse>, Status> {
        if !is_asked_about(&request.get_ref().service) {
            return Err(Status::not_found("there is no such service"));
        }
        Ok(tonic::Response::new(said(self.now())))
    }

    type WatchStream = Sending<HealthCheckResponse>;

    async fn watch(
        &self,
        request: tonic::Request<HealthCheckRequest>,
    ) -> Result<tonic::Response<Self::WatchStream>, Status> {
        let is_known = is_asked_about(&request.get_ref().service);
        let state = (Self(self.0.clone()), None);
        let told = stream::unfold(state, move |(healthy, last)| async move {
            loop {
                // What is not known may come with a later version, which is another process.
                let now = if is_known { healthy.now() } else { ServingStatus::ServiceUnknown };
                if last != Some(now) {
                    return Some((Ok(said(now)), (healthy, Some(now))));
                }
                tokio::time::sleep(LOOK_EVERY).await;
            }
        });
        let ended = || Status::unavailable("the server ends");
        Ok(tonic::Response::new(Box::pin(crate::stream::until_end(&self.0, told, ended))))
    }
}
