//! Values: JSON with its keys in the order in which they were written.

/// A JSON object with its keys in the order in which they were written.
pub type Map = serde_json::Map<String, serde_json::Value>;
