//! The engine's state as bytes: how values are written and read, and what frames them.
//!
//! The engine knows no serde. Each type says beside its definition how it is stored, mostly by the
//! macro `stored`, which takes a value apart field by field: a field that is added and not stored
//! does not compile. Equal values are equal bytes, whatever the order and the room of a hash table.
//!
//! Integers are LEB128, signed ones in zigzag; texts and lists have their length in front, which is
//! checked against the bytes that are left before anything is made; what there is a choice of has a
//! byte for its number.

mod error;
mod order;
mod reader;
mod seal;
mod values;
mod writer;

pub use error::LoadError;
pub use order::FirstUse;
pub use reader::{Reader, Rows};
pub use seal::{VERSION, seal, unseal};
pub use writer::Writer;

/// A value that can be written as bytes and read again as it was.
pub trait Stored: Sized {
    /// Writes the value: at least one byte, by which counts are checked.
    fn write(&self, out: &mut Writer);

    /// Reads a value.
    ///
    /// # Errors
    /// The bytes end early, or say what cannot be.
    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError>;
}

/// Says how a struct or an enum is stored: all its fields in the order given.
macro_rules! stored {
    (struct $name:ident { $($field:ident),+ $(,)? }) => {
        impl $crate::stored::Stored for $name {
            fn write(&self, out: &mut $crate::stored::Writer) {
                let Self { $($field),+ } = self;
                $($crate::stored::Stored::write($field, out);)+
            }

            fn read(
                from: &mut $crate::stored::Reader<'_>,
            ) -> Result<Self, $crate::stored::LoadError> {
                $(let $field = $crate::stored::Stored::read(from)?;)+
                Ok(Self { $($field),+ })
            }
        }
    };
    (struct $name:ident($($field:ident),+)) => {
        impl $crate::stored::Stored for $name {
            fn write(&self, out: &mut $crate::stored::Writer) {
                let Self($($field),+) = self;
                $($crate::stored::Stored::write($field, out);)+
            }

            fn read(
                from: &mut $crate::stored::Reader<'_>,
            ) -> Result<Self, $crate::stored::LoadError> {
                $(let $field = $crate::stored::Stored::read(from)?;)+
                Ok(Self($($field),+))
            }
        }
    };
    (enum $name:ident {
        $($number:literal = $variant:ident $({ $($field:ident),+ })? $(($($item:ident),+))?),+
        $(,)?
    }) => {
        impl $crate::stored::Stored for $name {
            fn write(&self, out: &mut $crate::stored::Writer) {
                match self {
                    $(Self::$variant $({ $($field),+ })? $(($($item),+))? => {
                        out.byte($number);
                        $($($crate::stored::Stored::write($field, out);)+)?
                        $($($crate::stored::Stored::write($item, out);)+)?
                    })+
                }
            }

            fn read(
                from: &mut $crate::stored::Reader<'_>,
            ) -> Result<Self, $crate::stored::LoadError> {
                match from.byte()? {
                    $($number => {
                        $($(let $field = $crate::stored::Stored::read(from)?;)+)?
                        $($(let $item = $crate::stored::Stored::read(from)?;)+)?
                        Ok(Self::$variant $({ $($field),+ })? $(($($item),+))?)
                    })+
                    _ => Err(from.malformed(concat!(
                        stringify!($name),
                        " has no variant of this number",
                    ))),
                }
            }
        }
    };
}

pub(crate) use stored;
