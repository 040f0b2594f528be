//! Operations, their registry, and the one path that every call takes: decode, authorize, execute.

pub mod audit;
mod authorize;
mod cached;
mod challenges;
mod context;
pub mod error;
pub mod guard;
mod identity;
mod jobs;
mod keys;
mod lists;
mod managed_data_keys;
pub mod metrics;
mod nonces;
pub mod operation;
mod ops;
pub mod params;
mod pipeline;
pub mod registry;
pub mod request;
mod rotation;
mod rotations_asked;
pub mod rotator;
mod secrets;
mod service;
mod values;
mod workers;

pub use audit::AuditOptions;
pub use authorize::Granted;
pub use context::Context;
pub use error::{Code, KmsError, Result};
pub use jobs::Jobs;
pub use registry::{Answer, Entry};
pub use request::{Attempt, Call, Principal, SignedRequest, Source};
pub use service::{Limits, Service, ServiceOptions};
