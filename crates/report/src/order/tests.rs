//! The order of a plan with something of everything.

use super::elements;
use crate::fixture::{layout, rolling_patch, web};

#[test]
fn a_plan_is_listed_in_its_order() {
    let layout = layout(rolling_patch(), web(2));
    let listed: Vec<_> = elements(&layout)
        .map(|element| {
            assert_eq!(layout.find(&layout.address(element)), Some(element));
            layout.address(element)
        })
        .collect();
    insta::assert_snapshot!(listed.join("\n"));
}
