//! Writes without their types: what the writer of SQLite queues.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Poll;

use tokio::sync::oneshot;

use crate::{BoxFuture, StoreError, Tx};

/// A write that can be run several times and answered once.
pub(crate) trait Job: Send {
    /// Runs the write and keeps what it answers; whether it succeeded.
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, bool>;

    /// Gives the caller what the last run answered, or what kept it from being committed.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

pub(crate) struct Write<F, T, E> {
    body: F,
    outcome: Option<Result<T, E>>,
    caller: oneshot::Sender<Result<T, E>>,
}

impl<F, T, E> Write<F, T, E> {
    pub(crate) fn new(body: F) -> (Self, oneshot::Receiver<Result<T, E>>) {
        let (caller, answer) = oneshot::channel();
        (Self { body, outcome: None, caller }, answer)
    }
}

impl<F, T, E> Job for Write<F, T, E>
where
    F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, E>> + Send + Sync,
    T: Send,
    E: From<StoreError> + Send,
{
    fn run<'t>(&'t mut self, tx: &'t mut Tx<'_>) -> BoxFuture<'t, bool> {
        Box::pin(async move {
            let outcome = caught(&self.body, tx).await;
            let good = outcome.is_ok();
            self.outcome = Some(outcome);
            good
        })
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let answer = match (committed, self.outcome) {
            (Ok(()), Some(outcome)) => outcome,
            (Ok(()), None) => Err(StoreError::Unavailable("the write was not run").into()),
            (Err(cause), _) => Err(cause.into()),
        };
        // A caller that went away wants no answer.
        let _ = self.caller.send(answer);
    }
}

/// Runs a write; a panic becomes an error, with a row counted as changed so that the transaction is undone.
pub(crate) async fn caught<F, T, E>(body: &F, tx: &mut Tx<'_>) -> Result<T, E>
where
    F: for<'t, 'c> Fn(&'t mut Tx<'c>) -> BoxFuture<'t, Result<T, E>>,
    E: From<StoreError>,
{
    let ran = {
        let mut future = Box::pin(async { body(tx).await });
        let polled = poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(outcome)) => Poll::Ready(Some(outcome)),
            Err(_) => Poll::Ready(None),
        });
        polled.await
    };
    ran.unwrap_or_else(|| {
        tx.changed_rows += 1;
        Err(StoreError::Panicked.into())
    })
}
