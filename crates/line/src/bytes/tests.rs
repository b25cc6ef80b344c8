//! What is written on one side is read on the other, whatever the sizes.

use futures_util::StreamExt as _;
use proptest::prelude::*;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn every_byte_arrives_once_and_in_order(sizes in prop::collection::vec(0_usize..100_000, 0..12), at_once in 1_usize..70_000) {
        runtime().block_on(async {
            let (mut writer, pieces) = outgoing();
            let mut sent = Vec::new();
            for (n, size) in sizes.iter().enumerate() {
                sent.extend(std::iter::repeat_n(u8::try_from(n).unwrap(), *size));
            }
            let written = sent.clone();
            let writing = tokio::spawn(async move {
                for part in written.chunks(at_once) {
                    writer.write_all(part).await.unwrap();
                }
                writer.shutdown().await.unwrap();
            });
            let pieces = pieces.map(|piece| {
                assert!(piece.bytes.len() <= LARGEST);
                Ok::<_, String>(piece)
            });
            let mut arrived = Vec::new();
            Incoming::new(pieces).read_to_end(&mut arrived).await.unwrap();
            writing.await.unwrap();
            assert!(arrived == sent);
        });
    }
}

#[tokio::test]
async fn whoever_writes_waits_and_hears_that_nobody_reads() {
    let (mut writer, mut pieces) = outgoing();
    let writing = tokio::spawn(async move { writer.write_all(&vec![0; MOST * 2]).await });
    let first = pieces.next().await.unwrap();
    assert!(!first.bytes.is_empty() && first.bytes.len() <= LARGEST);
    assert!(!writing.is_finished());
    drop(pieces);
    assert_eq!(writing.await.unwrap().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[tokio::test]
async fn an_end_in_between_is_an_error_and_not_an_end() {
    let pieces = futures_util::stream::iter([
        Ok(Piece { bytes: Bytes::from_static(b"ab") }),
        Err("the connection was cut"),
    ]);
    let mut read = Incoming::new(pieces);
    let mut bytes = [0; 2];
    read.read_exact(&mut bytes).await.unwrap();
    assert_eq!(&bytes, b"ab");
    assert!(read.read(&mut bytes).await.unwrap_err().to_string().contains("cut"));
    assert_eq!(read.read(&mut bytes).await.unwrap(), 0);
}
