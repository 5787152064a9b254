//! TLS with a certificate made for this test.

use std::io::{Read, Write};
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::*;

const CERTIFICATE: &[u8] = include_bytes!("../../../testdata/localhost.pem");
const KEY: &[u8] = include_bytes!("../../../testdata/localhost.key");

fn tls_config(folder: &std::path::Path) -> Config {
    let (certificate, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&certificate, CERTIFICATE).unwrap();
    std::fs::write(&key, KEY).unwrap();
    Config { transport: Transport::Tls { certificate, key }, ..config(folder) }
}

fn get_healthz(address: std::net::SocketAddr) -> String {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = "localhost".try_into().unwrap();
    let client = rustls::ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream = rustls::StreamOwned::new(client, std::net::TcpStream::connect(address).unwrap());
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").unwrap();
    let mut reply = String::new();
    stream.read_to_string(&mut reply).unwrap();
    reply
}

#[tokio::test]
async fn a_relay_with_a_certificate_speaks_tls() {
    let folder = tempfile::tempdir().unwrap();
    let relay = start_at(tls_config(folder.path()), Arc::new(|| START)).await.unwrap();
    let address = relay.addr;
    let reply = tokio::task::spawn_blocking(move || get_healthz(address)).await.unwrap();
    assert!(reply.starts_with("HTTP/1.1 200"), "{reply}");
    relay.stop().await;
}

#[tokio::test]
async fn a_key_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let config = tls_config(folder.path());
    std::fs::write(folder.path().join("key.pem"), "not a key").unwrap();
    let error = start_at(config, Arc::new(|| START)).await.err().unwrap().to_string();
    assert!(error.contains("key.pem"), "{error}");
}
