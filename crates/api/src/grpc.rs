//! The same over gRPC: the services of `windlass-rpc`, health and reflection, on the port of REST.
//!
//! ```text
//!   call ─► who is it? ─► may they ask so often? ─► is it all here, and not too much? ─► objects · runs, as REST asks them ─► answer
//! ```
//!
//! A method takes a message apart, asks what REST asks, and makes a message of the answer. Rights, admission, paging, the record and
//! problems are not decided here.

mod agents;
mod counted;
mod health;
mod logs;
mod messages;
mod objects;
mod operating;
mod people;
mod runs;
mod status;

use std::future::Future;
use std::pin::Pin;
use std::time::Instant;

use axum::Router;
use axum::body::Body;
use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use axum::routing::post;
use futures_util::stream::{Stream, StreamExt as _};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use tonic::Status;
use tonic::codegen::Service;
use windlass_model::code;
use windlass_rpc::v1::agents_server::AgentsServer;
use windlass_rpc::v1::audit_server::AuditServer;
use windlass_rpc::v1::inventory_server::InventoryServer;
use windlass_rpc::v1::logs_server::LogsServer;
use windlass_rpc::v1::objects_server::ObjectsServer;
use windlass_rpc::v1::operating_server::OperatingServer;
use windlass_rpc::v1::people_server::PeopleServer;
use windlass_rpc::v1::runs_server::RunsServer;

use crate::answer::Problem;
use crate::api::{Api, MOST_BYTES};
use crate::caller::Caller;

pub use self::counted::CalledTally;
pub(crate) use self::counted::{Called, Place};
pub use self::messages::look;

/// What takes calls whose caller is known.
#[derive(Clone, Copy, Debug)]
struct Calls;

/// Messages on their way to a client.
type Sending<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What is called by somebody who says who they are.
const SERVICES: [&str; 8] = [
    "windlass.v1.Objects",
    "windlass.v1.Runs",
    "windlass.v1.Logs",
    "windlass.v1.People",
    "windlass.v1.Agents",
    "windlass.v1.Audit",
    "windlass.v1.Inventory",
    "windlass.v1.Operating",
];

/// How many calls of those who need not say who they are may be under way at once.
pub(crate) const STRANGERS: usize = 256;
/// The largest message of one of them.
const LITTLE: usize = 64 << 10;

/// Where they come in.
pub(crate) fn routes() -> Router<Api> {
    SERVICES
        .into_iter()
        .map(|service| (service, false))
        .chain(health::SERVICES.iter().map(|service| (*service, true)))
        .fold(Router::new(), |router, (service, is_open)| {
            let path = format!("/{service}/{{call}}");
            let serve = move |State(api): State<Api>, request: Request| serve(api, service, is_open, request);
            router.route(&path, post(serve))
        })
}

/// A call, from its beginning until its answer begins; what comes then is counted when it ends.
async fn serve(api: Api, service: &'static str, is_open: bool, request: Request) -> Response {
    if let Err(problem) = is_grpc(&request) {
        return problem.into_response();
    }
    let place = Place::of(service, request.uri().path());
    let begun = Instant::now();
    let answer = match is_open {
        true => open(&api, service, request).await,
        false => known(&api, service, request).await,
    };
    api.called().count(place, begun, answer)
}

/// What is no gRPC is answered as REST answers, which is what such a client understands.
fn is_grpc(request: &Request) -> Result<(), Problem> {
    if request.version() != Version::HTTP_2 {
        let problem = Problem::bad("this is a call of gRPC, which is spoken over HTTP/2");
        return Err(problem.hint("ask the same of REST, or let the client speak HTTP/2"));
    }
    let media = request.headers().get(header::CONTENT_TYPE).and_then(|media| media.to_str().ok());
    if !media.is_some_and(|media| media.starts_with("application/grpc")) {
        let detail = "this is a call of gRPC, whose type is application/grpc";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, &code::BAD_QUERY, detail));
    }
    Ok(())
}

