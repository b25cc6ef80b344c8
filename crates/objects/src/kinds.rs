//! The kinds that there are, one file each.
//!
//! To add one: write its file with a [`Kind`], and name it in [`all`]. Storage, versions, watching, the API with its
//! document, the command line and the reference follow.

use crate::kind::{Kind, Reference, Surroundings};
use windlass_contract::Object;
use windlass_model::problem::Problem;

mod budget;
mod cluster_variables;
mod cluster_variables_binding;
mod freeze;
mod namespace;
mod node;
mod node_group;
mod plan;
mod policy;
mod role;
mod role_binding;
mod secret;
mod user;
mod variables;

pub use self::budget::{BUDGET, BudgetSpec};
pub use self::cluster_variables::{CLUSTER_VARIABLES, ClusterVariablesSpec};
pub use self::cluster_variables_binding::{CLUSTER_VARIABLES_BINDING, ClusterVariablesBindingSpec};
pub use self::freeze::{FREEZE, FreezeSpec};
pub use self::namespace::{NAMESPACE, NamespaceSpec, RetentionSpec};
pub use self::node::NODE;
pub use self::node_group::NODE_GROUP;
pub use self::plan::{DESCRIPTION, PLAN, of as plan_of};
pub use self::policy::{Beyond, LONGEST_RATE, POLICY, Per, PolicySpec, Rate};
pub use self::role::{BUILT_IN as BUILT_IN_ROLES, ROLE, RoleSpec, Rule};
pub use self::role_binding::{ROLE_BINDING, RoleBindingSpec};
pub use self::secret::{SECRET, SecretSpec};
pub use self::user::{USER, UserIdentity, UserSpec};
pub use self::variables::{VARIABLES, VariablesSpec};

static ALL: [&Kind; 14] = [
    &NAMESPACE,
    &USER,
    &ROLE,
    &ROLE_BINDING,
    &CLUSTER_VARIABLES,
    &CLUSTER_VARIABLES_BINDING,
    &NODE_GROUP,
    &NODE,
    &VARIABLES,
    &SECRET,
    &POLICY,
    &PLAN,
    &FREEZE,
    &BUDGET,
];

/// Every kind, in the order in which objects of a file are put: what others refer to first.
#[must_use]
pub fn all() -> &'static [&'static Kind] {
    &ALL
}

fn fine(_: &Object, _: &Surroundings<'_>) -> Vec<Problem> {
    Vec::new()
}

fn alone(_: &Object) -> Vec<Reference> {
    Vec::new()
}

/// The JSON Schema of a spec.
fn schema<T: schemars::JsonSchema>() -> windlass_model::Value {
    schemars::schema_for!(T).to_value()
}
