//! Names and patterns of nodes, written out, left out and refused.

use serde_json::json;

use super::*;
use crate::target::NodeEntry;

fn freeze(nodes: &[&str], exclude: &[&str]) -> Result<Resolved, Vec<Problem>> {
    let written = Targets {
        nodes: nodes.iter().map(|name| NodeEntry::Name((*name).into())).collect(),
        exclude_nodes: exclude.iter().map(|name| (*name).into()).collect(),
        ..Targets::default()
    };
    targets(
        &written,
        &Means::plain(&|text| match text {
            "{{ params.nodes }}" => Ok(json!(["a1", "b[1-2]", {"name": "c", "labels": {"rack": "r1"}}])),
            "{{ params.one }}" => Ok(json!("x[1-2]")),
            "{{ params.odd }}" => Ok(json!(5)),
            _ => Err(format!("{text} is not defined")),
        }),
    )
}

fn names(nodes: &[&str], exclude: &[&str]) -> String {
    match freeze(nodes, exclude) {
        Ok(resolved) => resolved.targets.names().collect::<Vec<_>>().join(" "),
        Err(problems) => {
            let shown: Vec<String> =
                problems.iter().map(|problem| format!("{} {}", problem.code, problem.pointer)).collect();
            shown.join(", ")
        }
    }
}

#[test]
fn writes_patterns_out() {
    for (nodes, expect) in [
        (&["web01"][..], "web01"),
        (&["web0[2-4]"], "web02 web03 web04"),
        (&["db[abc]"], "dba dbb dbc"),
        (&["db[a-c]x"], "dbax dbbx dbcx"),
        (&["web[08-11]"], "web08 web09 web10 web11"),
        (&["web[9-11]"], "web9 web10 web11"),
        (&["n[1-2,5]"], "n1 n2 n5"),
        (&["n{1..3}"], "n1 n2 n3"),
        (&["n{09..11}"], "n09 n10 n11"),
        (&["{red,blue}-1"], "red-1 blue-1"),
        (&["r{1..2}-n[1-2]"], "r1-n1 r1-n2 r2-n1 r2-n2"),
        (&["b", "a", "b", "[ab]"], "b a"),
        (&["root@[2001:db8::1]:22"], "root@[2001:db8::1]:22"),
        (&["{{ params.nodes }}", "a1"], "a1 b1 b2 c"),
        (&["{{ params.one }}"], "x1 x2"),
    ] {
        assert_eq!(names(nodes, &[]), expect, "{nodes:?}");
    }
}

#[test]
fn leaves_out() {
    for (exclude, expect) in [
        (&["web2"][..], "web1 web3 db1"),
        (&["web*"], "db1"),
        (&["web?"], "db1"),
        (&["*[13]"], "web2"),
        (&["web[!2]"], "web2 db1"),
        (&["{web,db}1"], "web2 web3"),
        (&["{w,d}*1"], "web2 web3"),
        (&["*"], "WL-0218 "),
    ] {
        assert_eq!(names(&["web[1-3]", "db1"], exclude), expect, "{exclude:?}");
    }
}

#[test]
fn refuses() {
    for (nodes, exclude, expect) in [
        (&[][..], &[][..], "WL-0218 "),
        (&["web*"], &[], "WL-0219 /nodes/0"),
        (&["a", "/web.*/"], &[], "WL-0219 /nodes/1"),
        (&["web[1-"], &[], "WL-0219 /nodes/0"),
        (&["web[9-2]"], &[], "WL-0219 /nodes/0"),
        (&["web{1..x}"], &[], "WL-0219 /nodes/0"),
        (&["web}"], &[], "WL-0219 /nodes/0"),
        (&["{a}"], &[], "WL-0219 /nodes/0"),
        (&["a b"], &[], "WL-0202 /nodes/0"),
        (&["", "ü"], &[], "WL-0201 /nodes/0, WL-0202 /nodes/1"),
        (&["n{1..9999999}"], &[], "WL-0220 /nodes/0"),
        (&["n{1..999999999999999999}{1..999999999999999999}"], &[], "WL-0220 /nodes/0"),
        (&["n{1..1000000}", "one-more"], &[], "WL-0220 /nodes/1"),
        (&["{{ params.odd }}"], &[], "WL-0104 /nodes/0"),
        (&["{{ params.nope }}"], &[], "WL-0210 /nodes/0"),
        (&["a"], &["/x/"], "WL-0219 /excludeNodes/0"),
    ] {
        assert_eq!(names(nodes, exclude), expect, "{nodes:?} {exclude:?}");
    }
}

#[test]
fn warns_of_exclusions_of_nothing() {
    let resolved = freeze(&["a", "b"], &["b", "c*"]).unwrap();
    assert_eq!(resolved.warnings.len(), 1);
    assert_eq!(resolved.warnings[0].pointer, "/excludeNodes/1");
}

#[test]
fn ends_where_names_only_repeat() {
    let written = Targets {
        nodes: vec![NodeEntry::Name("n{1..1000000}".into()); 1000],
        exclude_nodes: Vec::new(),
        ..Targets::default()
    };
    let problems = targets(&written, &Means::plain(&|text| Err(text.to_owned()))).unwrap_err();
    assert_eq!(problems.iter().map(|problem| problem.code.as_str()).collect::<Vec<_>>(), ["WL-0220"]);
}

#[test]
fn a_million_names() {
    assert_eq!(freeze(&["n{0000001..1000000}"], &["n*99999"]).unwrap().targets.len(), 999_990);
}
