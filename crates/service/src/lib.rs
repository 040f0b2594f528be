//! Operations, their registry, and the one path that every call takes: decode, authorize, execute.

mod access;
pub mod audit;
mod authentication;
mod authorize;
mod cached;
mod challenges;
pub mod connector;
mod context;
mod denial;
pub mod error;
pub mod guard;

mod jobs;
mod keys;
mod last_used;
mod lists;
mod managed_data_keys;
pub mod metrics;
mod nonces;
pub mod operation;
mod ops;
pub mod params;
mod pipeline;
mod quotas;
pub mod registry;
pub mod request;
mod rotation;
pub mod rotations;
mod rotations_asked;
pub mod rotator;
mod secrets;
mod service;
mod tokens;
mod uses;
mod values;
mod workers;

pub use audit::{AuditOptions, Queried};
pub use authorize::Granted;
pub use context::Context;
pub use denial::AccessDeniedDetail;
pub use error::{Code, KmsError, Result};
pub use jobs::Jobs;
pub use quotas::{AccountRate, Allowance, CallQuotas, Group, GroupRate, Rate};
pub use registry::{Answer, Entry};
pub use request::{Attempt, Call, Identity, Principal, RoleSession, SignedRequest, Source, UserIdentity};
pub use service::{Limits, Service, ServiceOptions};
