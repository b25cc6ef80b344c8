//! Spans as they are sent: a request of OTLP.

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1 as otlp;
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link, SpanKind};
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use windlass_model::time::Time;

use crate::span::{Note, Says, Sort, Span, Word};

/// That the trace is kept, and that its id was drawn by chance.
const KEPT: u32 = 0b11;

/// All spans of one server.
pub(crate) fn request(spans: Vec<Span>, server: &[Says], version: &str) -> ExportTraceServiceRequest {
    let resource = Resource { attributes: server.iter().cloned().map(said).collect(), ..Resource::default() };
    let scope = InstrumentationScope {
        name: "windlass".to_owned(),
        version: version.to_owned(),
        ..InstrumentationScope::default()
    };
    let spans = spans.into_iter().map(span).collect();
    let scope_spans = vec![otlp::ScopeSpans { scope: Some(scope), spans, ..otlp::ScopeSpans::default() }];
    let all = otlp::ResourceSpans { resource: Some(resource), scope_spans, ..otlp::ResourceSpans::default() };
    ExportTraceServiceRequest { resource_spans: vec![all] }
}

fn span(span: Span) -> otlp::Span {
    let kind = match span.sort {
        Sort::Inside => SpanKind::Internal,
        Sort::Answered => SpanKind::Server,
    };
    let status = span.failed.map(|message| otlp::Status { code: StatusCode::Error.into(), message });
    let links = span.link.map(|link| Link {
        trace_id: link.trace.to_vec(),
        span_id: link.span.to_vec(),
        ..Link::default()
    });
    otlp::Span {
        trace_id: span.context.trace.to_vec(),
        span_id: span.context.span.to_vec(),
        parent_span_id: span.parent.map(Vec::from).unwrap_or_default(),
        flags: KEPT,
        name: span.name,
        kind: kind.into(),
        start_time_unix_nano: nanos(span.begun),
        // A clock that was set back makes nothing shorter than nothing.
        end_time_unix_nano: nanos(span.ended.max(span.begun)),
        attributes: span.says.into_iter().map(said).collect(),
        events: span.notes.into_iter().map(event).collect(),
        dropped_events_count: span.unnoted,
        links: links.into_iter().collect(),
        status,
        ..otlp::Span::default()
    }
}

fn event(Note { at, name, says }: Note) -> Event {
    Event {
        time_unix_nano: nanos(at),
        name: name.to_owned(),
        attributes: says.into_iter().map(said).collect(),
        ..Event::default()
    }
}

fn said((name, word): Says) -> KeyValue {
    let value = match word {
        Word::Text(text) => Value::StringValue(text),
        Word::Number(number) => Value::IntValue(number),
        Word::Is(is) => Value::BoolValue(is),
    };
    KeyValue { key: name.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}

fn nanos(time: Time) -> u64 {
    time.0.saturating_mul(1_000)
}
