//! The policy language of the API (access-control reference, 2 to 4) and the decision function.
//!
//! Pure: no input or output, no clock, no async. A [`Document`] is parsed and checked once; a [`PolicySet`] indexes the
//! statements of all documents that apply to a caller; [`permits`] decides a request without allocating, and
//! [`decide`] decides it the same way and says which statements did it.
//!
//! Two rules hold whatever the documents say, and property tests keep them: a matching Deny is never outvoted, and
//! nothing that cannot be evaluated grants anything. An Allow that cannot be evaluated does not count; a Deny that
//! cannot be evaluated counts.

mod action;
mod condition;
mod decide;
mod document;
mod glob;
mod json;
mod outline;
mod principal;
mod resource;
mod set;
pub mod system;
pub mod testing;

pub use action::Action;
pub use condition::{ConditionKey, Context, NoContext, Value, Values};
pub use decide::{Basis, Decision, Failure, MatchedStatement, Policies, Refuser, decide, permits};
pub use document::{Dialect, Document, Effect, Kind, Malformed, Named};
pub use principal::Caller;
pub use resource::Resource;
pub use set::{Attachment, Policy, PolicySet, PolicyType, Request, Source, Verdict};
