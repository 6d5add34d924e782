//! Ctrl-C and SIGTERM: the first stops in an orderly way, the second at once.

use landfall::context::CancellationToken;

/// Cancels `token` at the first signal. GitLab sends SIGTERM to a job that is cancelled or out of time.
///
/// # Errors
/// When the system does not let us listen.
pub(crate) fn listen(token: CancellationToken) -> std::io::Result<()> {
    #[cfg(unix)]
    let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    tokio::spawn(async move {
        let mut first = true;
        loop {
            #[cfg(unix)]
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            #[cfg(not(unix))]
            let _ = tokio::signal::ctrl_c().await;
            if !first {
                leave();
            }
            first = false;
            token.cancel();
        }
    });
    Ok(())
}

/// The second signal: whoever sends it does not want to wait for anything.
#[expect(clippy::exit, reason = "a second Ctrl-C ends the process at once, by its documented exit code")]
fn leave() -> ! {
    std::process::exit(130)
}
