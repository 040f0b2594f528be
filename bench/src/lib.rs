//! Load program.
