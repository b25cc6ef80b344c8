//! Pages of the guide as doctests, so that what they show compiles and works.
#![doc = include_str!("../../../docs/guide/library.md")]
#![doc = include_str!("../../../docs/guide/rehearsal.md")]
