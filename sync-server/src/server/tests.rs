//! The server over real sockets on loopback, with a client of twenty lines.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_protocol::cbor;
use bedside_protocol::limits::BODY_BYTES_MAX;
use bedside_protocol::problem::{Problem, ProblemKind};
use bedside_protocol::statement::Role;
use bedside_protocol::wire::{
    CompareAnswer, CompareRequest, Cursor, Item, LiveEvent, Range, SessionAnswer, SyncAnswer, SyncRequest,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

use super::{Handle, start_at};
use crate::config::{ADDRESS_RATE, Config, DEVICE_RATE, Rate, Transport};
use crate::testkit::{Device, START, device, id_of, log, organisation, root, sealed, sealed_of};

mod stopping;
mod tls;

fn config(folder: &std::path::Path) -> Config {
    Config {
        data: folder.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        network_root: root(),
        transport: Transport::PlainHttp,
        behind_proxy: false,
        device_rate: DEVICE_RATE,
        address_rate: ADDRESS_RATE,
    }
}

async fn relay(folder: &std::path::Path) -> Handle {
    start_at(config(folder), std::sync::Arc::new(|| START)).await.unwrap()
}

struct Reply {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Reply {
    fn read<'b, T: minicbor::Decode<'b, ()>>(&'b self) -> T {
        assert_eq!(self.status, 200, "{}", self.head);
        assert!(self.head.contains("content-type: application/cbor"));
        cbor::decode(&self.body).unwrap()
    }

    fn problem(&self) -> Problem {
        assert!(
            self.head.contains("content-type: application/concise-problem-details+cbor"),
            "{}",
            self.head
        );
        let problem: Problem = cbor::decode(&self.body).unwrap();
        assert_eq!(problem.kind.status(), self.status);
        problem
    }
}

fn head(method: &str, path: &str, token: Option<&[u8; 32]>, length: usize) -> String {
    let token = token.map(|token| token.iter().map(|byte| format!("{byte:02x}")).collect::<String>());
    let sign_in = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    format!("{method} {path} HTTP/1.1\r\nhost: relay\r\n{sign_in}content-length: {length}\r\n\r\n")
}

async fn read_head(stream: &mut BufReader<TcpStream>) -> String {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert_ne!(stream.read_line(&mut head).await.unwrap(), 0, "closed after {head:?}");
    }
    head.to_lowercase()
}

async fn send(relay: &Handle, method: &str, path: &str, token: Option<&[u8; 32]>, body: &[u8]) -> Reply {
    let mut stream = BufReader::new(TcpStream::connect(relay.addr).await.unwrap());
    stream.write_all(head(method, path, token, body.len()).as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
    let head = read_head(&mut stream).await;
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    Reply { status, head, body }
}

async fn sign_in(relay: &Handle, device: &Device) -> [u8; 32] {
    let hello = send(relay, "POST", "/v1/session", None, &cbor::encode(&device.hello())).await;
    let prove = cbor::encode(&device.prove(&hello.read()));
    match send(relay, "POST", "/v1/session", None, &prove).await.read() {
        SessionAnswer::Session(session) => session.token,
        SessionAnswer::Challenge(_) => panic!("a session was expected"),
    }
}

async fn sync(relay: &Handle, token: &[u8; 32], device: &mut Device, mut request: SyncRequest) -> SyncAnswer {
    request.cursor = device.cursor;
    let answer: SyncAnswer =
        send(relay, "POST", "/v1/sync", Some(token), &cbor::encode(&request)).await.read();
    device.take(&answer);
    answer
}

struct Nurses {
    ann: Device,
    ben: Device,
    anns: [u8; 32],
    bens: [u8; 32],
}

async fn two_nurses(relay: &Handle) -> Nurses {
    let hospice = organisation("hospice");
    let (mut ann, mut ben) = (device("ann", Role::Nurse, &hospice), device("ben", Role::Nurse, &hospice));
    let (anns, bens) = (sign_in(relay, &ann).await, sign_in(relay, &ben).await);
    let statements = vec![ann.access(log("plan"), hospice.principal(), true, true).into()];
    sync(relay, &anns, &mut ann, SyncRequest { statements, ..Default::default() }).await;
    let subscribe = vec![log("plan")];
    sync(relay, &bens, &mut ben, SyncRequest { subscribe, ..Default::default() }).await;
    Nurses { ann, ben, anns, bens }
}

fn push(entry: Vec<u8>) -> SyncRequest {
    SyncRequest { entries: vec![entry.into()], ..Default::default() }
}

async fn listen(relay: &Handle, token: &[u8; 32], cursor: Cursor) -> BufReader<TcpStream> {
    let hex: String = cbor::encode(&cursor).iter().map(|byte| format!("{byte:02x}")).collect();
    let mut stream = BufReader::new(TcpStream::connect(relay.addr).await.unwrap());
    let path = format!("/v1/live?cursor={hex}");
    stream.write_all(head("GET", &path, Some(token), 0).as_bytes()).await.unwrap();
    let head = read_head(&mut stream).await;
    assert!(head.contains(" 200 ") && head.contains("text/event-stream"), "{head}");
    stream
}

/// The next line that begins with this, among chunk sizes, comments and blanks; `None` at the end of the stream.
async fn line(stream: &mut BufReader<TcpStream>, start: &str) -> Option<String> {
    let mut line = String::new();
    while stream.read_line(&mut line).await.ok()? > 0 {
        if let Some(rest) = line.strip_prefix(start) {
            return Some(rest.trim().to_owned());
        }
        if line == "0\r\n" {
            return None;
        }
        line.clear();
    }
    None
}

async fn event(stream: &mut BufReader<TcpStream>) -> LiveEvent {
    let data = line(stream, "data:").await.expect("the stream goes on");
    cbor::decode(&URL_SAFE_NO_PAD.decode(data).unwrap()).unwrap()
}

#[tokio::test]
async fn two_devices_sync_over_sockets() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let mut nurses = two_nurses(&relay).await;
    let entry = sealed(log("plan"), "a");
    let answer = sync(&relay, &nurses.anns, &mut nurses.ann, push(entry.clone())).await;
    assert_eq!(answer.receipts[0].refused, None);
    let answer = sync(&relay, &nurses.bens, &mut nurses.ben, SyncRequest::default()).await;
    assert_eq!(answer.items, [Item::Entry(entry.clone())]);
    let ranges = vec![Range::ALL.sum([])];
    let body = cbor::encode(&CompareRequest { ranges });
    let answer: CompareAnswer = send(&relay, "POST", "/v1/compare", Some(&nurses.bens), &body).await.read();
    assert_eq!(answer.listed[0].entries, [id_of(&entry)]);
    relay.stop().await;
}

#[tokio::test]
async fn what_was_answered_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let first = relay(folder.path()).await;
    let mut nurses = two_nurses(&first).await;
    let second = start_at(config(folder.path()), std::sync::Arc::new(|| START)).await;
    assert!(second.err().unwrap().to_string().contains("another relay is using the data directory"));
    sync(&first, &nurses.anns, &mut nurses.ann, push(sealed(log("plan"), "a"))).await;
    first.stop().await;
    let again = relay(folder.path()).await;
    let answer = sync(&again, &nurses.bens, &mut nurses.ben, SyncRequest::default()).await;
    assert!(!answer.reset);
    assert_eq!(answer.items.len(), 1);
    again.stop().await;
}

