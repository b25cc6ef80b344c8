//! What anybody may call, and what is counted.

use serde_json::json;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;
use tonic_reflection::pb::v1::server_reflection_response::MessageResponse;
use windlass_rpc::v1;

use super::super::client::Place;
use super::{Services, channel, problem};

#[tokio::test]
async fn anybody_may_ask_whether_it_is_well() {
    let place = Place::new().await;
    let mut health = HealthClient::new(channel(&place).await);
    for service in
        ["", "windlass.v1.Objects", "windlass.v1.Runs", "windlass.v1.Logs", "windlass.v1.Operating"]
    {
        let asked = HealthCheckRequest { service: service.into() };
        assert_eq!(
            health.check(asked).await.unwrap().into_inner().status(),
            ServingStatus::Serving,
            "{service}"
        );
    }
    let asked = HealthCheckRequest { service: "nothing".into() };
    assert_eq!(health.check(asked.clone()).await.unwrap_err().code(), Code::NotFound);
    let mut watched = health.watch(asked).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::ServiceUnknown);
    let asked = HealthCheckRequest { service: String::new() };
    let mut watched = health.watch(asked).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
}

#[tokio::test]
async fn anybody_may_ask_which_calls_there_are() {
    let place = Place::new().await;
    let mut reflection = ServerReflectionClient::new(channel(&place).await);
    let ask = |what| ServerReflectionRequest { host: String::new(), message_request: Some(what) };
    let asked = [
        ask(MessageRequest::ListServices(String::new())),
        ask(MessageRequest::FileContainingSymbol("windlass.v1.Runs".into())),
    ];
    let asked = futures_util::stream::iter(asked);
    let mut answers = reflection.server_reflection_info(asked).await.unwrap().into_inner();
    let Some(MessageResponse::ListServicesResponse(list)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no list");
    };
    let names: Vec<&str> = list.service.iter().map(|it| it.name.as_str()).collect();
    for service in [
        "windlass.v1.Objects",
        "windlass.v1.Runs",
        "windlass.v1.Logs",
        "windlass.v1.People",
        "windlass.v1.Agents",
        "windlass.v1.Audit",
        "windlass.v1.Inventory",
        "windlass.v1.Operating",
        "grpc.health.v1.Health",
    ] {
        assert!(names.contains(&service), "{names:?}");
    }
    let Some(MessageResponse::FileDescriptorResponse(files)) =
        answers.message().await.unwrap().unwrap().message_response
    else {
        panic!("no file");
    };
    assert!(!files.file_descriptor_proto.is_empty());
}

#[tokio::test]
async fn calls_are_counted_by_how_they_end_and_what_is_made_up_is_one() {
    let place = Place::new().await;
    let Services { mut objects, .. } = Services::new(&place, &place.admin).await;
    objects.kinds(v1::KindsRequest {}).await.unwrap();
    let missing = v1::GetRequest { kind: "Node".into(), name: "none".into(), ..Default::default() };
    objects.get(missing).await.unwrap_err();
    let watch = v1::WatchRequest { kind: "Node".into(), ..Default::default() };
    drop(objects.watch(watch).await.unwrap());
    let stranger = Services::new(&place, "").await.objects.kinds(v1::KindsRequest {}).await.unwrap_err();
    assert_eq!((stranger.code(), &*problem(&stranger).code), (Code::Unauthenticated, "WL-1001"));
    for number in 0..20 {
        let path = format!("/windlass.v1.Objects/Made{number}").parse().unwrap();
        let mut grpc = tonic::client::Grpc::new(channel(&place).await);
        grpc.ready().await.unwrap();
        let mut request = tonic::Request::new(v1::KindsRequest {});
        let token = format!("Bearer {}", place.admin).parse().unwrap();
        request.metadata_mut().insert("authorization", token);
        let codec = tonic_prost::ProstCodec::<v1::KindsRequest, v1::KindsAnswer>::default();
        assert_eq!(grpc.unary(request, path, codec).await.unwrap_err().code(), Code::Unimplemented);
    }
    let has = |text: &str, line: &str| text.lines().any(|it| it == line);
    // A call that was left is counted when the server has heard of it.
    let text = loop {
        let text = place.ask(&place.admin, "GET", "/metrics", None).await.text;
        if text.contains("call=\"windlass.v1.Objects/Watch\",code=\"CANCELLED\"") {
            break text;
        }
        tokio::task::yield_now().await;
    };
    for line in [
        "windlass_grpc_calls_total{call=\"windlass.v1.Objects/Kinds\",code=\"OK\"} 1",
        "windlass_grpc_calls_total{call=\"windlass.v1.Objects/Kinds\",code=\"UNAUTHENTICATED\"} 1",
        "windlass_grpc_calls_total{call=\"windlass.v1.Objects/Get\",code=\"NOT_FOUND\"} 1",
        "windlass_grpc_calls_total{call=\"none\",code=\"UNIMPLEMENTED\"} 20",
    ] {
        assert!(has(&text, line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("Made1"));
}

#[tokio::test]
async fn who_speaks_http_1_or_no_grpc_is_told_so() {
    let place = Place::new().await;
    let path = "/windlass.v1.Objects/Kinds";
    let answer = place.ask_as(&place.admin, "POST", path, "application/grpc", Some(&json!({}))).await;
    assert_eq!((answer.status.as_u16(), &answer.body["code"]), (400, &json!("WL-0906")));
    let answer = place.ask(&place.admin, "GET", path, None).await;
    assert_eq!(answer.status.as_u16(), 405);
}
