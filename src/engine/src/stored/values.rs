//! How the values are stored that everything else is made of.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;

use smallvec::SmallVec;

use super::{LoadError, Reader, Stored, Writer};

macro_rules! unsigned {
    ($($kind:ty),+) => {
        $(impl Stored for $kind {
            fn write(&self, out: &mut Writer) {
                out.number(u64::try_from(*self).unwrap_or(u64::MAX));
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
                let number = from.number()?;
                Self::try_from(number).map_err(|_| from.malformed("a number out of its range"))
            }
        })+
    };
}

unsigned!(u16, u32, u64, usize);

macro_rules! signed {
    ($($kind:ty),+) => {
        $(impl Stored for $kind {
            fn write(&self, out: &mut Writer) {
                i128::from(*self).write(out);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
                let number = i128::read(from)?;
                Self::try_from(number).map_err(|_| from.malformed("a number out of its range"))
            }
        })+
    };
}

signed!(i32, i64);

/// Zigzag: 0, -1, 1, -2, … are 0, 1, 2, 3, ….
impl Stored for i128 {
    fn write(&self, out: &mut Writer) {
        out.wide_number((*self << 1 ^ *self >> 127).cast_unsigned());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let number = from.wide_number()?;
        Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }
}

impl Stored for bool {
    fn write(&self, out: &mut Writer) {
        out.byte(u8::from(*self));
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        match from.byte()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(from.malformed("neither yes nor no")),
        }
    }
}

macro_rules! texts {
    ($($kind:ty),+) => {
        $(impl Stored for $kind {
            fn write(&self, out: &mut Writer) {
                out.text(self);
            }

            fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
                from.text().map(Into::into)
            }
        })+
    };
}

texts!(Box<str>, Arc<str>, String);

impl<T: Stored> Stored for Option<T> {
    fn write(&self, out: &mut Writer) {
        self.is_some().write(out);
        if let Some(value) = self {
            value.write(out);
        }
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Ok(if bool::read(from)? { Some(T::read(from)?) } else { None })
    }
}

impl<T: Stored> Stored for Box<T> {
    fn write(&self, out: &mut Writer) {
        self.as_ref().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        T::read(from).map(Self::new)
    }
}

impl<T: Stored> Stored for Arc<T> {
    fn write(&self, out: &mut Writer) {
        self.as_ref().write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        T::read(from).map(Self::new)
    }
}

impl<T: Stored> Stored for Vec<T> {
    fn write(&self, out: &mut Writer) {
        out.list(self.iter());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let count = from.count()?;
        let mut all = from.room_for(count);
        for _ in 0..count {
            all.push(T::read(from)?);
        }
        Ok(all)
    }
}

impl<T: Stored> Stored for Box<[T]> {
    fn write(&self, out: &mut Writer) {
        out.list(self.iter());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Vec::read(from).map(Vec::into_boxed_slice)
    }
}

impl<T: Stored> Stored for VecDeque<T> {
    fn write(&self, out: &mut Writer) {
        out.list(self.iter());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Vec::read(from).map(Self::from)
    }
}

impl<T: Stored, const N: usize> Stored for SmallVec<[T; N]> {
    fn write(&self, out: &mut Writer) {
        out.list(self.iter());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Vec::read(from).map(Self::from_vec)
    }
}

impl<T: Stored + Ord> Stored for BTreeSet<T> {
    fn write(&self, out: &mut Writer) {
        out.list(self.iter());
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        let mut all = Self::new();
        from.each(|from, one| match all.insert(one) {
            true => Ok(()),
            false => Err(from.malformed("a set that has something twice")),
        })?;
        Ok(all)
    }
}

impl<T: Stored> Stored for [T; 2] {
    fn write(&self, out: &mut Writer) {
        let [a, b] = self;
        a.write(out);
        b.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Ok([T::read(from)?, T::read(from)?])
    }
}

impl<A: Stored, B: Stored> Stored for (A, B) {
    fn write(&self, out: &mut Writer) {
        let (a, b) = self;
        a.write(out);
        b.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Ok((A::read(from)?, B::read(from)?))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::fmt::Debug;

    use super::*;

    fn comes_back<T: Stored + PartialEq + Debug>(value: &T) {
        let mut out = Writer::default();
        value.write(&mut out);
        let bytes = out.into_bytes();
        assert!(!bytes.is_empty(), "{value:?}");
        let mut from = Reader::new(&bytes);
        assert_eq!(&T::read(&mut from).unwrap(), value);
        from.end().unwrap();
        for cut in 0..bytes.len() {
            assert!(T::read(&mut Reader::new(&bytes[..cut])).is_err(), "{value:?} cut to {cut}");
        }
    }

    #[test]
    fn values_come_back_as_they_were() {
        for number in [0, 1, 127, 128, 300, u64::from(u32::MAX), u64::MAX] {
            comes_back(&number);
        }
        for number in [0, 1, -1, 63, -64, 64, i64::MIN, i64::MAX] {
            comes_back(&number);
            comes_back(&(i128::from(number) * 1_000_000_000));
        }
        for number in [i128::MIN, i128::MAX] {
            comes_back(&number);
        }
        comes_back(&[i32::MIN, i32::MAX]);
        comes_back(&(u16::MAX, true));
        comes_back(&vec![Some("ü".to_owned()), None, Some(String::new())]);
        comes_back::<Box<[Box<str>]>>(&["a".into(), "b".into()].into());
        comes_back(&BTreeSet::from([3u32, 1, 2]));
        comes_back::<SmallVec<[u64; 2]>>(&(0..9).collect());
    }

    #[test]
    fn what_cannot_be_is_an_error() {
        fn refused<T: Stored>(bytes: &[u8]) -> bool {
            T::read(&mut Reader::new(bytes)).is_err()
        }
        assert!(refused::<bool>(&[2]));
        assert!(refused::<u16>(&[0x80, 0x80, 4]));
        assert!(refused::<i32>(&[0x80, 0x80, 0x80, 0x80, 0x10]));
        assert!(refused::<u64>(&[0xff; 30]));
        assert!(refused::<i128>(&[0xff; 30]));
        assert!(refused::<String>(&[1, 0xff]));
        assert!(refused::<BTreeSet<u64>>(&[2, 7, 7]));
        // A list that says it has 2^63 members, and one that is as long as its bytes.
        assert!(refused::<Vec<[u64; 2]>>(&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]));
        assert!(refused::<Vec<[u64; 2]>>(&[4, 0, 0, 0, 0]));
    }
}
