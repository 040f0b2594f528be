//! The shared gateway: HTTP, request forms, signatures, envelopes.
//!
//! A request is accepted (`listen`), read whole (`http`), taken apart (`rpc`, `form`), its signed text is built
//! (`signature`) for the service to check, the service runs the call, and the answer is rendered (`render`). The
//! gateway sees no access key secret and knows no operation but by its name.

mod date;
mod form;
mod http;
mod listen;
mod options;
mod percent;
mod proxies;
mod render;
mod respond;
mod rpc;
mod signature;
#[doc(hidden)]
pub mod testing;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

pub use listen::Listener;
pub use options::Options;
pub use proxies::Proxies;

use sesame_service::Service;

/// The shared gateway over one service.
#[derive(Debug)]
pub struct Gateway {
    service: Arc<Service>,
    options: Options,
    stopping: AtomicBool,
}

impl Gateway {
    /// A gateway that is not listening yet.
    pub fn new(service: Arc<Service>, options: Options) -> Arc<Self> {
        Arc::new(Self { service, options, stopping: AtomicBool::new(false) })
    }

    /// Whether connections must end after the request in hand.
    fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Relaxed)
    }
}
