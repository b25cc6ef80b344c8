//! Names as Cedar has them.

use std::str::FromStr as _;

use cedar_policy::{EntityId, EntityTypeName, EntityUid};

/// Something of a type.
pub(crate) fn uid(kind: &str, id: &str) -> Result<EntityUid, String> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| error.to_string())?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}
