//! JSON answers.

use serde::Serialize;
use sesame_service::registry::Body;
use sesame_service::wipe::Writer;

use super::Failure;

/// Appends `{"RequestId":"…",<members of response>}`.
pub(super) fn success(out: &mut Vec<u8>, request_id: &str, response: &dyn Body) -> Result<(), Failure> {
    out.extend_from_slice(b"{\"RequestId\":");
    document(out, request_id)?;
    let start = out.len();
    response.write_json(out)?;
    // The members follow the request id: their opening brace becomes the comma between them.
    match out.get_mut(start..) {
        Some([b'{', b'}']) => drop(out.drain(start..=start)),
        Some([brace @ b'{', ..]) => *brace = b',',
        _ => return Err("the response is not an object".into()),
    }
    Ok(())
}

/// Appends one JSON document.
pub(super) fn document<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), Failure> {
    Ok(serde_json::to_writer(Writer(out), value)?)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(response: &dyn Body) -> String {
        let mut out = Vec::new();
        success(&mut out, "ID", response).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_request_id_comes_first_and_the_members_beside_it() {
        assert_eq!(render(&json!({"Keys": {"Key": []}})), r#"{"RequestId":"ID","Keys":{"Key":[]}}"#);
    }

    #[test]
    fn an_empty_response_has_a_request_id_alone() {
        #[derive(Serialize)]
        struct Empty {}
        assert_eq!(render(&Empty {}), r#"{"RequestId":"ID"}"#);
    }

    #[test]
    fn a_response_that_is_no_object_is_refused() {
        assert!(success(&mut Vec::new(), "ID", &[1, 2]).is_err());
        assert!(success(&mut Vec::new(), "ID", &()).is_err());
    }
}
