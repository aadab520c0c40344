//! Objects besides pods and nodes in a saved state: each table by namespace and name.

use super::Objects;
use crate::cache::Cache;
use crate::object::Change;
use crate::object::{Object, kinds};
use crate::stored::{LoadError, Reader, Stored, Writer};

macro_rules! saved {
    (
        [] own { $($own:tt)* }
        objects {$(
            $(#[$doc:meta])*
            $Kind:ident {
                kind: $kind:literal, resource: $resource:literal,
                group: $group:literal, versions: $versions:tt,
                scope: $scope:ident, need: $need:ident,
                record: $Record:ident, table: $Table:ident $table:ident,
                reads: $reads:ident, event: $event:ident,
            }
        )*}
    ) => {
        impl Objects {
            /// Writes all objects, kind by kind.
            pub(crate) fn save(&self, out: &mut Writer) {
                let Self { $($table,)* index: _ } = self;
                $(out.sorted_values($table.iter());)*
            }
        }

        impl Cache {
            /// Takes the objects in as they were.
            pub(in crate::cache) fn load_objects(
                &mut self,
                from: &mut Reader<'_>,
            ) -> Result<(), LoadError> {
                $(self.load_kind(from, Object::$Kind)?;)*
                Ok(())
            }
        }
    };
}

kinds!(saved);

impl Cache {
    fn load_kind<T: Stored>(
        &mut self,
        from: &mut Reader<'_>,
        object: fn(T) -> Object,
    ) -> Result<(), LoadError> {
        from.each(|from, one| {
            let is_new = self.apply_object(&object(one), Change::Applied);
            // Nobody waits who could be woken.
            self.take_changes();
            self.let_changes_go();
            if is_new { Ok(()) } else { Err(from.malformed("an object twice")) }
        })
    }
}
