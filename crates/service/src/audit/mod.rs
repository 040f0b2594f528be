//! The record of every request that names an operation.
//!
//! A record holds what cannot be derived, in the members of an ActionTrail event (access control reference, 6.2);
//! [`expand`] makes the whole event of it. It is written once the outcome is known and before the answer is sent.

mod event;
mod expand;
pub mod facts;
mod mask;
mod rotation;
#[doc(hidden)]
pub mod testing;

use std::cell::RefCell;

use sesame_audit::AuditLog;
use sesame_crypto::{HmacHash, HmacKey, SecretBytes};
use sesame_domain::RegionId;

use crate::error::{Code, KmsError, Result};
use crate::rotator::RotationEvent;
pub(crate) use event::Recorded;
pub use expand::expand;
pub use mask::{Mask, sensitivity};

/// The audit trail of a service.
#[derive(Debug)]
pub struct AuditOptions {
    /// The open trail.
    pub log: AuditLog,
    /// The key under which values are masked.
    pub mask_key: SecretBytes,
    /// Whether plaintexts and secret values are hashed like other values instead of dropped.
    pub hash_secrets: bool,
}

/// Records requests.
#[derive(Debug)]
pub(crate) struct Audit {
    log: AuditLog,
    mask: Mask,
    region: String,
    operations: Vec<event::Shape>,
}

thread_local! {
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// What a buffer may keep between two records.
const KEPT: usize = 32 << 10;

impl Audit {
    pub(crate) fn new(options: AuditOptions, region: &RegionId) -> Self {
        // EXPOSE: the state of the HMAC is derived from the key.
        let key = HmacKey::new(HmacHash::Sha256, options.mask_key.expose());
        let mask = Mask::new(key, options.hash_secrets);
        let operations = crate::registry::ENTRIES.iter().map(event::Shape::of).collect();
        Self { log: options.log, mask, region: region.as_str().to_owned(), operations }
    }

    /// Refuses what could not be recorded.
    pub(crate) fn ready(&self) -> Result<()> {
        self.log.ready().map_err(unavailable)
    }

    /// Writes a record, and waits until it has left the process.
    pub(crate) async fn record(&self, recorded: Recorded<'_>) -> Result<()> {
        let Some(shape) = self.operations.get(recorded.operation.index) else {
            return Err(KmsError::internal("an operation without a place in the registry"));
        };
        // Copied into the batch before anything waits, so the buffer is free again at once.
        let appending = BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            recorded.write(buffer, shape, &self.region, &self.mask);
            let appending = self.log.append(shape.kind(), buffer);
            buffer.shrink_to(KEPT);
            appending
        });
        appending.await.map_err(unavailable)
    }

    /// Writes the record of an attempt to rotate a secret.
    pub(crate) async fn record_rotation(&self, event: &RotationEvent<'_>) -> Result<()> {
        let mut body = Vec::with_capacity(512);
        rotation::write(&mut body, event, &self.region);
        self.log.append(sesame_audit::Kind::Event, &body).await.map_err(unavailable)
    }

    pub(crate) fn is_up(&self) -> bool {
        self.log.is_up()
    }

    /// Records, failures, newest record, whether the trail takes records.
    pub(crate) fn counts(&self) -> [u64; 4] {
        [self.log.records(), self.log.failures(), self.log.head(), u64::from(self.log.is_up())]
    }
}

fn unavailable(cause: sesame_audit::Unavailable) -> KmsError {
    KmsError { cause: Some(Box::new(cause)), ..Code::ServiceUnavailableTemporary.into() }
}
