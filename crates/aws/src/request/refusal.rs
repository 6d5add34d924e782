//! Code and message of a refusal. What cannot be read has neither, and is judged by its status.

use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_xml::decode::{Document, ScopedDecoder, XmlDecodeError, try_data};
use serde_json::Value;

/// awsJson: the code in a header or as `__type`, the message spelled in either way.
pub(super) fn of_json(header: Option<&str>, body: &[u8]) -> ErrorMetadata {
    let told: Value = serde_json::from_slice(body).unwrap_or_default();
    let member = |name: &str| told[name].as_str();
    // Behind a colon stands a URI, before a number sign a namespace.
    let code = header.or_else(|| member("__type")).map(|code| code.split(':').next().unwrap_or(code));
    let code = code.map(|code| code.rsplit('#').next().unwrap_or(code).to_owned());
    let message = member("message").or_else(|| member("Message")).map(str::to_owned);
    made(code, message)
}

/// awsQuery: `<ErrorResponse><Error><Code/><Message/></Error></ErrorResponse>`.
pub(super) fn of_xml(body: &[u8]) -> ErrorMetadata {
    let (code, message) = within(body).unwrap_or_default();
    made(code, message)
}

fn made(code: Option<String>, message: Option<String>) -> ErrorMetadata {
    let mut builder = ErrorMetadata::builder();
    if let Some(code) = code {
        builder = builder.code(code);
    }
    if let Some(message) = message {
        builder = builder.message(message);
    }
    builder.build()
}

type Told = (Option<String>, Option<String>);

fn within(body: &[u8]) -> Result<Told, XmlDecodeError> {
    let mut document = Document::try_from(body)?;
    let mut root = document.root_element()?;
    while let Some(mut part) = root.next_tag() {
        if part.start_el().matches("Error") {
            return of_error(&mut part);
        }
    }
    Ok(Told::default())
}

fn of_error(error: &mut ScopedDecoder<'_, '_>) -> Result<Told, XmlDecodeError> {
    let mut told = Told::default();
    while let Some(mut member) = error.next_tag() {
        let of_code = member.start_el().matches("Code");
        if of_code {
            told.0 = Some(try_data(&mut member)?.into_owned());
        } else if member.start_el().matches("Message") {
            told.1 = Some(try_data(&mut member)?.into_owned());
        }
    }
    Ok(told)
}

#[cfg(test)]
mod tests {
    use super::{of_json, of_xml};

    #[test]
    fn code_and_message_are_found_however_they_are_written() {
        let xml = b"<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error><Type>Sender</Type>\
            <Code>AccessDenied</Code><Message>a &amp; b</Message></Error><RequestId>r</RequestId></ErrorResponse>";
        let told = [
            of_xml(xml),
            of_json(None, br#"{"__type": "com.amazonaws.x#AccessDenied", "Message": "a & b"}"#),
            of_json(Some("AccessDenied:http://internal.amazon.com/coral/"), br#"{"message": "a & b"}"#),
        ];
        for meta in told {
            assert_eq!((meta.code(), meta.message()), (Some("AccessDenied"), Some("a & b")));
        }
        for page in [of_xml(b"<html><body>502</body></html>"), of_json(None, b"<html>"), of_xml(b"")] {
            assert_eq!((page.code(), page.message()), (None, None));
        }
    }
}
