//! Connections: how many, with which TLS, and for how long when nothing moves.

use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::SystemTime;

use axum::Router;
use axum_server::accept::Accept;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep};

use crate::config::Transport;
use crate::limits::{CERTIFICATE_CHECK, CONNECTION_IDLE, CONNECTIONS_MAX, HEADER_TIME};

pub(super) enum ServeError {
    Listen(io::Error),
    Tls(String),
}

type Serving = (JoinHandle<io::Result<()>>, Option<JoinHandle<()>>);

/// Serves until the handle is told to stop. The second task looks after changed certificates.
pub(super) fn serve(
    listener: TcpListener,
    transport: &Transport,
    router: Router,
    handle: axum_server::Handle<SocketAddr>,
) -> Result<Serving, ServeError> {
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let mut server = axum_server::from_tcp(listener).map_err(ServeError::Listen)?.handle(handle);
    server.http_builder().http1().header_read_timeout(HEADER_TIME);
    server.http_builder().http2().max_concurrent_streams(64).max_header_list_size(16 << 10);
    let server = server.first_request_timeout(HEADER_TIME);
    let guard = Guard { connections: Arc::new(Semaphore::new(CONNECTIONS_MAX)) };
    match transport {
        Transport::PlainHttp => Ok((tokio::spawn(server.acceptor(guard).serve(service)), None)),
        Transport::Tls { certificate, key } => {
            let files = Files { certificate: certificate.clone(), key: key.clone() };
            let config = RustlsConfig::from_config(Arc::new(files.load().map_err(ServeError::Tls)?));
            let acceptor = RustlsAcceptor::new(config.clone()).handshake_timeout(HEADER_TIME).acceptor(guard);
            let served = tokio::spawn(server.acceptor(acceptor).serve(service));
            Ok((served, Some(tokio::spawn(files.watch(config)))))
        }
    }
}

struct Files {
    certificate: PathBuf,
    key: PathBuf,
}

impl Files {
    fn load(&self) -> Result<ServerConfig, String> {
        let wrong = |path: &PathBuf, why: String| format!("{}: {why}", path.display());
        let chain: Result<Vec<_>, _> =
            CertificateDer::pem_file_iter(&self.certificate).and_then(Iterator::collect);
        let chain = chain.map_err(|e| wrong(&self.certificate, e.to_string()))?;
        if chain.is_empty() {
            return Err(wrong(&self.certificate, "no certificate in it".to_owned()));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|e| wrong(&self.key, e.to_string()))?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|e| e.to_string())?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|e| wrong(&self.certificate, e.to_string()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(config)
    }

    fn changed(&self) -> [Option<SystemTime>; 2] {
        [&self.certificate, &self.key].map(|path| std::fs::metadata(path).and_then(|m| m.modified()).ok())
    }

    async fn watch(self, config: RustlsConfig) {
        let mut known = self.changed();
        loop {
            sleep(CERTIFICATE_CHECK).await;
            let changed = self.changed();
            if changed == known {
                continue;
            }
            match self.load() {
                Ok(loaded) => {
                    config.reload_from_config(Arc::new(loaded));
                    tracing::info!("took up the changed certificate");
                    known = changed;
                }
                Err(why) => tracing::warn!(why, "the changed certificate cannot be used; kept the old one"),
            }
        }
    }
}

/// Counts connections and watches each.
#[derive(Clone)]
struct Guard {
    connections: Arc<Semaphore>,
}

impl<S> Accept<TcpStream, S> for Guard {
    type Stream = Watched<TcpStream>;
    type Service = S;
    type Future = std::future::Ready<io::Result<(Self::Stream, S)>>;

    fn accept(&self, stream: TcpStream, service: S) -> Self::Future {
        let accepted = self.connections.clone().try_acquire_owned().map_err(io::Error::other);
        std::future::ready(accepted.and_then(|permit| {
            stream.set_nodelay(true)?;
            Ok((Watched::new(stream, permit), service))
        }))
    }
}

/// A connection that fails when for [`CONNECTION_IDLE`] nothing could be read or written.
struct Watched<I> {
    stream: I,
    idle: Pin<Box<Sleep>>,
    _permit: OwnedSemaphorePermit,
}

impl<I: Unpin> Watched<I> {
    fn new(stream: I, permit: OwnedSemaphorePermit) -> Self {
        Self { stream, idle: Box::pin(sleep(CONNECTION_IDLE)), _permit: permit }
    }

    fn watch<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.idle.as_mut().reset(Instant::now() + CONNECTION_IDLE);
            return polled;
        }
        ready!(self.idle.as_mut().poll(context));
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "nothing moved on this connection")))
    }
}

impl<I: AsyncRead + Unpin> AsyncRead for Watched<I> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.watch(context, polled)
    }
}

impl<I: AsyncWrite + Unpin> AsyncWrite for Watched<I> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
