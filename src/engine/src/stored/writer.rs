//! Bytes, as they are written.

/// Takes values and makes bytes of them.
#[derive(Debug, Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// What has been written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.bytes.push(byte);
    }

    /// Bytes whose number the reader knows.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A whole number: seven bits a byte, the lowest first.
    pub fn number(&mut self, number: u64) {
        let mut rest = number;
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    /// As [`Writer::number`], of twice the bits.
    pub fn wide_number(&mut self, number: u128) {
        let mut rest = number;
        while rest >= 0x80 {
            self.bytes.push(rest as u8 | 0x80);
            rest >>= 7;
        }
        self.bytes.push(rest as u8);
    }

    /// How many things follow.
    pub fn count(&mut self, count: usize) {
        self.number(count as u64);
    }

    /// A text.
    pub fn text(&mut self, text: &str) {
        self.count(text.len());
        self.raw(text.as_bytes());
    }

    /// The entries of a map, in the order of the keys.
    pub fn map<'a, K, V>(&mut self, of: impl Iterator<Item = (&'a K, &'a V)>)
    where
        K: super::Stored + Ord + 'a,
        V: super::Stored + 'a,
    {
        self.entries(of, |out, key, value| {
            key.write(out);
            value.write(out);
        });
    }

    /// The values of a map, in the order of the keys, which the values tell.
    pub fn sorted_values<'a, K, V>(&mut self, of: impl Iterator<Item = (&'a K, &'a V)>)
    where
        K: Ord + 'a,
        V: super::Stored + 'a,
    {
        self.entries(of, |out, _, value| value.write(out));
    }

    fn entries<'a, K: Ord + 'a, V: 'a>(
        &mut self,
        of: impl Iterator<Item = (&'a K, &'a V)>,
        write: impl Fn(&mut Self, &K, &V),
    ) {
        let mut entries: Vec<(&K, &V)> = of.collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        self.count(entries.len());
        for (key, value) in entries {
            write(self, key, value);
        }
    }

    /// A list, from wherever its members are.
    pub fn list<'a, T: super::Stored + 'a>(&mut self, of: impl ExactSizeIterator<Item = &'a T>) {
        self.count(of.len());
        for one in of {
            one.write(self);
        }
    }
}
