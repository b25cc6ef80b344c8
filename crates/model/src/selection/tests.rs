//! One line to a selection and back.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn read_line(text: &str) -> Value {
    match text.parse::<Targets>() {
        Ok(targets) => serde_json::to_value(targets).unwrap(),
        Err(why) => json!(why.to_string()),
    }
}

#[test]
fn reads() {
    for (text, expect) in [
        ("web01", json!({"nodes": ["web01"]})),
        (" web* , db[1,3] ", json!({"nodes": ["web*", "db[1,3]"]})),
        ("{red,blue}-1,/^a{1,2},?$/", json!({"nodes": ["{red,blue}-1", "/^a{1,2},?$/"]})),
        (r"/a\/,b/ , x", json!({"nodes": [r"/a\/,b/", "x"]})),
        ("@web,@db-*", json!({"groups": ["web", "db-*"]})),
        ("role:db,!role:cache", json!({"roles": ["db"], "excludeRoles": ["cache"]})),
        ("label:rack=r1,x", json!({"labels": ["rack=r1"], "nodes": ["x"]})),
        ("label:rack in (r1,r2),x", json!({"labels": ["rack in (r1,r2)"], "nodes": ["x"]})),
        ("label:(rack=r1,!old)", json!({"labels": ["rack=r1,!old"]})),
        ("*,!@old,! web07", json!({"nodes": ["*"], "excludeNodes": ["web07"], "excludeGroups": ["old"]})),
        (
            "where:facts.os.name == 'a,b' and vars.x in [1,2]",
            json!({"where": ["facts.os.name == 'a,b' and vars.x in [1,2]"]}),
        ),
        ("where:(a) or (b),!where: c", json!({"where": ["(a) or (b)"], "excludeWhere": ["c"]})),
        ("where:((a) or (b))", json!({"where": ["(a) or (b)"]})),
        ("node:role:x,node:\"a,b\"", json!({"nodes": ["role:x", "a,b"]})),
        ("root@[2001:db8::1]:22", json!({"nodes": ["root@[2001:db8::1]:22"]})),
    ] {
        assert_eq!(read_line(text), expect, "{text}");
    }
}

#[test]
fn refuses() {
    for (text, expect) in [
        ("", "the selection is empty; `*` is everything"),
        ("a,,b", "nothing stands before or after a comma"),
        ("a,", "nothing stands before or after a comma"),
        ("!", "nothing stands after `!`"),
        ("@", "nothing stands after `@`"),
        ("role:", "nothing stands after `role:`"),
        ("a[1", "`a[1` lacks a ]"),
        ("label:a in (x", "`label:a in (x` lacks a )"),
        ("a)", "`a)` has a ) that nothing opens"),
        ("where:x == 'a", "`where:x == 'a` has a ' that is not closed"),
        ("/a", "`/a` lacks the / that ends the regular expression"),
        ("role:\"a", "`role:\"a` has a \" that is not closed"),
    ] {
        assert_eq!(read_line(text), json!(expect), "{text}");
    }
}

fn texts() -> impl Strategy<Value = Vec<String>> {
    let words = "[a-z*?.:@/(){}\\[\\]'\",! \\\\=-]{1,12}";
    let fine = "[a-z][a-z0-9*.-]{0,8}";
    prop::collection::vec(prop_oneof![fine, words], 0..3)
        .prop_map(|texts| texts.into_iter().filter(|text| !text.trim().is_empty()).collect())
}

proptest! {
    #[test]
    fn prints_what_reads_as_the_same(
        nodes in texts(), groups in texts(), labels in texts(), roles in texts(), wheres in texts(),
        excludes in texts(), exclude_where in texts(),
    ) {
        let targets = Targets {
            nodes: nodes.into_iter().map(NodeEntry::Name).collect(),
            groups: groups.into(),
            labels: labels.into(),
            roles: roles.into(),
            where_: wheres.into(),
            exclude_nodes: excludes.clone(),
            exclude_groups: excludes.into(),
            exclude_where: exclude_where.into(),
            ..Targets::default()
        };
        let line = targets.to_string();
        if line.is_empty() {
            prop_assert_eq!(targets, Targets::default());
        } else {
            prop_assert_eq!(line.parse::<Targets>().map_err(|why| why.to_string()), Ok(targets), "{}", line);
        }
    }
}