#[tokio::test]
async fn an_edit_reaches_a_listening_device_without_its_asking() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let mut nurses = two_nurses(&relay).await;
    let waiting = sealed(log("plan"), "waiting");
    sync(&relay, &nurses.anns, &mut nurses.ann, push(waiting.clone())).await;
    let mut stream = listen(&relay, &nurses.bens, nurses.ben.cursor.unwrap()).await;
    assert_eq!(event(&mut stream).await.items, [Item::Entry(waiting)], "what waits comes at once");
    let entry = sealed(log("plan"), "b");
    sync(&relay, &nurses.anns, &mut nurses.ann, push(entry.clone())).await;
    let heard = event(&mut stream).await;
    assert_eq!(heard.items, [Item::Entry(entry)]);
    let large = sealed_of(log("plan"), "large", 90 << 10);
    sync(&relay, &nurses.anns, &mut nurses.ann, push(large)).await;
    let hint = event(&mut stream).await;
    assert_eq!((hint.items.len(), hint.cursor), (0, heard.cursor), "it says: sync");
    nurses.ben.cursor = Some(heard.cursor);
    let answer = sync(&relay, &nurses.bens, &mut nurses.ben, SyncRequest::default()).await;
    assert_eq!(answer.items.len(), 1);
    sync(&relay, &nurses.bens, &mut nurses.ben, SyncRequest::default()).await;
    let after = sealed(log("plan"), "after");
    sync(&relay, &nurses.anns, &mut nurses.ann, push(after.clone())).await;
    assert_eq!(event(&mut stream).await.items, [Item::Entry(after)], "what was synced does not come again");
    relay.stop().await;
}

#[tokio::test]
async fn the_newest_streams_of_a_device_win() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let nurses = two_nurses(&relay).await;
    let cursor = nurses.ben.cursor.unwrap();
    let mut oldest = listen(&relay, &nurses.bens, cursor).await;
    let _second = listen(&relay, &nurses.bens, cursor).await;
    let _third = listen(&relay, &nurses.bens, cursor).await;
    assert_eq!(line(&mut oldest, "data:").await, None, "the oldest was closed");
    assert_eq!(relay.live_streams(), 2);
    relay.stop().await;
}

