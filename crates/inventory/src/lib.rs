//! The inventory: which nodes there are, what they are a part of, what is known of them, and which of them are meant.
//!
//! ```text
//! texts ─ read ─┬─► Contents ─ build ─► Inventory ─┬─ choose ─► Frozen targets
//!               │                                  ├─ vars, blame
//! objects ──────┘                                  └─ ancestors, descendants
//! ```
//!
//! Pure: it is given texts and objects, and knows no files, no programs and no network. What nodes and
//! selections are, is `windlass-model`'s; expressions are judged through its `Evaluate`.
//!
//! Reading order: [`Contents`] (what an inventory is made of), [`Inventory`] (what can be asked of it).

mod build;
mod choose;
mod contents;
mod inventory;
mod matcher;
mod read;
mod set;

pub use self::contents::{Contents, Item, Level, NodeGroup, Place, Placed, Spot};
pub use self::inventory::{Group, Id, Inventory, Relative};
pub use self::read::{Form, NodeGroupSpec, NodeSpec, Read, Text, inventory_schema, read};
