//! The guide page as a doctest, so that what it shows compiles and works.
#![doc = include_str!("../../../docs/guide/writing-a-plugin.md")]
