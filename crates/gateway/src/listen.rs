//! Accepting connections, and stopping without cutting a request.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rustls::ServerConfig;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

use crate::Gateway;
use crate::http::{Connection, Fault, Peer};

/// How long to wait when the system has no more file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);
/// The first byte of a TLS handshake.
const TLS_HANDSHAKE: u8 = 0x16;

/// An address that is bound, and whether it speaks TLS.
#[derive(Debug)]
pub struct Listener {
    /// The bound socket.
    pub tcp: TcpListener,
    /// The TLS configuration; none for plain HTTP.
    pub tls: Option<Arc<ServerConfig>>,
}

impl Gateway {
    /// Serves until `shutdown` resolves; then accepts no more, finishes the requests in flight, and returns. Requests
    /// that take longer than the stop timeout are left behind.
    pub async fn serve(self: Arc<Self>, listeners: Vec<Listener>, shutdown: impl Future<Output = ()>) {
        let (stop, stopping) = watch::channel(false);
        let limit = u32::try_from(self.options.connections).unwrap_or(u32::MAX >> 4);
        let permits = Arc::new(Semaphore::new(limit as usize));
        for listener in listeners {
            tokio::spawn(Arc::clone(&self).accept(listener, Arc::clone(&permits), stopping.clone()));
        }
        drop(stopping);
        shutdown.await;
        self.stopping.store(true, Ordering::Relaxed);
        let _ = stop.send(true);
        // Every connection holds a permit, so all of them together mean that no connection is left.
        let all_done = timeout(self.options.stop_timeout, permits.acquire_many(limit)).await;
        if all_done.is_err() {
            let left = limit as usize - permits.available_permits();
            tracing::warn!(connections = left, "stopped before every request was finished");
        }
    }

    async fn accept(self: Arc<Self>, listener: Listener, permits: Arc<Semaphore>, stopping: watch::Receiver<bool>) {
        let tls = listener.tls.map(TlsAcceptor::from);
        let mut stop = stopping.clone();
        let mut stop = pin!(stop.wait_for(|stopping| *stopping));
        loop {
            let accepted = async {
                // The semaphore is never closed.
                let permit = Arc::clone(&permits).acquire_owned().await.ok()?;
                Some((permit, listener.tcp.accept().await))
            };
            let accepted = tokio::select! {
                biased;
                _ = &mut stop => return,
                accepted = accepted => accepted,
            };
            match accepted {
                Some((permit, Ok((stream, peer)))) => {
                    let connection = Arc::clone(&self).connection(stream, peer, tls.clone(), stopping.clone(), permit);
                    tokio::spawn(connection);
                }
                Some((_, Err(error))) if is_about_one_connection(&error) => {}
                Some((_, Err(error))) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None => return,
            }
        }
    }

    async fn connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: SocketAddr,
        tls: Option<TlsAcceptor>,
        stopping: watch::Receiver<bool>,
        permit: OwnedSemaphorePermit,
    ) {
        // Without it answers are only slower.
        let _ = stream.set_nodelay(true);
        let peer = Peer { address: peer.ip().to_canonical(), tls: tls.is_some() };
        match tls {
            None => Connection::new(self, stream, peer, stopping).run().await,
            Some(acceptor) => self.tls_connection(stream, peer, acceptor, stopping).await,
        }
        drop(permit);
    }

    async fn tls_connection(
        self: Arc<Self>,
        stream: TcpStream,
        peer: Peer,
        acceptor: TlsAcceptor,
        stopping: watch::Receiver<bool>,
    ) {
        let mut stop = stopping.clone();
        let handshake = timeout(self.options.handshake_timeout, async {
            let mut first = [0];
            if stream.peek(&mut first).await? == 1 && first != [TLS_HANDSHAKE] {
                return Ok(Err(stream));
            }
            acceptor.accept(stream).await.map(Ok)
        });
        let shaken = tokio::select! {
            biased;
            _ = stop.wait_for(|stopping| *stopping) => return,
            shaken = handshake => shaken,
        };
        match shaken {
            Ok(Ok(Ok(stream))) => Connection::new(self, stream, peer, stopping).run().await,
            Ok(Ok(Err(plain))) => Connection::new(self, plain, peer, stopping).refuse(Fault::PlainOnTls).await,
            Ok(Err(error)) => tracing::debug!(peer = %peer.address, %error, "TLS handshake failed"),
            Err(_) => tracing::debug!(peer = %peer.address, "TLS handshake took too long"),
        }
    }
}

/// Whether accepting failed for a reason that ends with the connection it is about.
fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
