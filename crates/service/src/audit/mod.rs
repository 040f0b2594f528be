//! The record of every request that names an operation.
//!
//! A record holds what cannot be derived, in the members of an ActionTrail event (access control reference, 6.2);
//! [`expand`] makes the whole event of it. It is written once the outcome is known and before the answer is sent.

mod event;
mod expand;
pub mod facts;
mod index;
mod mask;
mod operator_event;
mod rotation;
mod server_event;
#[doc(hidden)]
pub mod testing;

use std::cell::RefCell;

use sesame_audit::{AuditLog, Kind};
use sesame_crypto::{HmacHash, HmacKey, SecretBytes};
use sesame_domain::{RegionId, Timestamp};

use crate::error::{Code, KmsError, Result};
use crate::registry::Entry;
use crate::rotator::RotationEvent;
pub(crate) use event::Recorded;
pub use expand::{event_id, expand};
pub use index::Queried;
pub(crate) use index::{Index, term};
pub use mask::{Mask, sensitivity};
pub(crate) use operator_event::OperatorEvent;
pub(crate) use server_event::{ServerAction, ServerEvent};

/// The audit trail of a service.
#[derive(Debug)]
pub struct AuditOptions {
    /// The open trail.
    pub log: AuditLog,
    /// The key under which values are masked.
    pub mask_key: SecretBytes,
    /// Whether plaintexts and secret values are hashed like other values instead of dropped.
    pub hash_secrets: bool,
    /// Which events can be queried.
    pub queried: Queried,
    /// Days for which they can.
    pub query_days: u64,
}

/// Records requests.
#[derive(Debug)]
pub(crate) struct Audit {
    log: AuditLog,
    pub(crate) index: Index,
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
        let index = Index::new(options.log.clone(), options.queried, options.query_days);
        Self { log: options.log, index, mask, region: region.as_str().to_owned(), operations }
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
        self.append(shape.kind(), |out| recorded.write(out, shape, &self.region, &self.mask)).await
    }

    /// As [`Audit::record`], for what no request asked for.
    pub(crate) async fn record_event(&self, event: &ServerEvent<'_>, request_id: &str, now: Timestamp) -> Result<()> {
        self.append(Kind::Event, |out| event.write(out, &self.region, request_id, now)).await
    }

    /// As [`Audit::record`], for what an operator asked for on the server's machine.
    pub(crate) async fn record_operator(
        &self,
        event: &OperatorEvent<'_>,
        request_id: &str,
        now: Timestamp,
    ) -> Result<()> {
        self.append(Kind::Event, |out| event.write(out, &self.region, request_id, now)).await
    }

    async fn append(&self, kind: Kind, write: impl FnOnce(&mut Vec<u8>)) -> Result<()> {
        // Copied into the batch before anything waits, so the buffer is free again at once.
        let appending = BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            write(buffer);
            let appending = self.log.append(kind, buffer);
            buffer.shrink_to(KEPT);
            appending
        });
        appending.await.map_err(unavailable)
    }

    /// Writes the record of an attempt to rotate a secret.
    pub(crate) async fn record_rotation(&self, event: &RotationEvent<'_>) -> Result<()> {
        let mut body = Vec::with_capacity(512);
        rotation::write(&mut body, event, &self.region);
        self.log.append(Kind::Event, &body).await.map_err(unavailable)
    }

    /// Whether the operation works on data with keys, or reads secrets.
    pub(crate) fn is_data(&self, operation: &Entry) -> bool {
        self.operations.get(operation.index).is_some_and(|shape| shape.kind() == Kind::Data)
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
