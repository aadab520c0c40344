//! Base64 as Go's `base64.StdEncoding` reads it into a `[]byte` field.

use base64::alphabet::STANDARD;
use base64::engine::{Engine as _, GeneralPurpose, GeneralPurposeConfig};

/// Go does not look at the bits that a last digit has too many.
const GO: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true),
);

/// The bytes of a text; none where it is not base64. Line ends are skipped, as by Go.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    GO.decode(text.replace(['\r', '\n'], "")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_decode_as_in_rfc_4648() {
        for (text, bytes) in [
            ("", Some("")),
            ("Zg==", Some("f")),
            ("Zm8=", Some("fo")),
            ("Zm9v", Some("foo")),
            ("Zm9v\r\nYmFy\n", Some("foobar")),
            ("Zh==", Some("f")),
            ("Zg=", None),
            ("Zg", None),
            ("Z===", None),
            ("Zg==Zg==", None),
            ("***=", None),
        ] {
            assert_eq!(decode(text), bytes.map(|b| b.as_bytes().to_vec()), "{text}");
        }
    }
}
