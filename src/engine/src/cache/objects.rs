//! The objects besides pods and nodes, as they are.

mod saved;
mod storage;

use std::sync::Arc;

use crate::base::{HashKey, PagedMap, SortedMap};
use crate::model::{Action, Reads};
use crate::object::Change;
use crate::object::{Object, kinds};
use crate::record::{ObjectKey, SelectorOwnerRecord};

use super::Cache;
use super::entry::Told;
pub(super) use storage::ClaimUsers;
use storage::StorageIndex;

/// A table by namespace and name; nothing iterates it to make an order. Snapshots share objects.
type Table<T> = PagedMap<ObjectKey, T>;
/// A table in the order of namespace and name, for a kind of which plugins ask for those of one
/// namespace.
type Ordered<T> = SortedMap<ObjectKey, Arc<T>>;

/// What both tables do.
trait Keep<T> {
    fn empty(key: HashKey) -> Self;
    fn find(&self, key: &ObjectKey) -> Option<&T>;
    fn put(&mut self, key: ObjectKey, object: T);
    fn take(&mut self, key: &ObjectKey);
}

impl<T> Keep<T> for Table<T> {
    fn empty(key: HashKey) -> Self {
        Self::with_hasher(key)
    }
    fn find(&self, key: &ObjectKey) -> Option<&T> {
        self.get(key)
    }
    fn put(&mut self, key: ObjectKey, object: T) {
        self.insert(key, object);
    }
    fn take(&mut self, key: &ObjectKey) {
        self.remove(key);
    }
}

impl<T> Keep<T> for Ordered<T> {
    fn empty(_: HashKey) -> Self {
        Self::default()
    }
    fn find(&self, key: &ObjectKey) -> Option<&T> {
        self.get(key).map(AsRef::as_ref)
    }
    fn put(&mut self, key: ObjectKey, object: T) {
        self.insert(key, Arc::new(object));
    }
    fn take(&mut self, key: &ObjectKey) {
        self.remove(key);
    }
}

macro_rules! objects {
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
        /// A table for each kind. Plugins look objects up.
        #[derive(Debug, Clone)]
        pub struct Objects {
            $($(#[$doc])* pub $table: $Table<crate::record::$Record>,)*
            pub(super) index: StorageIndex,
        }

        impl Objects {
            /// No objects; their names are hashed by `key`.
            pub(super) fn new(key: HashKey) -> Self {
                Self { $($table: Keep::empty(key),)* index: StorageIndex::default() }
            }

            /// Whether there is none of any kind.
            pub(super) fn is_empty(&self) -> bool {
                $(self.$table.is_empty())&&*
            }

            /// Pages that a snapshot has as well.
            pub(super) fn shared_pages(&self) -> usize {
                self.index.shared_pages() $(+ self.$table.shared_pages())*
            }

            /// Writes one object; what happened to it, or nothing where it is as it was.
            fn write(&mut self, key: ObjectKey, object: &Object, change: Change) -> Action {
                match object {
                    $(Object::$Kind(record) => write(&mut self.$table, key, record, change),)*
                }
            }
        }
    };
}

kinds!(objects);

impl Objects {
    /// The services of a namespace.
    pub fn services_in<'a>(
        &'a self,
        namespace: &'a str,
    ) -> impl Iterator<Item = &'a SelectorOwnerRecord> {
        let from = self.services.range_from(&ObjectKey::new(namespace, ""));
        let own = from.take_while(move |(key, _)| key.namespace.as_ref() == namespace);
        own.map(|(_, service)| service.as_ref())
    }
}

/// What happens to an object by this change; nothing where it is as it was.
fn action<T: PartialEq>(old: Option<&T>, object: &T, change: Change) -> Action {
    match (change, old) {
        (Change::Deleted, None) => Action::NONE,
        (Change::Deleted, Some(_)) => Action::DELETE,
        (Change::Applied, Some(old)) if old == object => Action::NONE,
        (Change::Applied, Some(_)) => Action::UPDATE,
        (Change::Applied, None) => Action::ADD,
    }
}

fn write<T: PartialEq + Clone>(
    table: &mut impl Keep<T>,
    key: ObjectKey,
    object: &T,
    change: Change,
) -> Action {
    let action = action(table.find(&key), object, change);
    match action {
        Action::NONE => {}
        Action::DELETE => table.take(&key),
        _ => table.put(key, object.clone()),
    }
    action
}

impl Cache {
    /// An object other than a pod or node was added, changed or deleted. Returns false where it is
    /// as it was.
    pub fn apply_object(&mut self, object: &Object, change: Change) -> bool {
        let key = object.key();
        let attached = self.attached_nodes(object, &key);
        self.objects.unfile(object, &key);
        let actions = self.objects.write(key, object, change);
        self.objects.file(object, change);
        if actions.is_empty() {
            return false;
        }
        self.holds.drop_of(object);
        self.register(object);
        let (reads, _) = object.tells();
        // What any answer that is kept reads.
        let kept = Reads::NAMESPACES | Reads::SELECTOR_OWNERS | Reads::STORAGE;
        self.announce_object(object.clone(), reads.common(kept), actions);
        for node in attached {
            self.announce_node(node, reads, None, Told::Nobody);
        }
        true
    }

    /// Makes known the names that an object brings in.
    fn register(&mut self, object: &Object) {
        // Who keeps the names that a namespace selector means must find those of pods to come.
        if let Object::Namespace(namespace) = object {
            self.symbols.intern(&namespace.name);
        }
        // Labels that an owner selects by tell pods apart.
        if let Object::Service(o)
        | Object::ReplicationController(o)
        | Object::ReplicaSet(o)
        | Object::StatefulSet(o) = object
        {
            for key in o.selector.iter().flat_map(|s| s.keys()) {
                let key = self.symbols.intern(key);
                self.classes.select(key);
            }
        }
    }
}
