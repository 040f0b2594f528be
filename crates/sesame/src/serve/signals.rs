//! What the process is told by signals.

use anyhow::Result;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The signals that the server listens to. Registered before anything is bound, so that none is missed.
#[derive(Debug)]
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn register() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the wish to stop; says which signal it was.
    pub(super) async fn stop(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

/// The wish to read certificates again.
pub(super) fn hangup() -> Result<Signal> {
    Ok(signal(SignalKind::hangup())?)
}
