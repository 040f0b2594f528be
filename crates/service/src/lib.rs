//! Operations, their registry, and the one path that every call takes: decode, authorize, execute.

pub mod error;
pub mod params;
pub mod registry;
pub mod request;
