//! A panic in one request is an error of that request, not the end of its connection.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

/// Runs a future to its end, or to its panic; then says what the panic said.
///
/// # Errors
/// The text of the panic.
pub async fn guarded<F: Future>(future: F) -> Result<F::Output, String> {
    let mut future = pin!(future);
    // Buffers that the future was writing are cleared by the caller, and locks do not poison.
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
        Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
        Ok(Poll::Pending) => Poll::Pending,
        Err(panic) => Poll::Ready(Err(said(&*panic))),
    })
    .await
}

fn said(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("panic: {}", text.unwrap_or("without a message"))
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[tokio::test]
    async fn a_panic_becomes_an_error() {
        assert_eq!(guarded(async { 1 }).await, Ok(1));
        let panicking = async {
            tokio::task::yield_now().await;
            panic!("boom {}", 1)
        };
        assert_eq!(guarded::<_>(panicking).await.map(|(): ()| ()), Err("panic: boom 1".to_owned()));
    }
}