/// A call of somebody who says who they are. Nothing of it is read before that.
async fn known(api: &Api, service: &str, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    let heard = async {
        let caller = Caller::from_request_parts(&mut parts, api).await?;
        Ok((caller, whole(api, body).await?))
    };
    let request = match heard.await {
        Ok((caller, body)) => {
            parts.extensions.insert(caller);
            Request::from_parts(parts, body)
        }
        Err(problem) => return refused(problem),
    };
    macro_rules! by {
        ($server:ident) => {
            called($server::new(Calls).max_decoding_message_size(MOST_BYTES), request).await
        };
    }
    match service {
        "windlass.v1.Objects" => by!(ObjectsServer),
        "windlass.v1.Runs" => by!(RunsServer),
        "windlass.v1.People" => by!(PeopleServer),
        "windlass.v1.Agents" => by!(AgentsServer),
        "windlass.v1.Audit" => by!(AuditServer),
        "windlass.v1.Inventory" => by!(InventoryServer),
        "windlass.v1.Operating" => by!(OperatingServer),
        _ => by!(LogsServer),
    }
}

/// A call of anybody: about the server, and not about what it keeps.
async fn open(api: &Api, service: &str, request: Request) -> Response {
    let Ok(permit) = api.strangers().try_acquire_owned() else {
        let detail = "too many ask without saying who they are";
        return refused(Problem::new(StatusCode::TOO_MANY_REQUESTS, &code::TOO_OFTEN, detail));
    };
    let answer = health::answer(api, service, request).await;
    // For as long as the answer lasts.
    answer.map(|body| {
        Body::new(body.map_frame(move |frame| {
            let _ = &permit;
            frame
        }))
    })
}

async fn called<S>(mut service: S, request: Request) -> Response
where
    S: Service<Request, Response = axum::http::Response<tonic::body::Body>, Error = std::convert::Infallible>,
{
    match service.call(request).await {
        Ok(answer) => answer.map(Body::new),
        Err(never) => match never {},
    }
}

fn refused(problem: Problem) -> Response {
    Status::from(problem).into_http::<Body>()
}

/// What is sent with a call, when all of it has come in its time.
async fn whole(api: &Api, body: Body) -> Result<Body, Problem> {
    let within = api.parts().limits.body_within;
    // A byte and a length come before a message.
    let collected = Limited::new(body, MOST_BYTES.saturating_add(5)).collect();
    let collected = tokio::time::timeout(within, collected).await.map_err(|_| Problem::too_slow())?;
    match collected {
        Ok(collected) => Ok(Body::from(collected.to_bytes())),
        Err(error) if error.is::<LengthLimitError>() => {
            let detail = format!("a call takes {MOST_BYTES} bytes at the most");
            Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, &code::TOO_LARGE, detail))
        }
        Err(error) => Err(Problem::bad(format!("what was sent broke off: {error}"))),
    }
}

/// Who calls, and what they send.
fn heard<T>(request: tonic::Request<T>) -> Result<(Caller, T), Status> {
    let caller = request.extensions().get::<Caller>().cloned();
    let caller = caller.ok_or_else(|| Status::from(Problem::unauthenticated()))?;
    Ok((caller, request.into_inner()))
}

/// The answer to a call.
async fn answer<T>(asked: impl Future<Output = Result<T, Problem>>) -> Result<tonic::Response<T>, Status> {
    Ok(tonic::Response::new(asked.await?))
}

/// The answer to a call that goes on: until there is no more, until something is wrong, or until the server ends.
fn stream<T: 'static, U: Send + 'static>(
    caller: &Caller,
    told: impl Stream<Item = Result<T, Problem>> + Send + 'static,
    make: impl Fn(T) -> U + Send + 'static,
) -> Sending<U> {
    let told = told.map(move |told| told.map(&make).map_err(Status::from));
    let told = crate::stream::while_known(caller, told, Status::from);
    Box::pin(crate::stream::until_end(caller.api(), told, || Status::from(Problem::ending())))
}
