//! The Params derive.