#[tokio::test]
async fn refusals_have_a_status_and_say_why() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let nurses = two_nurses(&relay).await;
    let kind = async |method: &str, path: &str, token: Option<&[u8; 32]>, body: &[u8]| {
        send(&relay, method, path, token, body).await.problem().kind
    };
    let anns = Some(&nurses.anns);
    assert_eq!(kind("POST", "/v1/sync", None, b"").await, ProblemKind::SignInNeeded);
    assert_eq!(kind("POST", "/v1/sync", Some(&[1; 32]), b"").await, ProblemKind::SignInNeeded);
    assert_eq!(kind("POST", "/v1/sync", anns, b"nonsense").await, ProblemKind::Malformed);
    assert_eq!(kind("POST", "/v1/session", None, b"").await, ProblemKind::Malformed);
    assert_eq!(kind("GET", "/v1/live?cursor=zz", anns, b"").await, ProblemKind::Malformed);
    assert_eq!(kind("GET", "/v1/sync", anns, b"").await, ProblemKind::NotFound);
    assert_eq!(kind("GET", "/etc/passwd", None, b"").await, ProblemKind::NotFound);
    let mut stream = BufReader::new(TcpStream::connect(relay.addr).await.unwrap());
    stream.write_all(head("POST", "/v1/sync", anns, BODY_BYTES_MAX + 1).as_bytes()).await.unwrap();
    assert!(read_head(&mut stream).await.contains(" 413 "));
    relay.stop().await;
}

#[tokio::test]
async fn a_device_that_asks_too_often_is_slowed_and_others_are_not() {
    let folder = tempfile::tempdir().unwrap();
    let slow = Config { device_rate: Rate { per_second: 1, burst: 3 }, ..config(folder.path()) };
    let relay = start_at(slow, std::sync::Arc::new(|| START)).await.unwrap();
    let nurses = two_nurses(&relay).await;
    let empty = cbor::encode(&SyncRequest::default());
    for _ in 0..2 {
        let reply = send(&relay, "POST", "/v1/sync", Some(&nurses.anns), &empty).await;
        assert_eq!(reply.status, 200);
    }
    let reply = send(&relay, "POST", "/v1/sync", Some(&nurses.anns), &empty).await;
    assert_eq!(reply.problem().kind, ProblemKind::SlowDown);
    assert!(reply.head.contains("retry-after: 1"));
    assert_eq!(send(&relay, "POST", "/v1/sync", Some(&nurses.bens), &empty).await.status, 200);
    relay.stop().await;
}

#[tokio::test]
async fn operators_see_health_and_numbers_that_name_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let mut nurses = two_nurses(&relay).await;
    sync(&relay, &nurses.anns, &mut nurses.ann, push(sealed(log("plan"), "a"))).await;
    assert_eq!(send(&relay, "GET", "/healthz", None, b"").await.status, 200);
    assert_eq!(send(&relay, "GET", "/readyz", None, b"").await.status, 200);
    let text = String::from_utf8(send(&relay, "GET", "/metrics", None, b"").await.body).unwrap();
    assert!(text.contains("bedside_relay_entries_stored_total 1"), "{text}");
    assert!(text.contains(r#"bedside_relay_requests_total{route="/v1/sync",status="200"}"#));
    let named = [nurses.ann.id().to_string(), log("plan").to_string(), "127.0.0.1".to_owned()];
    assert!(named.iter().all(|name| !text.contains(name)));
    relay.stop().await;
}

#[tokio::test]
async fn many_devices_push_at_once_and_share_commits() {
    let folder = tempfile::tempdir().unwrap();
    let relay = relay(folder.path()).await;
    let nurses = two_nurses(&relay).await;
    let relay = std::sync::Arc::new(relay);
    let pushes: Vec<_> = (0..40)
        .map(|n| {
            let (relay, token, cursor) = (relay.clone(), nurses.anns, nurses.ann.cursor);
            tokio::spawn(async move {
                let request = SyncRequest { cursor, ..push(sealed(log("plan"), &n.to_string())) };
                let reply = send(&relay, "POST", "/v1/sync", Some(&token), &cbor::encode(&request)).await;
                reply.read::<SyncAnswer>().receipts[0].refused.clone()
            })
        })
        .collect();
    for push in pushes {
        assert_eq!(push.await.unwrap(), None);
    }
    let reader = crate::data::DataDir::new(folder.path()).reader().unwrap();
    assert_eq!(crate::storage::Storage::totals(&reader).unwrap().entries, 40);
    std::sync::Arc::into_inner(relay).unwrap().stop().await;
}
