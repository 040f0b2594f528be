//! The audit trail: an append-only hash chain in files, checkpoints that are signed, and the proof that it is whole.
//!
//! One line of a file is one record: `{"seq":7,"prev":"…","event":{…},"hash":"…"}`. The hash is SHA-256 over the bytes
//! of the line up to `,"hash":`, and the next record names it as its `prev`, so whoever can run `sha256sum` can check
//! a record. What the members `event` and `data` hold is the service's business; this crate adds the records about
//! itself: `file` at the head of each file, `checkpoint` with a signature over all that went before, and `notice` for
//! whatever an auditor has to know (a start, a stop, a torn tail, records that were late, files that were removed).
//!
//! Records of data are staged first, in a file that is mapped into memory, and come into the chain in batches.
//!
//! A file that was written is never opened for writing again: after a crash or a failed write the chain goes on in
//! the next file, whose head names the bytes that the old one ends with and that are no record.

mod chain;
mod follow;
pub mod json;
mod keeper;
mod line;
mod log;
mod medium;
mod read;
mod staging;
mod verify;

pub use follow::Follow;
pub use line::{Kind, Line};
pub use log::{AuditLog, Durability, Options, ROUND, Unavailable};
pub use medium::{Disk, Files, Medium};
pub use read::{Records, files};
pub use staging::staged;
pub use verify::{Broken, Proof, Trust, verify};

#[doc(hidden)]
pub mod testing;

/// The public key, for auditors; in the folder of the trail.
pub const PUBLIC_KEY: &str = "public-key.pem";
/// The id of the trail: what is copied from it elsewhere is known by it; in the folder of the trail.
pub const TRAIL_ID: &str = "trail-id";
/// The newest record that is on disk, signed; in the folder of the trail.
pub const HEAD: &str = "head.json";
