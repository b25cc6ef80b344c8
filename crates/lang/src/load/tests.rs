//! Addresses of what is wrong, also where the plan as a whole does not hold together.

use serde_json::json;

use super::*;

#[test]
fn makes_addresses_from_pointers() {
    let document = json!({"spec": {
        "params": {"release": {}},
        "checks": {"pre": [{"name": "c"}], "deferred": [{"name": "d"}]},
        "blocks": [
            {"name": "b", "sequence": [{"name": "a", "verify": [{"use": "p"}], "undo": {"with": {}}}],
             "checks": {"post": [{"name": "s"}]}},
            {"sequences": [{"name": "q", "actions": [{"name": "a"}]}]},
        ],
        "stepsets": {"maint": {"blocks": [{"name": "b"}]}},
        "deferred": [{"name": "tell", "actions": [{"name": "mail"}]}],
    }});
    for (pointer, expect) in [
        ("/spec/blcks", ""),
        ("/spec/params/release/tpye", "params.release"),
        ("/spec/checks/pre/0/x", "checks.pre/c"),
        ("/spec/checks/deferred/0/x", "checks.deferred/d"),
        ("/spec/blocks/0/x", "b"),
        ("/spec/blocks/0/checks/post/0/x", "b/checks.post/s"),
        ("/spec/blocks/0/sequence/0/x", "b/*/a"),
        ("/spec/blocks/0/sequence/0/verify/0/x", "b/*/a!verify/p"),
        ("/spec/blocks/0/sequence/0/undo/x", "b/*/a!undo"),
        ("/spec/blocks/1/sequences/0/actions/0/x", "[1]/q/a"),
        ("/spec/stepsets/maint/blocks/0/x", "maint:b"),
        ("/spec/deferred/0/actions/0/x", "deferred/tell/mail"),
    ] {
        assert_eq!(address_of(&document, pointer), expect, "{pointer}");
    }
}
