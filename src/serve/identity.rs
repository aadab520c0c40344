//! Who a client certificate names. Enter at [`user`].
//!
//! Only the subject is read, of a certificate whose chain and signature have been verified
//! (RFC 5280 §4.1; X.690 for the encoding).

use super::access::User;

/// Universal and constructed tags of DER.
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OBJECT_IDENTIFIER: u8 = 0x06;
/// `[0]`, the version, which certificates of version 1 leave out.
const VERSION: u8 = 0xa0;
/// Strings that hold UTF-8: UTF8String, PrintableString, IA5String. Others name nobody.
const TEXTS: [u8; 3] = [0x0c, 0x13, 0x16];

/// `id-at-commonName`, 2.5.4.3.
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
/// `id-at-organizationName`, 2.5.4.10.
const ORGANIZATION: &[u8] = &[0x55, 0x04, 0x0a];

/// The user, by its common name, with each organization as a group
/// (`x509.CommonNameUserConversion`); `None` where there is no common name, or the certificate
/// cannot be read.
pub(super) fn user(certificate: &[u8]) -> Option<User> {
    let mut name = None;
    let mut groups = Vec::new();
    let mut names = subject(certificate)?;
    while !names.is_empty() {
        let mut set = take(&mut names, SET)?;
        while !set.is_empty() {
            let mut attribute = take(&mut set, SEQUENCE)?;
            let kind = take(&mut attribute, OBJECT_IDENTIFIER)?;
            if kind == COMMON_NAME {
                // The last one counts, as in Go's `pkix.Name.FillFromRDNSequence`.
                name = Some(text(&mut attribute)?);
            } else if kind == ORGANIZATION {
                groups.push(text(&mut attribute)?);
            }
        }
    }
    let name = name.filter(|name| !name.is_empty())?;
    Some(User::of_certificate(name, groups))
}

/// The content of the subject: what stands before it in `TBSCertificate` is passed over.
fn subject(mut certificate: &[u8]) -> Option<&[u8]> {
    let mut certificate = take(&mut certificate, SEQUENCE)?;
    let mut body = take(&mut certificate, SEQUENCE)?;
    if body.first() == Some(&VERSION) {
        next(&mut body)?;
    }
    // Serial number, algorithm, issuer, validity.
    for _ in 0..4 {
        next(&mut body)?;
    }
    take(&mut body, SEQUENCE)
}

fn text(attribute: &mut &[u8]) -> Option<String> {
    let (tag, content) = next(attribute)?;
    TEXTS.contains(&tag).then(|| String::from_utf8(content.to_vec()).ok()).flatten()
}

/// The content of the next element, which has this tag.
fn take<'a>(bytes: &mut &'a [u8], tag: u8) -> Option<&'a [u8]> {
    let (found, content) = next(bytes)?;
    (found == tag).then_some(content)
}

/// Tag and content of the next element. Lengths take four bytes at most: 4 GB.
fn next<'a>(bytes: &mut &'a [u8]) -> Option<(u8, &'a [u8])> {
    let (&[tag, first], mut rest) = bytes.split_first_chunk::<2>()?;
    let length = match first {
        0..=0x7f => usize::from(first),
        0x81..=0x84 => {
            let (digits, after) = rest.split_at_checked(usize::from(first & 0x7f))?;
            rest = after;
            digits.iter().fold(0, |length, digit| length << 8 | usize::from(*digit))
        }
        _ => return None,
    };
    let (content, after) = rest.split_at_checked(length)?;
    *bytes = after;
    Some((tag, content))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use rcgen::{CertificateParams, DistinguishedName, DnType, DnValue, KeyPair};

    use super::*;

    fn certificate(subject: &[(DnType, DnValue)]) -> Vec<u8> {
        let mut params = CertificateParams::new(vec!["a.example".to_owned()]).unwrap();
        params.distinguished_name = DistinguishedName::new();
        for (kind, value) in subject {
            params.distinguished_name.push(kind.clone(), value.clone());
        }
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    fn utf8(text: &str) -> DnValue {
        DnValue::Utf8String(text.to_owned())
    }

    #[test]
    fn the_common_name_is_the_user_and_the_organization_its_group() {
        let printable = DnValue::PrintableString("system:nodes".try_into().unwrap());
        let subject = [
            (DnType::CountryName, utf8("AT")),
            (DnType::OrganizationName, printable),
            (DnType::CommonName, utf8("system:node:älpha")),
        ];
        let expected =
            User::of_certificate("system:node:älpha".to_owned(), vec!["system:nodes".to_owned()]);
        assert_eq!(user(&certificate(&subject)), Some(expected));
    }

    #[test]
    fn long_names_are_read() {
        let name = "n".repeat(300);
        let found = user(&certificate(&[(DnType::CommonName, utf8(&name))]));
        assert_eq!(found, Some(User::of_certificate(name, Vec::new())));
    }

    #[test]
    fn without_a_common_name_it_names_nobody() {
        assert_eq!(user(&certificate(&[])), None);
        assert_eq!(user(&certificate(&[(DnType::OrganizationName, utf8("system:masters"))])), None);
        assert_eq!(user(&certificate(&[(DnType::CommonName, utf8(""))])), None);
    }

    #[test]
    fn what_is_cut_or_changed_does_not_panic() {
        let whole = certificate(&[(DnType::CommonName, utf8("a"))]);
        for end in 0..whole.len() {
            let _nobody = user(&whole[..end]);
        }
        let mut changed = whole.clone();
        for at in 0..whole.len() {
            for value in [0x00, 0x7f, 0x80, 0x84, 0xff] {
                changed[at] = value;
                let _anybody = user(&changed);
            }
            changed[at] = whole[at];
        }
    }
}
