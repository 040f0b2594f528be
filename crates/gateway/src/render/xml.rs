//! XML answers: the JSON document with every member an element. A list becomes one element per item, all of the name
//! that the list has, inside the element that holds the list.

use std::fmt::{self, Display};

use serde::ser::{self, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};
use sesame_service::wipe;

use super::Failure;

const DECLARATION: &[u8] = b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

/// Appends `<{action}Response><RequestId>…</RequestId>…</{action}Response>`.
pub(super) fn success<T: Serialize + ?Sized>(
    out: &mut Vec<u8>,
    action: &str,
    request_id: &str,
    response: &T,
) -> Result<(), Failure> {
    let root = format!("{action}Response");
    out.extend_from_slice(DECLARATION);
    open(out, &root);
    element(out, "RequestId", request_id)?;
    response.serialize(Element { out, name: None })?;
    close(out, &root);
    Ok(())
}

/// Appends a document with the members of `value` in the root element.
pub(super) fn document<T: Serialize>(out: &mut Vec<u8>, root: &str, value: &T) -> Result<(), Failure> {
    out.extend_from_slice(DECLARATION);
    Ok(element(out, root, value)?)
}

/// A response that has no form in XML.
#[derive(Debug)]
pub(super) struct XmlError(String);

impl Display for XmlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for XmlError {}

impl ser::Error for XmlError {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

fn open(out: &mut Vec<u8>, name: &str) {
    out.push(b'<');
    write_name(out, name);
    out.push(b'>');
}

fn close(out: &mut Vec<u8>, name: &str) {
    out.extend_from_slice(b"</");
    write_name(out, name);
    out.push(b'>');
}

/// Names come from our own types, except the keys of maps: what a name cannot hold becomes `_`.
fn write_name(out: &mut Vec<u8>, name: &str) {
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        out.push(b'_');
    }
    out.extend(
        name.bytes().map(|b| if b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.') { b } else { b'_' }),
    );
}

/// Appends text. Characters that XML 1.0 cannot hold, not even escaped, become U+FFFD.
fn write_text(out: &mut Vec<u8>, text: &str) {
    wipe::reserve(out, text.len());
    let mut start = 0;
    for (at, c) in text.char_indices() {
        let replacement = match c {
            '&' => "&amp;",
            '<' => "&lt;",
            '>' => "&gt;",
            '\r' => "&#13;",
            '\t' | '\n' => continue,
            '\0'..'\x20' | '\u{fffe}' | '\u{ffff}' => "\u{fffd}",
            _ => continue,
        };
        let plain = text.get(start..at).unwrap_or_default();
        wipe::reserve(out, plain.len() + replacement.len());
        out.extend_from_slice(plain.as_bytes());
        out.extend_from_slice(replacement.as_bytes());
        start = at + c.len_utf8();
    }
    let plain = text.get(start..).unwrap_or_default();
    wipe::reserve(out, plain.len());
    out.extend_from_slice(plain.as_bytes());
}

/// Appends one element, or none for an absent value, or one per item for a list.
fn element<T: Serialize + ?Sized>(out: &mut Vec<u8>, name: &str, value: &T) -> Result<(), XmlError> {
    value.serialize(Element { out, name: Some(name) })
}

/// Writes a value as the element `name`; without a name, the members of an object into the element that is open.
struct Element<'a> {
    out: &'a mut Vec<u8>,
    name: Option<&'a str>,
}

impl<'a> Element<'a> {
    fn text(self, text: &str) -> Result<(), XmlError> {
        let name = self.name.ok_or_else(no_form)?;
        open(self.out, name);
        write_text(self.out, text);
        close(self.out, name);
        Ok(())
    }

    fn compound(self) -> Compound<'a> {
        if let Some(name) = self.name {
            open(self.out, name);
        }
        Compound { out: self.out, name: self.name, key: String::new() }
    }
}

macro_rules! as_text {
    ($($method:ident: $type:ty),+ $(,)?) => {
        $(fn $method(self, value: $type) -> Result<(), XmlError> { self.text(&value.to_string()) })+
    };
}

impl<'a> Serializer for Element<'a> {
    type Ok = ();
    type Error = XmlError;
    type SerializeSeq = Items<'a>;
    type SerializeTuple = Impossible<(), XmlError>;
    type SerializeTupleStruct = Impossible<(), XmlError>;
    type SerializeTupleVariant = Impossible<(), XmlError>;
    type SerializeMap = Compound<'a>;
    type SerializeStruct = Compound<'a>;
    type SerializeStructVariant = Impossible<(), XmlError>;

