//! What stands around a state: that it is one, of which version, how long, and a checksum.
//!
//! ```text
//! "berthSTA"  version  length of the content  checksum of the content  content
//!  8 bytes       4               8                       8
//! ```
//!
//! Integers are little-endian.

use super::LoadError;

/// The version of what the content means. Any change of it is a new one: a state is for going on,
/// repeating a run and looking into it with the Berth that saved it, not for upgrades, which take
/// the cluster in anew.
pub const VERSION: u32 = 3;

const MAGIC: [u8; 8] = *b"berthSTA";
const HEADER: usize = MAGIC.len() + 4 + 8 + 8;

/// The content with its seal in front.
pub fn seal(content: &[u8]) -> Vec<u8> {
    let mut sealed = Vec::with_capacity(HEADER + content.len());
    sealed.extend_from_slice(&MAGIC);
    sealed.extend_from_slice(&VERSION.to_le_bytes());
    sealed.extend_from_slice(&(content.len() as u64).to_le_bytes());
    sealed.extend_from_slice(&checksum(content).to_le_bytes());
    sealed.extend_from_slice(content);
    sealed
}

/// The content of sealed bytes.
///
/// # Errors
/// The bytes are of something else, of another version, cut off or changed.
pub fn unseal(sealed: &[u8]) -> Result<&[u8], LoadError> {
    let rest = sealed.strip_prefix(&MAGIC).ok_or(LoadError::NotAState)?;
    let short = LoadError::Length { found: sealed.len() as u64, expected: HEADER as u64 };
    let header = rest.split_first_chunk::<4>().and_then(|(version, rest)| {
        let (length, rest) = rest.split_first_chunk::<8>()?;
        let (checksum, content) = rest.split_first_chunk::<8>()?;
        Some((version, length, checksum, content))
    });
    let Some((version, length, expected, content)) = header else { return Err(short) };
    let version = u32::from_le_bytes(*version);
    if version != VERSION {
        return Err(LoadError::Version { found: version, known: VERSION });
    }
    let length = u64::from_le_bytes(*length);
    let found = content.len() as u64;
    if found != length {
        return Err(LoadError::Length { found, expected: length });
    }
    if checksum(content) != u64::from_le_bytes(*expected) {
        return Err(LoadError::Checksum);
    }
    Ok(content)
}

/// FNV-1a over words of eight bytes, with a rotation so that high bits come down. Each step can be
/// undone, so that whatever is changed within one word is always seen. Ten million bytes take 5 ms;
/// it is against accidents and no signature.
fn checksum(content: &[u8]) -> u64 {
    let step =
        |sum: u64, word: u64| (sum ^ word).wrapping_mul(0x0000_0100_0000_01B3).rotate_left(29);
    let (words, rest) = content.as_chunks::<8>();
    let sum =
        words.iter().fold(0xCBF2_9CE4_8422_2325, |sum, word| step(sum, u64::from_le_bytes(*word)));
    rest.iter().fold(sum, |sum, byte| step(sum, u64::from(*byte)))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn what_is_sealed_is_found_whole() {
        for length in [0, 1, 7, 8, 9, 1_000] {
            let content: Vec<u8> = (0..length).map(|at| at as u8).collect();
            assert_eq!(unseal(&seal(&content)).unwrap(), content);
        }
    }

    #[test]
    fn anything_else_is_told_apart() {
        let sealed = seal(b"twelve bytes");
        for cut in 0..sealed.len() {
            let told = unseal(&sealed[..cut]).unwrap_err();
            let is_short = matches!(told, LoadError::Length { .. });
            assert!(if cut < MAGIC.len() { !is_short } else { is_short }, "{cut}: {told:?}");
        }
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                let told = unseal(&changed).unwrap_err();
                let is_it = match at {
                    0..8 => matches!(told, LoadError::NotAState),
                    8..12 => matches!(told, LoadError::Version { known: VERSION, .. }),
                    12..20 => matches!(told, LoadError::Length { found: 12, .. }),
                    _ => matches!(told, LoadError::Checksum),
                };
                assert!(is_it, "bit {bit} of {at}: {told:?}");
            }
        }
        let longer = [&sealed[..], b"!"].concat();
        assert!(matches!(unseal(&longer), Err(LoadError::Length { found: 13, expected: 12 })));
        let text = LoadError::Version { found: 2, known: 1 }.to_string();
        assert!(text.contains("version 2") && text.contains("version 1"), "{text}");
    }
}
