//! The JSON Schema of plan files.

use std::sync::OnceLock;

use windlass_model::Value;
use windlass_model::plan::Plan;

/// The schema of plan files (JSON Schema 2020-12), for editors and for `windlass schema plan`.
#[must_use]
pub fn plan_schema() -> &'static Value {
    static SCHEMA: OnceLock<Value> = OnceLock::new();
    SCHEMA.get_or_init(|| {
        let mut schema = schemars::schema_for!(Plan);
        schema.insert("$id".into(), "https://windlass.dev/schema/plan.json".into());
        schema.insert("title".into(), "Windlass plan".into());
        schema.insert("examples".into(), serde_json::json!([example()]));
        schema.to_value()
    })
}

fn example() -> Value {
    serde_json::json!({
        "apiVersion": "windlass.dev/v1",
        "kind": "Plan",
        "metadata": {"name": "rolling-patch"},
        "spec": {
            "params": {"release": {"type": "string", "required": true}},
            "blocks": [{
                "name": "patch",
                "targets": {"nodes": ["web0[1-9]"]},
                "concurrency": 3,
                "sequence": [
                    {"name": "patch", "use": "shell", "with": {"script": "patch {{ params.release }}"}},
                ],
            }],
        },
    })
}
