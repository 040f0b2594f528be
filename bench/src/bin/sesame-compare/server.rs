//! The two servers as child processes.

use anyhow::{Context, Result, bail};
use sesame_bench::process::Usage;
use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const START_LIMIT: Duration = Duration::from_secs(120);
const POLL: Duration = Duration::from_micros(500);

/// A child that is killed, and waited for, when dropped.
pub(crate) struct Process(Child);

impl Process {
    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(&[self.pid()])
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A folder of our own that is removed in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("sesame-compare-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Self(path))
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    fn log(&self) -> PathBuf {
        self.0.join("sesame.log")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running Sesame.
pub(crate) struct Sesame {
    pub(crate) process: Process,
    pub(crate) data: PathBuf,
    pub(crate) http: String,
    pub(crate) https: Option<String>,
    /// From the start of the process to its first answer.
    pub(crate) started_in: Duration,
}

impl Sesame {
    /// Starts `program` over the data of `folder` and waits until it answers.
    pub(crate) fn start(program: &Path, folder: &Folder, environment: &[String]) -> Result<Self> {
        let data = folder.data();
        let endpoints = data.join("endpoints.json");
        // Those of the previous process would be taken for the new one's.
        let _ = fs::remove_file(&endpoints);
        let log = File::create(folder.log())?;
        let mut command = Command::new(program);
        command.arg("serve").arg("--data").arg(&data);
        command.env("SESAME_HTTP", "127.0.0.1:0").env("SESAME_HTTPS", "127.0.0.1:0");
        for setting in environment {
            let (name, value) = setting.split_once('=').with_context(|| format!("{setting} is not NAME=VALUE"))?;
            command.env(name, value);
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let began = Instant::now();
        let child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let mut process = Process(child);
        loop {
            if let Some((http, https)) = read_endpoints(&endpoints)
                && is_healthy(&http)
            {
                return Ok(Self { process, data, http, https, started_in: began.elapsed() });
            }
            if let Some(status) = process.0.try_wait()? {
                bail!("sesame ended with {status}: {}", fs::read_to_string(folder.log()).unwrap_or_default());
            }
            if began.elapsed() > START_LIMIT {
                bail!("sesame does not answer: {}", fs::read_to_string(folder.log()).unwrap_or_default());
            }
            thread::sleep(POLL);
        }
    }
}

/// A running bare server.
pub(crate) struct Bare {
    pub(crate) process: Process,
    pub(crate) endpoint: String,
}

impl Bare {
    /// Starts `program` to answer `body` with `headers`, over TLS if given certificate and key.
    pub(crate) fn start(
        program: &Path,
        headers: &[String],
        body: &Path,
        tls: Option<&(PathBuf, PathBuf)>,
    ) -> Result<Self> {
        let mut command = Command::new(program);
        command.arg("--body-file").arg(body);
        for header in headers {
            command.arg("--header").arg(header);
        }
        if let Some((certificate, key)) = tls {
            command.arg("--cert").arg(certificate).arg("--key").arg(key);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        let child = command.spawn().with_context(|| format!("starting {}", program.display()))?;
        let mut process = Process(child);
        let output = process.0.stdout.take().context("its output is piped")?;
        let mut endpoint = String::new();
        BufReader::new(output).read_line(&mut endpoint)?;
        Ok(Self { process, endpoint: endpoint.trim().to_owned() })
    }
}

/// The URLs of a file that may not exist yet or be half written.
fn read_endpoints(path: &Path) -> Option<(String, Option<String>)> {
    let value: serde_json::Value = serde_json::from_str(&fs::read_to_string(path).ok()?).ok()?;
    let url = |scheme: &str| {
        let text = value.get(scheme)?.as_str()?.trim_end_matches('/');
        Some(if text.contains("://") { text.to_owned() } else { format!("{scheme}://{text}") })
    };
    Some((url("http")?, url("https")))
}

fn is_healthy(http: &str) -> bool {
    let Some(address) = http.strip_prefix("http://") else { return false };
    let Ok(mut stream) = TcpStream::connect(address) else { return false };
    let request = format!("GET /healthz HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    let mut status = [0; 12];
    stream.write_all(request.as_bytes()).is_ok()
        && stream.read_exact(&mut status).is_ok()
        && status.as_slice() == b"HTTP/1.1 200"
}
