//! The same over gRPC, with real clients.

mod abuse;
mod alike;
mod calls;
mod open;
mod streams;

use prost::Message as _;
use tonic::codegen::InterceptedService;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Channel, Endpoint};
use tonic::{Request, Status};
use windlass_rpc::v1;
use windlass_rpc::v1::agents_client::AgentsClient;
use windlass_rpc::v1::audit_client::AuditClient;
use windlass_rpc::v1::inventory_client::InventoryClient;
use windlass_rpc::v1::logs_client::LogsClient;
use windlass_rpc::v1::objects_client::ObjectsClient;
use windlass_rpc::v1::operating_client::OperatingClient;
use windlass_rpc::v1::people_client::PeopleClient;
use windlass_rpc::v1::runs_client::RunsClient;

use super::client::Place;

pub(crate) type Known = InterceptedService<Channel, Token>;

/// Says who calls.
#[derive(Clone)]
pub(crate) struct Token(Option<MetadataValue<Ascii>>);

/// The services, called by somebody over a connection of their own.
#[derive(Clone)]
pub(crate) struct Services {
    pub(crate) objects: ObjectsClient<Known>,
    pub(crate) runs: RunsClient<Known>,
    pub(crate) logs: LogsClient<Known>,
    pub(crate) people: PeopleClient<Known>,
    pub(crate) agents: AgentsClient<Known>,
    pub(crate) audit: AuditClient<Known>,
    pub(crate) inventory: InventoryClient<Known>,
    pub(crate) operating: OperatingClient<Known>,
}

impl tonic::service::Interceptor for Token {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        Ok(request)
    }
}

pub(crate) async fn channel(place: &Place) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{}", place.server.address())).unwrap();
    endpoint.connect().await.unwrap()
}

impl Services {
    pub(crate) async fn new(place: &Place, token: &str) -> Self {
        Self::over(channel(place).await, token)
    }

    pub(crate) fn over(channel: Channel, token: &str) -> Self {
        let known = (!token.is_empty()).then(|| format!("Bearer {token}").parse().unwrap());
        let known = Token(known);
        Self {
            objects: ObjectsClient::with_interceptor(channel.clone(), known.clone()),
            runs: RunsClient::with_interceptor(channel.clone(), known.clone()),
            logs: LogsClient::with_interceptor(channel.clone(), known.clone()),
            people: PeopleClient::with_interceptor(channel.clone(), known.clone()),
            agents: AgentsClient::with_interceptor(channel.clone(), known.clone()),
            audit: AuditClient::with_interceptor(channel.clone(), known.clone()),
            inventory: InventoryClient::with_interceptor(channel.clone(), known.clone()),
            operating: OperatingClient::with_interceptor(channel, known),
        }
    }
}

/// What a status says is wrong.
pub(crate) fn problem(status: &Status) -> v1::Problem {
    let detailed = tonic_types::pb::Status::decode(status.details()).unwrap();
    let found = detailed.details.iter().find(|it| it.type_url == "type.googleapis.com/windlass.v1.Problem");
    let problem = v1::Problem::decode(found.unwrap().value.as_slice()).unwrap();
    assert_eq!(status.metadata().get("windlass-code").unwrap(), problem.code.as_str());
    problem
}
