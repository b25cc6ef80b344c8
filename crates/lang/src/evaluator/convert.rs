//! Values between JSON and the template engine, and how they are written into a text.

use minijinja::value::{Value as Inner, ValueKind};
use minijinja::{Error, ErrorKind, Output, State};
use windlass_model::{Map, Value};

use super::MAX_OUTPUT;
use super::trace::note;

/// How deep a result may be nested.
const MAX_DEPTH: usize = 64;

/// A scalar as the engine knows it. Lists and maps never come here.
pub(super) fn scalar(value: &Value) -> Inner {
    match value {
        Value::Bool(yes) => Inner::from(*yes),
        Value::String(text) => Inner::from(text.as_str()),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Inner::from(number),
            (None, Some(number)) => Inner::from(number),
            (None, None) => Inner::from(number.as_f64().unwrap_or(f64::NAN)),
        },
        _ => Inner::from(()),
    }
}

/// The JSON form of a result.
pub(super) fn to_json(value: &Inner) -> Result<Value, Error> {
    let mut room = MAX_OUTPUT;
    json(value, &mut room, MAX_DEPTH)
}

fn json(value: &Inner, room: &mut usize, depth: usize) -> Result<Value, Error> {
    let refuse = |message: &'static str| Err(Error::new(ErrorKind::InvalidOperation, message));
    let Some(depth) = depth.checked_sub(1) else { return refuse("the result is nested too deeply") };
    let cost = value.as_str().map_or(16, |text| text.len() + 16);
    let Some(left) = room.checked_sub(cost) else { return refuse("the result is too large") };
    *room = left;
    match value.kind() {
        ValueKind::None => Ok(Value::Null),
        ValueKind::Bool => Ok(Value::Bool(value.is_true())),
        ValueKind::Number => Ok(number(value)),
        ValueKind::String => Ok(Value::from(value.as_str().unwrap_or_default())),
        ValueKind::Seq | ValueKind::Iterable => value
            .try_iter()?
            .map(|item| json(&item, room, depth))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array),
        ValueKind::Map => {
            let mut map = Map::new();
            for key in value.try_iter()? {
                let item = json(&value.get_item(&key)?, room, depth)?;
                map.insert(key.to_string(), item);
            }
            Ok(Value::Object(map))
        }
        ValueKind::Undefined => {
            Err(Error::new(ErrorKind::UndefinedError, "part of the result is not defined"))
        }
        ValueKind::Invalid => match value.try_iter() {
            Err(why) => Err(why),
            Ok(_) => refuse("the result is not a value"),
        },
        _ => refuse("the result is not a value"),
    }
}

fn number(value: &Inner) -> Value {
    if value.is_integer() {
        if let Some(number) = value.as_i64() {
            return number.into();
        }
        if let Ok(number) = u64::try_from(value.clone()) {
            return number.into();
        }
    }
    f64::try_from(value.clone())
        .ok()
        .and_then(serde_json::Number::from_f64)
        .map_or(Value::Null, Value::Number)
}

/// Writes a value into a text: lists and maps as JSON, nothing as `null`.
pub(super) fn write(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Inner) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::Iterable => {
            let text = to_json(value)?.to_string();
            out.write_str(&text).map_err(|_| Error::new(ErrorKind::WriteFailure, "the text is too large"))
        }
        ValueKind::None => {
            out.write_str("null").map_err(|_| Error::new(ErrorKind::WriteFailure, "the text is too large"))
        }
        _ => {
            if let Some(text) = value.as_str() {
                note(state, text);
            }
            minijinja::escape_formatter(out, state, value)
        }
    }
}