    as_text!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64, serialize_f32: f32,
        serialize_f64: f64, serialize_char: char,
    );

    fn serialize_str(self, text: &str) -> Result<(), XmlError> {
        self.text(text)
    }

    fn serialize_none(self) -> Result<(), XmlError> {
        Ok(())
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), XmlError> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<(), XmlError> {
        Ok(())
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<(), XmlError> {
        Ok(())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<(), XmlError> {
        self.text(variant)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<(), XmlError> {
        value.serialize(self)
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items<'a>, XmlError> {
        Ok(Items { out: self.out, name: self.name.ok_or_else(no_form)? })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Compound<'a>, XmlError> {
        Ok(self.compound())
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Compound<'a>, XmlError> {
        Ok(self.compound())
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<(), XmlError> {
        Err(no_form())
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), XmlError> {
        Err(no_form())
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, XmlError> {
        Err(no_form())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Self::SerializeTupleStruct, XmlError> {
        Err(no_form())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, XmlError> {
        Err(no_form())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, XmlError> {
        Err(no_form())
    }
}

fn no_form() -> XmlError {
    XmlError("a value of this kind has no form in XML".to_owned())
}

/// The items of a list.
struct Items<'a> {
    out: &'a mut Vec<u8>,
    name: &'a str,
}

impl SerializeSeq for Items<'_> {
    type Ok = ();
    type Error = XmlError;

    fn serialize_element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), XmlError> {
        element(self.out, self.name, value)
    }

    fn end(self) -> Result<(), XmlError> {
        Ok(())
    }
}

/// The members of an object.
struct Compound<'a> {
    out: &'a mut Vec<u8>,
    /// The element to close, unless another closes it.
    name: Option<&'a str>,
    key: String,
}

impl Compound<'_> {
    fn finish(self) -> Result<(), XmlError> {
        if let Some(name) = self.name {
            close(self.out, name);
        }
        Ok(())
    }
}

impl SerializeStruct for Compound<'_> {
    type Ok = ();
    type Error = XmlError;

    fn serialize_field<T: Serialize + ?Sized>(&mut self, name: &'static str, value: &T) -> Result<(), XmlError> {
        element(self.out, name, value)
    }

    fn end(self) -> Result<(), XmlError> {
        self.finish()
    }
}

impl SerializeMap for Compound<'_> {
    type Ok = ();
    type Error = XmlError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), XmlError> {
        let text = serde_json::to_value(key).map_err(ser::Error::custom)?;
        self.key = text.as_str().map_or_else(|| text.to_string(), str::to_owned);
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), XmlError> {
        element(self.out, &self.key, value)
    }

    fn end(self) -> Result<(), XmlError> {
        self.finish()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(response: &impl Serialize) -> String {
        let mut out = Vec::new();
        success(&mut out, "ListKeys", "ID", response).unwrap();
        let text = String::from_utf8(out).unwrap();
        let inner =
            text.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?><ListKeysResponse><RequestId>ID</RequestId>");
        inner.unwrap().strip_suffix("</ListKeysResponse>").unwrap().to_owned()
    }

    #[test]
    fn a_list_is_a_container_with_repeated_items() {
        let keys = json!({"Keys": {"Key": [{"KeyId": "a"}, {"KeyId": "b"}]}, "TotalCount": 2});
        assert_eq!(
            render(&keys),
            "<Keys><Key><KeyId>a</KeyId></Key><Key><KeyId>b</KeyId></Key></Keys><TotalCount>2</TotalCount>"
        );
        assert_eq!(render(&json!({"Keys": {"Key": []}})), "<Keys></Keys>");
    }

    #[test]
    fn absent_members_have_no_element() {
        #[derive(serde::Serialize)]
        struct Response {
            absent: Option<String>,
            present: Option<bool>,
            unit: (),
        }
        assert_eq!(render(&Response { absent: None, present: Some(true), unit: () }), "<present>true</present>");
    }

    #[test]
    fn text_is_escaped_and_impossible_characters_are_replaced() {
        let text = json!({"T": "a<b>&\"'\r\n\t\u{0}\u{1f}\u{ffff}中"});
        assert_eq!(render(&text), "<T>a&lt;b&gt;&amp;\"'&#13;\n\t\u{fffd}\u{fffd}\u{fffd}中</T>");
    }

    #[test]
    fn keys_of_maps_become_names() {
        assert_eq!(render(&json!({"1 a/b": "x"})), "<_1_a_b>x</_1_a_b>");
    }

    #[test]
    fn a_response_that_is_no_object_is_refused() {
        assert!(success(&mut Vec::new(), "X", "ID", &json!([1])).is_err());
        assert!(success(&mut Vec::new(), "X", "ID", &json!("text")).is_err());
    }
}
