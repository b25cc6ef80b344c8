//! Tries a plugin without a run around it: for the tests of plugins.
