//! A thread of low priority, on which systems are logged in to: the clients derive keys for milliseconds then, and the
//! threads that serve connections have better things to do.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinSet;

/// Niceness of the thread. Beside a busy thread of niceness 0 it gets a tenth of its time.
const NICENESS: i32 = 10;

static ASIDE: LazyLock<Option<Runtime>> = LazyLock::new(|| {
    let lower = || {
        // Without the lower priority the work is done all the same.
        if let Err(cause) = rustix::process::nice(NICENESS) {
            tracing::warn!(%cause, "the priority of a thread of rotations could not be lowered");
        }
    };
    let runtime = Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("rotation")
        .on_thread_start(lower)
        .enable_all()
        .build();
    match runtime {
        Ok(runtime) => Some(runtime),
        Err(cause) => {
            tracing::warn!(%cause, "rotations have no thread of their own");
            None
        }
    }
});

/// Where such work is done; here when there is no thread for it.
fn handle() -> Handle {
    ASIDE.as_ref().map_or_else(Handle::current, |runtime| runtime.handle().clone())
}

/// Does something there; it ends when nobody waits for it any more. `None` after a panic.
pub(crate) async fn run<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> Option<T> {
    let mut tasks = JoinSet::new();
    tasks.spawn_on(work, &handle());
    tasks.join_next().await?.ok()
}

/// Does something there that takes the thread for itself; `None` after a panic.
pub(crate) async fn compute<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    handle().spawn_blocking(work).await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_done_aside_gives_way() {
        let niceness = || rustix::process::getpriority_process(None).unwrap();
        let here = niceness();
        let there = run(async move { niceness() }).await.unwrap();
        assert!(there > here || there == 19, "{here} {there}");
        assert_eq!(compute(niceness).await, Some(there));
        assert_eq!(niceness(), here);
        assert_eq!(compute(|| panic!("on purpose")).await.map(|(): ()| ()), None);
    }
}
