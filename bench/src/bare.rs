//! The yardstick: a hyper server that reads a request whole and answers constant bytes.

use anyhow::Result;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{HeaderMap, Request, Response, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use std::{convert::Infallible, sync::Arc};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
};
use tokio_rustls::TlsAcceptor;

/// The one answer a bare server gives.
#[derive(Debug)]
pub struct Constant {
    /// Headers; hyper adds `date` and `content-length`.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// Accepts for ever; each connection is a task, the TLS handshake part of it.
///
/// # Errors
/// When accepting fails.
pub async fn serve(listener: TcpListener, tls: Option<TlsAcceptor>, constant: Arc<Constant>) -> Result<()> {
    loop {
        let (stream, _) = listener.accept().await?;
        tokio::spawn(connection(stream, tls.clone(), Arc::clone(&constant)));
    }
}

/// A connection that breaks is the client's business and ends without a word.
async fn connection(stream: TcpStream, tls: Option<TlsAcceptor>, constant: Arc<Constant>) {
    let _ = stream.set_nodelay(true);
    match tls {
        None => answer(stream, constant).await,
        Some(acceptor) => {
            if let Ok(stream) = acceptor.accept(stream).await {
                answer(stream, constant).await;
            }
        }
    }
}

async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin, constant: Arc<Constant>) {
    let service = service_fn(|request: Request<Incoming>| {
        let constant = Arc::clone(&constant);
        async move {
            let _ = request.into_body().collect().await;
            let mut response = Response::new(Full::new(constant.body.clone()));
            response.headers_mut().clone_from(&constant.headers);
            Ok::<_, Infallible>(response)
        }
    });
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
