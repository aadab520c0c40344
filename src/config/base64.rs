//! Base64 as Go's `base64.StdEncoding` reads it into a `[]byte` field.

/// The bytes of a text; none where it is not base64. Line ends are skipped, as by Go.
pub(super) fn decode(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n')).collect();
    let digits = text.iter().position(|b| *b == b'=').map_or(&text[..], |end| &text[..end]);
    let padding = text.get(digits.len()..)?;
    if !text.len().is_multiple_of(4) || padding.len() > 2 || padding.iter().any(|b| *b != b'=') {
        return None;
    }
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3);
    for group in digits.chunks(4) {
        let mut bits = 0u32;
        for digit in group {
            bits = bits << 6 | u32::from(value(*digit)?);
        }
        // 4 digits are 3 bytes, 3 are 2, 2 are 1.
        let [_, first, second, third] = (bits << (6 * (4 - group.len()))).to_be_bytes();
        bytes.extend([first, second, third].into_iter().take(group.len() - 1));
    }
    Some(bytes)
}

fn value(digit: u8) -> Option<u8> {
    Some(match digit {
        b'A'..=b'Z' => digit - b'A',
        b'a'..=b'z' => digit - b'a' + 26,
        b'0'..=b'9' => digit - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    })
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
