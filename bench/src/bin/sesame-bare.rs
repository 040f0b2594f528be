//! A bare hyper server that answers constant bytes: what any server of this kind costs before it does its work.

use anyhow::{Context, Result};
use bytes::Bytes;
use clap::Parser;
use hyper::{
    HeaderMap,
    header::{HeaderName, HeaderValue},
};
use sesame_bench::{
    bare::{self, Constant},
    tls,
};
use std::{
    fs,
    io::{Write, stdout},
    net::SocketAddr,
    path::PathBuf,
    sync::Arc,
    thread,
};
use tokio::net::TcpListener;

/// Answers every request with the same bytes.
#[derive(Parser)]
struct Options {
    /// Address to listen at; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// Bytes of the body, when no file is given.
    #[arg(long, default_value_t = 300)]
    body_size: usize,
    /// File that holds the body.
    #[arg(long, value_name = "FILE", conflicts_with = "body_size")]
    body_file: Option<PathBuf>,
    /// Header of the answer, instead of the usual ones; may be given several times.
    #[arg(long = "header", value_name = "NAME=VALUE")]
    headers: Vec<String>,
    /// Certificate chain, PEM: serve https.
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// Its private key, PEM.
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// Threads; by default one per processor.
    #[arg(long)]
    threads: Option<usize>,
}

fn main() -> Result<()> {
    let options = Options::parse();
    let threads = match options.threads {
        Some(threads) => threads,
        None => thread::available_parallelism()?.get(),
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?;
    runtime.block_on(serve(options))
}

async fn serve(options: Options) -> Result<()> {
    let constant = Arc::new(Constant { headers: headers(&options.headers)?, body: body(&options)? });
    let tls = match (&options.cert, &options.key) {
        (Some(certificate), Some(key)) => Some(tls::acceptor(certificate, key)?),
        _ => None,
    };
    let listener = TcpListener::bind(options.listen).await?;
    let scheme = if tls.is_some() { "https" } else { "http" };
    println!("{scheme}://{}", listener.local_addr()?);
    stdout().flush()?;
    // Serving in a task keeps the accept loop off the main thread, which is no worker of the runtime.
    tokio::spawn(bare::serve(listener, tls, constant)).await?
}

fn headers(given: &[String]) -> Result<HeaderMap> {
    let usual =
        ["content-type=application/json;charset=utf-8", "x-acs-request-id=381D5D33-BB8F-4A5E-9F62-B5D1F1D1C8A1"];
    let texts: Vec<&str> = if given.is_empty() { usual.to_vec() } else { given.iter().map(String::as_str).collect() };
    let mut headers = HeaderMap::new();
    for text in texts {
        let (name, value) = text.split_once('=').with_context(|| format!("{text} is not NAME=VALUE"))?;
        headers.append(HeaderName::try_from(name)?, HeaderValue::try_from(value)?);
    }
    Ok(headers)
}

/// The bytes of the file, or a JSON object of the size wanted.
fn body(options: &Options) -> Result<Bytes> {
    if let Some(path) = &options.body_file {
        return Ok(fs::read(path).with_context(|| format!("reading {}", path.display()))?.into());
    }
    let (start, end) = (r#"{"RequestId":""#, r#""}"#);
    let fill = options.body_size.saturating_sub(start.len() + end.len());
    Ok(format!("{start}{}{end}", "x".repeat(fill)).into())
}
