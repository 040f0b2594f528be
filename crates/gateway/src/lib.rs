//! The shared gateway.
