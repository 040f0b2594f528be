//! What an operator did on the server's machine, recorded like a call.

use std::io::Write as _;

use serde_json::Value;
use sesame_audit::json;
use sesame_domain::Timestamp;

/// Something that an operator did, or was refused. The members are those of an ActionTrail event where it has them; the
/// operator is the user of the machine whose process asked.
#[derive(Debug)]
pub(crate) struct OperatorEvent<'a> {
    /// The user id on the machine.
    pub(crate) uid: u32,
    /// The name of the event.
    pub(crate) name: &'a str,
    /// Whether it changes anything.
    pub(crate) is_write: bool,
    /// The account that it is about, which sees the event; none for the deployment as a whole.
    pub(crate) account: Option<&'a str>,
    /// What was asked for, an object without secrets.
    pub(crate) parameters: Value,
    /// Code and message, when it was refused.
    pub(crate) refusal: Option<(&'a str, &'a str)>,
}

impl OperatorEvent<'_> {
    pub(super) fn write(&self, out: &mut Vec<u8>, region: &str, request_id: &str, now: Timestamp) {
        out.extend_from_slice(b"{\"eventTime\":\"");
        json::time(out, now.millis());
        out.extend_from_slice(b"\",\"eventName\":");
        json::text(out, self.name.as_bytes());
        out.extend_from_slice(if self.is_write {
            b",\"eventRW\":\"Write\",\"sensitive\":true"
        } else {
            b",\"eventRW\":\"Read\""
        });
        out.extend_from_slice(b",\"eventType\":\"ConsoleOperation\",\"serviceName\":\"Sesame\",\"acsRegion\":\"");
        out.extend_from_slice(region.as_bytes());
        out.extend_from_slice(b"\",\"requestId\":\"");
        out.extend_from_slice(request_id.as_bytes());
        out.extend_from_slice(b"\",\"sourceIpAddress\":\"Internal\",\"userAgent\":\"Sesame\",\"userIdentity\":");
        // Writing to memory cannot fail.
        let _ = write!(out, "{{\"type\":\"system\",\"userName\":\"uid:{}\"", self.uid);
        if let Some(account) = self.account {
            out.extend_from_slice(b",\"accountId\":");
            json::text(out, account.as_bytes());
        }
        let _ = write!(out, "}},\"requestParameters\":{}", self.parameters);
        if let Some((code, message)) = self.refusal {
            out.extend_from_slice(b",\"errorCode\":");
            json::text(out, code.as_bytes());
            out.extend_from_slice(b",\"errorMessage\":");
            json::text(out, message.as_bytes());
        }
        out.push(b'}');
    }
}
