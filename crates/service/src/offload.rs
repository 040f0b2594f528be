//! Work that takes a processor for long, kept off the async threads.

use tokio::sync::Semaphore;

use crate::error::{KmsError, Result};

/// At most this many run at once; the others wait without holding a thread.
static PERMITS: Semaphore = Semaphore::const_new(4);

/// Runs `work` on a thread where it delays nobody. Work that has begun is finished even when its caller has gone.
pub(crate) async fn offload<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let permit = PERMITS.acquire().await.map_err(KmsError::internal)?;
    let done = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work()
    });
    done.await.map_err(KmsError::internal)
}
