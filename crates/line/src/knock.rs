//! Whether a machine is there: somebody knocks at one of its ports.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;

/// How long a machine has to answer.
pub const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Whether anything answers at an address, be it that nothing listens there: also that, only a machine that is there can say.
pub async fn knock(address: SocketAddr) -> bool {
    match tokio::time::timeout(ANSWERS_WITHIN, TcpStream::connect(address)).await {
        Ok(Ok(_)) => true,
        Ok(Err(error)) => matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset),
        Err(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    #[tokio::test]
    async fn who_refuses_answers_too_and_who_is_not_there_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(knock(address).await);
        drop(listener);
        assert!(knock(address).await);
        // Nothing can be there.
        assert!(!knock("255.255.255.255:9".parse().unwrap()).await);
    }
}
