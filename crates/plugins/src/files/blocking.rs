//! Work with files away from the threads that must not wait.

use windlass_plugin::CallError;

/// Does work that waits for a disk. It cannot be given up; what takes long looks at the cancellation itself.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, CallError> + Send + 'static,
) -> Result<T, CallError> {
    match tokio::task::spawn_blocking(work).await {
        Ok(done) => done,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(error) => Err(CallError::retryable("io", "the process is ending").because(&error)),
    }
}
