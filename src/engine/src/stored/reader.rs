//! Bytes, as they are read: each step says what is wrong with them, and makes nothing larger than
//! they are.

use super::{LoadError, Stored};

/// How many rows the tables have whose indexes are read. An index beyond is an error where it is
/// read, so that nobody looks it up later.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rows {
    /// Symbols.
    pub symbols: usize,
    /// Resources.
    pub dims: usize,
    /// Rows of the node table.
    pub nodes: usize,
    /// Rows of the pod table.
    pub pods: usize,
}

/// Gives values back from bytes.
#[derive(Debug)]
pub struct Reader<'a> {
    rest: &'a [u8],
    len: usize,
    /// What indexes are checked against: set as the tables become known.
    pub rows: Rows,
}

impl<'a> Reader<'a> {
    /// Reads these bytes from the first.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes, len: bytes.len(), rows: Rows::default() }
    }

    /// The error that what was read last cannot be.
    pub fn malformed(&self, what: &'static str) -> LoadError {
        LoadError::Malformed { at: self.len - self.rest.len(), what }
    }

    /// That nothing is left.
    ///
    /// # Errors
    /// Something is.
    pub fn end(&self) -> Result<(), LoadError> {
        if self.rest.is_empty() { Ok(()) } else { Err(self.malformed("more than there should be")) }
    }

    /// So many bytes.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn raw(&mut self, count: usize) -> Result<&'a [u8], LoadError> {
        let Some((taken, rest)) = self.rest.split_at_checked(count) else {
            return Err(self.malformed("it ends within a value"));
        };
        self.rest = rest;
        Ok(taken)
    }

    /// So many bytes, as an array.
    ///
    /// # Errors
    /// Fewer are left.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], LoadError> {
        let taken = self.raw(N)?;
        taken.try_into().map_err(|_| self.malformed("it ends within a value"))
    }

    /// One byte.
    ///
    /// # Errors
    /// None is left.
    pub fn byte(&mut self) -> Result<u8, LoadError> {
        let [byte] = self.array()?;
        Ok(byte)
    }

    /// A whole number.
    ///
    /// # Errors
    /// It has no end, or more than 64 bits.
    pub fn number(&mut self) -> Result<u64, LoadError> {
        let wide = self.wide_number()?;
        u64::try_from(wide).map_err(|_| self.malformed("a number of more than 64 bits"))
    }

    /// A whole number of up to 128 bits.
    ///
    /// # Errors
    /// It has no end, or more bits.
    pub fn wide_number(&mut self) -> Result<u128, LoadError> {
        let mut number = 0u128;
        for shift in (0..128).step_by(7) {
            let byte = self.byte()?;
            let bits = u128::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(self.malformed("a number of more than 128 bits"))
    }

    /// How many things follow, of at least one byte each.
    ///
    /// # Errors
    /// It is more than there are bytes.
    pub fn count(&mut self) -> Result<usize, LoadError> {
        let count = self.number()?;
        usize::try_from(count)
            .ok()
            .filter(|count| *count <= self.rest.len())
            .ok_or_else(|| self.malformed("a count of more than there is"))
    }

    /// The row of a table of so many.
    ///
    /// # Errors
    /// The table has no such row.
    pub fn row(&mut self, rows: usize) -> Result<usize, LoadError> {
        let row = usize::try_from(self.number()?).ok().filter(|row| *row < rows);
        row.ok_or_else(|| self.malformed("an index beyond its table"))
    }

    /// A text.
    ///
    /// # Errors
    /// It is cut, or not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, LoadError> {
        let count = self.count()?;
        let bytes = self.raw(count)?;
        std::str::from_utf8(bytes).map_err(|_| self.malformed("a text that is not UTF-8"))
    }

    /// Room for so many values, as far as the bytes that are left could fill it: a wrong count
    /// allocates no more than there is.
    pub fn room_for<T>(&self, count: usize) -> Vec<T> {
        Vec::with_capacity(count.min(self.rest.len() / size_of::<T>().max(1)))
    }

    /// A list, each of whose members is handed over as it is read.
    ///
    /// # Errors
    /// A member cannot be read, or `take` refuses it.
    pub fn each<T: Stored>(
        &mut self,
        mut take: impl FnMut(&mut Self, T) -> Result<(), LoadError>,
    ) -> Result<(), LoadError> {
        for _ in 0..self.count()? {
            let one = T::read(self)?;
            take(self, one)?;
        }
        Ok(())
    }
}
