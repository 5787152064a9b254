//! Stopping, and what survives a rule that panics.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::limits::{RETRY_MS_MAX, RETRY_MS_MIN};

#[tokio::test]
async fn a_stopping_relay_tells_live_streams_when_to_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let nurses = two_nurses(&relay).await;
    let mut stream = listen(&relay, &nurses.bens, nurses.ben.cursor.unwrap()).await;
    let (address, data) = (relay.addr, folder.path().to_owned());
    relay.stop().await;
    let retry: u64 = line(&mut stream, "retry:").await.unwrap().parse().unwrap();
    assert!((RETRY_MS_MIN..RETRY_MS_MAX).contains(&retry));
    assert_eq!(line(&mut stream, "data:").await, None, "and the stream has ended");
    assert!(TcpStream::connect(address).await.is_err());
    assert!(crate::data::DataDir::new(data).lock().is_ok(), "the directory is free again");
}

#[tokio::test]
async fn a_panic_in_a_rule_takes_back_one_request_and_the_relay_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let panic_next = Arc::new(AtomicBool::new(false));
    let trigger = panic_next.clone();
    let relay = start_at(config(folder.path()), Arc::new(|| START)).await.unwrap();
    let mut nurses = two_nurses(&relay).await;
    trigger.store(true, Ordering::SeqCst);
    let (device, entry) = (nurses.ann.id(), sealed(log("plan"), "lost"));
    let request = SyncRequest { cursor: nurses.ann.cursor, ..push(entry) };
    let outcome = relay
        .app
        .writer
        .run(move |desk| {
            let mut dice = |_: &mut [u8]| {
                assert!(!panic_next.load(Ordering::SeqCst), "the dice fell off the table");
            };
            match desk.relay.sync(desk.now, &mut dice, device, request) {
                Ok((answer, wake)) => (Ok(answer), wake),
                Err(problem) => (Err(problem), crate::rules::Wake::new()),
            }
        })
        .await;
    assert_eq!(outcome.unwrap_err().kind, ProblemKind::Internal);
    let answer = sync(&relay, &nurses.bens, &mut nurses.ben, SyncRequest::default()).await;
    assert!(answer.items.is_empty(), "nothing of it was kept");
    sync(&relay, &nurses.anns, &mut nurses.ann, push(sealed(log("plan"), "kept"))).await;
    let answer = sync(&relay, &nurses.bens, &mut nurses.ben, SyncRequest::default()).await;
    assert_eq!(answer.items, [Item::Entry(sealed(log("plan"), "kept"))]);
    relay.stop().await;
}
