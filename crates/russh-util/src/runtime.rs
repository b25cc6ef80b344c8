//! Tasks.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A task came to no result: it panicked, or its runtime was shut down.
#[derive(Debug)]
pub struct JoinError;

impl std::fmt::Display for JoinError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the task came to no result")
    }
}

impl std::error::Error for JoinError {}

/// Waits for the result of a task. Dropped, the task goes on.
#[derive(Debug)]
pub struct JoinHandle<T: Send>(tokio::task::JoinHandle<T>);

/// Begins a task.
pub fn spawn<F, T>(future: F) -> JoinHandle<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    // An async block around it would hold it twice, as it was given and as it is waited for: 15 KB more for each connection.
    JoinHandle(tokio::spawn(Box::pin(future)))
}

impl<T: Send> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map_err(|_| JoinError)
    }
}

#[cfg(test)]
mod tests {
    use super::spawn;

    #[tokio::test]
    async fn a_result_is_handed_on_and_a_panic_is_an_error() {
        assert_eq!(spawn(async { 7 }).await.unwrap(), 7);
        let panics = spawn(async { panic!("on purpose") });
        assert_eq!(panics.await.unwrap_err().to_string(), "the task came to no result");
    }

    #[tokio::test]
    async fn a_task_goes_on_when_nobody_waits_for_it() {
        let (says, said) = tokio::sync::oneshot::channel();
        drop(spawn(async move { says.send(7) }));
        assert_eq!(said.await.unwrap(), 7);
    }
}
