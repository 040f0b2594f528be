//! What goes through the socket: one line of JSON with a request, one line of JSON with the answer.
//!
//! `{"Version":1,"Request":{"Operation":"GetAccount","Account":"…"}}`, then `{"Version":1,"Answer":{…}}` or
//! `{"Version":1,"Refusal":{"Code":"NotFound","Message":"…"}}`. The connection ends with the answer.

use std::io::{Error, ErrorKind};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use sesame_crypto::{SecretBytes, SecretText};
use sesame_service::admin::{AdminAnswer, AdminRequest, Refusal, RefusalCode};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

/// The version of requests and answers. It changes when an old command could misread a new server, or the other way
/// round.
pub(super) const VERSION: u32 = 1;
/// The longest request, in bytes.
pub(super) const REQUEST_BYTES: u64 = 64 << 10;
/// The longest answer, in bytes: a page of accounts is a quarter of it.
const ANSWER_BYTES: u64 = 1 << 20;
/// How long the server may take: longer than any transaction that has to be run again.
const ANSWER_TIME: Duration = Duration::from_secs(60);

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Versioned {
    version: u32,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Asked {
    version: u32,
    request: AdminRequest,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Answered {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<AdminAnswer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refusal: Option<Refusal>,
}

/// Asks the server behind a socket.
pub(super) async fn ask(socket: &Path, request: &AdminRequest) -> Result<Result<AdminAnswer, Refusal>> {
    let mut stream = UnixStream::connect(socket).await?;
    let asked = Asked { version: VERSION, request: request.clone() };
    let mut line = serde_json::to_vec(&asked)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    let answer = timeout(ANSWER_TIME, read_line(&mut stream, ANSWER_BYTES))
        .await
        .with_context(|| format!("no answer within {} seconds", ANSWER_TIME.as_secs()))??;
    // EXPOSE: read into the answer, in which the secret has its own type.
    let bytes = answer.expose();
    let Versioned { version } = serde_json::from_slice(bytes)?;
    if version != VERSION {
        bail!(
            "it speaks version {version} of the protocol, this program version {VERSION}; use the server's own program"
        );
    }
    match serde_json::from_slice(bytes)? {
        Answered { answer: Some(answer), .. } => Ok(Ok(answer)),
        Answered { refusal: Some(refusal), .. } => Ok(Err(refusal)),
        Answered { .. } => bail!("it answered neither this nor that"),
    }
}

/// The request in a line.
pub(super) fn parse(line: &SecretBytes) -> Result<AdminRequest, Refusal> {
    let invalid = |text: String| Refusal::new(RefusalCode::Invalid, text);
    // EXPOSE: requests hold no secrets; only answers do.
    let bytes = line.expose();
    let Versioned { version } =
        serde_json::from_slice(bytes).map_err(|_| invalid("a request is a line of JSON with a Version".to_owned()))?;
    if version != VERSION {
        return Err(invalid(format!(
            "this server speaks version {VERSION} of the protocol, the request has version {version}; use the server's \
             own program"
        )));
    }
    let asked: Asked = serde_json::from_slice(bytes).map_err(|wrong| invalid(format!("no request: {wrong}")))?;
    Ok(asked.request)
}

/// The line of an answer; wiped when it is dropped, since it can hold the secret of an access key.
pub(super) fn render(outcome: Result<AdminAnswer, Refusal>) -> SecretText {
    let (answer, refusal) = match outcome {
        Ok(answer) => (Some(answer), None),
        Err(refusal) => (None, Some(refusal)),
    };
    let text = serde_json::to_string(&Answered { version: VERSION, answer, refusal });
    SecretText::new(text.unwrap_or_default() + "\n")
}

/// Reads up to the end of a line; at most `limit` bytes.
pub(super) async fn read_line(stream: &mut (impl AsyncRead + Unpin), limit: u64) -> std::io::Result<SecretBytes> {
    let mut bytes = Vec::new();
    let mut part = [0; 4_096];
    while !bytes.ends_with(b"\n") {
        let count = stream.read(&mut part).await?;
        if count == 0 {
            return Err(Error::new(ErrorKind::UnexpectedEof, "the other side hung up"));
        }
        bytes.extend_from_slice(part.get(..count).unwrap_or_default());
        if bytes.len() as u64 > limit {
            return Err(Error::new(ErrorKind::InvalidData, format!("a line of more than {limit} bytes")));
        }
    }
    Ok(SecretBytes::new(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> SecretBytes {
        SecretBytes::from_slice(text.as_bytes())
    }

    #[test]
    fn a_request_of_another_version_is_told_so() {
        let refused = parse(&line(r#"{"Version":2,"Request":{"Operation":"New"}}"#)).unwrap_err();
        assert!(refused.message.contains("version 1") && refused.message.contains("version 2"), "{refused}");
        for wrong in ["", "x", "{}", r#"{"Version":1}"#, r#"{"Version":1,"Request":{"Operation":"New"}}"#] {
            assert_eq!(parse(&line(wrong)).unwrap_err().code, RefusalCode::Invalid, "{wrong}");
        }
        let right = parse(&line(r#"{"Version":1,"Request":{"Operation":"GetAccount","Account":"1"}}"#));
        assert_eq!(right.unwrap(), AdminRequest::GetAccount { account: "1".into() });
    }

    #[tokio::test]
    async fn a_line_that_does_not_end_is_not_read_forever() {
        let long = vec![b'x'; 100];
        assert_eq!(read_line(&mut &*long, 50).await.unwrap_err().kind(), ErrorKind::InvalidData);
        assert_eq!(read_line(&mut &*long, 200).await.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        assert_eq!(read_line(&mut &b"ab\n"[..], 3).await.unwrap().expose(), b"ab\n");
    }
}
