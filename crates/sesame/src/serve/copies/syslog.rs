//! Events as syslog messages (RFC 5424): over UDP, over TCP with octet counting (RFC 6587), or to a local socket.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::Value;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpStream, UdpSocket, UnixDatagram};

/// Facility 13, "log audit".
const FACILITY: u8 = 13;
const NOTICE: u8 = 5;
const INFORMATIONAL: u8 = 6;
/// The longest message of one datagram; longer ones lose their parameters.
const DATAGRAM_BYTES: usize = 8_192;
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where syslog messages go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum SyslogTarget {
    Udp(String),
    Tcp(String),
    Unix(PathBuf),
}

impl FromStr for SyslogTarget {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let address = |rest: &str| {
            let (host, port) = rest.rsplit_once(':').ok_or(())?;
            let _: u16 = port.parse().map_err(|_| ())?;
            if host.is_empty() { Err(()) } else { Ok(rest.to_owned()) }
        };
        match text.split_once("://") {
            Some(("udp", rest)) => address(rest).map(Self::Udp),
            Some(("tcp", rest)) => address(rest).map(Self::Tcp),
            Some(("unix", path)) if path.starts_with('/') => Ok(Self::Unix(path.into())),
            _ => Err(()),
        }
    }
}

impl fmt::Display for SyslogTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Udp(address) => write!(f, "udp://{address}"),
            Self::Tcp(address) => write!(f, "tcp://{address}"),
            Self::Unix(path) => write!(f, "unix://{}", path.display()),
        }
    }
}

#[derive(Debug)]
pub(super) struct Syslog {
    target: SyslogTarget,
    /// The connection, of TCP.
    stream: Option<TcpStream>,
}

impl Syslog {
    pub(super) fn new(target: SyslogTarget) -> Self {
        Self { target, stream: None }
    }

    pub(super) async fn send(&mut self, events: &[Value]) -> Result<()> {
        let target = self.target.to_string();
        let sent = tokio::time::timeout(TIMEOUT, self.try_send(events)).await;
        let sent = sent.context("no progress for 10 seconds").and_then(|sent| sent);
        if sent.is_err() {
            self.stream = None;
        }
        sent.with_context(|| format!("{target} does not take messages"))
    }

    async fn try_send(&mut self, events: &[Value]) -> Result<()> {
        match &self.target {
            SyslogTarget::Udp(address) => {
                let remote = tokio::net::lookup_host(address).await?.next().context("the host has no address")?;
                let local = if remote.is_ipv4() { "0.0.0.0:0" } else { "[::]:0" };
                let socket = UdpSocket::bind(local).await?;
                socket.connect(remote).await?;
                for event in events {
                    socket.send(datagram(event).as_bytes()).await?;
                }
            }
            SyslogTarget::Unix(path) => {
                let socket = UnixDatagram::unbound()?;
                socket.connect(path)?;
                for event in events {
                    socket.send(datagram(event).as_bytes()).await?;
                }
            }
            SyslogTarget::Tcp(address) => {
                let stream = match &mut self.stream {
                    Some(stream) => stream,
                    None => self.stream.insert(TcpStream::connect(address).await?),
                };
                let mut text = String::new();
                for event in events {
                    let message = message(event);
                    text.push_str(&format!("{} {message}", message.len()));
                }
                stream.write_all(text.as_bytes()).await?;
                stream.flush().await?;
            }
        }
        Ok(())
    }
}

fn datagram(event: &Value) -> String {
    let whole = message(event);
    if whole.len() <= DATAGRAM_BYTES {
        return whole;
    }
    let mut short = event.clone();
    if let Value::Object(members) = &mut short {
        members.insert("requestParameters".into(), Value::from("too long for a datagram"));
        members.insert("responseElements".into(), Value::Null);
    }
    message(&short)
}

fn message(event: &Value) -> String {
    let mut event = event.clone();
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let severity = if event.get("errorCode").is_some() { NOTICE } else { INFORMATIONAL };
    let (time, name) = (text("eventTime"), text("eventName"));
    let host: String = text("eventSource").chars().filter(char::is_ascii_graphic).take(255).collect();
    let host = if host.is_empty() { "-" } else { &host };
    if let Value::Object(members) = &mut event {
        // The same as `requestParameters`, as a text.
        members.remove("requestParameterJson");
    }
    let (priority, process) = (FACILITY * 8 + severity, std::process::id());
    format!("<{priority}>1 {time} {host} sesame {process} {name} - {event}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_the_form_of_the_standard() {
        let event = serde_json::json!({
            "eventTime": "2026-01-02T03:04:05Z", "eventName": "DisableKey", "eventSource": "kms.test",
            "requestParameterJson": "{}", "errorCode": "Forbidden.KeyNotFound",
        });
        let text = message(&event);
        assert!(text.starts_with("<109>1 2026-01-02T03:04:05Z kms.test sesame "), "{text}");
        assert!(text.contains(" DisableKey - {"), "{text}");
        assert!(!text.contains("requestParameterJson"));
        let long = serde_json::json!({"eventName": "SetKeyPolicy", "requestParameters": {"Policy": "x".repeat(9_000)}});
        assert!(datagram(&long).len() < DATAGRAM_BYTES && datagram(&long).contains("SetKeyPolicy"));
    }

    #[test]
    fn targets_are_read_as_they_are_shown() {
        for text in ["udp://127.0.0.1:514", "tcp://[::1]:601", "unix:///dev/log"] {
            assert_eq!(text.parse::<SyslogTarget>().unwrap().to_string(), text);
        }
        for wrong in ["127.0.0.1:514", "udp://host", "tcp://:1", "unix://dev/log", "http://x:1"] {
            assert!(wrong.parse::<SyslogTarget>().is_err(), "{wrong}");
        }
    }
}
