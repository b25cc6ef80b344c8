//! The digest is the same wherever and however often a submission was written down and read again.

use proptest::prelude::*;
use serde_json::{Number, json};

use super::*;
use crate::Value;
use crate::target::Node;

/// A submission with a value in each of the places in which a plan can hold one.
fn submission(value: &Value) -> Submission {
    let plan = json!({
        "apiVersion": "windlass.dev/v1",
        "kind": "Plan",
        "metadata": {"name": "numbers"},
        "spec": {
            "params": {"x": {"type": "number", "default": value, "min": value}},
            "vars": {"x": value},
            "blocks": [{"name": "b", "vars": {"x": value}, "targets": {"nodes": [{"name": "n", "vars": {"x": value}}]},
                        "sequence": [{"name": "a", "use": "work", "with": {"x": [value, {"y": value}]}}]}],
        },
    });
    let mut targets = Frozen::default();
    let vars: Map = [("x".to_owned(), value.clone())].into_iter().collect();
    targets.push(Node { name: "n".into(), vars: vars.clone(), facts: vars.clone(), ..Node::default() });
    Submission {
        run: RunId(uuid::Uuid::nil()),
        group: GroupId(uuid::Uuid::nil()),
        retry_of: None,
        plan: Arc::new(serde_json::from_value(plan).unwrap()),
        step_set: "default".into(),
        params: vars.clone(),
        others: Frozen::default(),
        targets: vec![targets],
        seed: u64::MAX,
        user: "ann".into(),
        at: Time::ZERO,
        done: vec![vec![0]],
        done_blocks: vec![0],
        carried: [("n".to_owned(), vars)].into_iter().collect(),
        noop: false,
        late: Late::default(),
        secrets_file: None,
    }
}

fn again(submission: &Submission) -> Submission {
    serde_json::from_slice(&serde_json::to_vec(submission).unwrap()).unwrap()
}

fn stays(value: Value) {
    let given = submission(&value);
    let read = again(&given);
    assert_eq!(read, given, "{value}");
    assert_eq!(read.digest(), given.digest(), "{value}");
    assert_eq!(again(&read).digest(), given.digest(), "{value}");
}

#[test]
fn numbers_of_every_size_are_kept_to_the_last_bit() {
    for float in [
        1e16,
        0.1 + 0.2,
        1.0,
        1e300,
        -0.0,
        0.0,
        5e-324,
        f64::MAX,
        f64::MIN_POSITIVE,
        1e21,
        1e-7,
        9_007_199_254_740_993.0,
        std::f64::consts::PI,
        2.718_281_828_459_045e-200,
    ] {
        stays(json!(float));
    }
    for number in [0, 1, (1 << 53) + 1, u64::MAX - 1, u64::MAX] {
        stays(json!(number));
    }
    stays(json!(i64::MIN));
}

#[test]
fn what_differs_has_another_digest() {
    let digest = |value: Value| submission(&value).digest();
    assert_ne!(digest(json!(1)), digest(json!(1.0)));
    assert_ne!(digest(json!(1)), digest(json!("1")));
    assert_ne!(digest(json!(0.0)), digest(json!(-0.0)));
    assert_ne!(digest(json!(u64::MAX)), digest(json!(u64::MAX - 1)));
    let given = submission(&json!(1));
    let carried = Submission { carried: BTreeMap::new(), ..given.clone() };
    let judged = Submission { done_blocks: Vec::new(), ..given.clone() };
    assert!(carried.digest() != given.digest() && judged.digest() != given.digest());
}

proptest! {
    #[test]
    fn a_digest_outlives_any_float(bits: u64) {
        // Whatever is no number in JSON cannot be given either.
        if let Some(number) = Number::from_f64(f64::from_bits(bits)) {
            stays(Value::Number(number));
        }
    }

    #[test]
    fn a_digest_outlives_any_whole_number(unsigned: u64, signed: i64) {
        stays(json!(unsigned));
        stays(json!(signed));
    }
}
