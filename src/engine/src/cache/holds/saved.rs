//! What is held of storage, in a saved state.

use std::hash::Hash;

use hashbrown::HashMap;

use super::{Hold, VolumeHolds};
use crate::base::{HashKey, KeyedMap};
use crate::stored::{LoadError, Reader, Stored, Writer};

impl VolumeHolds {
    /// Writes what is held, and by whom.
    pub(crate) fn save(&self, out: &mut Writer) {
        let Self { volumes, claims, by_pod } = self;
        out.map(volumes.iter());
        out.map(claims.iter());
        out.map(by_pod.iter());
    }

    /// What was held, by names hashed by `key`.
    pub(crate) fn load(from: &mut Reader<'_>, key: HashKey) -> Result<Self, LoadError> {
        let (volumes, claims) = (load_holds(from, key)?, load_holds(from, key)?);
        let mut by_pod = HashMap::default();
        from.each(|_, (pod, reserved)| {
            by_pod.insert(pod, reserved);
            Ok(())
        })?;
        Ok(Self { volumes, claims, by_pod })
    }
}

fn load_holds<K: Stored + Hash + Eq, T: Stored>(
    from: &mut Reader<'_>,
    key: HashKey,
) -> Result<KeyedMap<K, Hold<T>>, LoadError> {
    let mut holds = KeyedMap::with_hasher(key);
    from.each(|_, (key, hold)| {
        holds.insert(key, hold);
        Ok(())
    })?;
    Ok(holds)
}

impl<T: Stored> Stored for Hold<T> {
    fn write(&self, out: &mut Writer) {
        let Self { laid, by } = self;
        laid.write(out);
        by.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        Ok(Self { laid: Stored::read(from)?, by: Stored::read(from)? })
    }
}
