//! Which objects of a kind exist, for mark and sweep and for never going back in time.
//!
//! Who is believed: a list that was accepted says what is there, whatever the versions. It is not
//! older than anything seen (`resume`), so an object in it that is older, or another one of the
//! name with a lower version, is of a new history: etcd restored from a backup, or a cluster made
//! again. An event counts where it is newer than what is known of the name. The uid decides whether
//! it is the same object.

mod audit;

use berth_engine::record::ObjectKey;
use hashbrown::{HashMap, HashSet};

use super::decode::Identity;
use super::resume::number;
pub(crate) use audit::Row;

/// Names kept of objects that a list could not read: 300 kB. Beyond it each is news again.
const UNREADABLE_MAX: usize = 4_096;

/// A uid in 16 bytes where it is a UUID, as those of Kubernetes are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Uid {
    /// Its bytes: an array, so that an entry is 48 bytes and not 64.
    Uuid([u8; 16]),
    Text(Box<str>),
}

/// What is kept of an object: with its key `namespace/name` about 130 bytes a pod, 60 MB for the
/// 450,000 pods of a large cluster.
#[derive(Debug)]
struct Entry {
    uid: Uid,
    /// Resource version; 0 where it is not a number.
    version: u64,
    /// Hash of what it says; 0 where that is not kept.
    digest: u64,
    /// Number of the list that had it last, or during which it was seen.
    list: u32,
}

/// What an object that was added or changed is to the table.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// New, or newer than before.
    Newer,
    /// Another object of this name was there and is gone; the old one's uid.
    Replaced(Box<str>),
    /// Newer, and it says the same.
    Same,
    /// Not newer than what is known.
    Stale,
}

/// Where an object was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Source {
    /// In a list that was accepted.
    List,
    /// In an event of a watch.
    Watch,
}

/// The objects of one kind.
#[derive(Debug, Default)]
pub(crate) struct Known {
    entries: HashMap<Box<str>, Entry>,
    list: u32,
    /// The list under way has objects older than what was known of them.
    went_back: bool,
    /// Objects that the last list had and that cannot be read.
    unreadable: HashSet<Box<str>>,
    audit: Option<audit::Open>,
}

impl Known {
    /// A new list begins: what it does not mention is gone. An audit that is open ends.
    pub(crate) fn begin_list(&mut self) {
        self.list = self.list.wrapping_add(1);
        self.went_back = false;
        self.audit = None;
    }

    /// An object that is there. `digest` is a hash of what it says, 0 for none: of 2^64 changes one
    /// would be taken for none.
    pub(crate) fn apply(&mut self, identity: &Identity, digest: u64, source: Source) -> Seen {
        let version = number(&identity.resource_version);
        let uid = Uid::new(&identity.uid);
        let list = self.list;
        let key = joined(&identity.key);
        if !self.unreadable.is_empty() {
            self.unreadable.remove(&*key);
        }
        let Some(entry) = self.entries.get_mut(&*key) else {
            self.entries.insert(key.into_boxed_str(), Entry { uid, version, digest, list });
            return Seen::Newer;
        };
        entry.list = list;
        let is_other = entry.uid != uid;
        if version != 0 && entry.version != 0 && version <= entry.version {
            let goes_back = is_other || version < entry.version;
            if source == Source::Watch || !goes_back {
                return Seen::Stale;
            }
            self.went_back = true;
        }
        entry.version = version;
        let before = std::mem::replace(&mut entry.digest, digest);
        if !is_other {
            return if digest != 0 && before == digest { Seen::Same } else { Seen::Newer };
        }
        Seen::Replaced(std::mem::replace(&mut entry.uid, uid).into_text())
    }

    /// An object that is there but cannot be read: what was known of it stays.
    pub(crate) fn keep(&mut self, key: &ObjectKey) {
        let list = self.list;
        if let Some(entry) = self.entries.get_mut(&*joined(key)) {
            entry.list = list;
        }
    }

    /// A list has this object, and it cannot be read.
    pub(crate) fn cannot_read(&mut self, key: &ObjectKey) {
        self.keep(key);
        if self.unreadable.len() < UNREADABLE_MAX {
            self.unreadable.insert(joined(key).into_boxed_str());
        }
    }

    /// Whether the last list could not read this object either.
    pub(crate) fn is_unreadable(&self, key: &ObjectKey) -> bool {
        !self.unreadable.is_empty() && self.unreadable.contains(&*joined(key))
    }

    /// Whether this very object is known.
    pub(crate) fn has(&self, key: &ObjectKey, uid: &str) -> bool {
        self.entries.get(&*joined(key)).is_some_and(|entry| entry.uid == Uid::new(uid))
    }

    /// An object that is gone; its uid where it was known. `None` where it was not, or where a
    /// newer object of the name is there.
    pub(crate) fn remove(&mut self, identity: &Identity) -> Option<Box<str>> {
        let key = joined(&identity.key);
        if let Some(audit) = &mut self.audit {
            audit.removed(&key);
        }
        self.unreadable.remove(&*key);
        let entry = self.entries.get(&*key)?;
        let version = number(&identity.resource_version);
        let other = !identity.uid.is_empty() && entry.uid != Uid::new(&identity.uid);
        if other && version != 0 && version < entry.version {
            return None;
        }
        self.entries.remove(&*key).map(|entry| entry.uid.into_text())
    }

    /// The list is complete: removes and returns what it did not mention.
    pub(crate) fn sweep(&mut self) -> Vec<(ObjectKey, Box<str>)> {
        let list = self.list;
        self.entries
            .extract_if(|_, entry| entry.list != list)
            .map(|(key, entry)| (split(&key), entry.uid.into_text()))
            .collect()
    }

    /// Whether the list under way shows that the server's history has been replaced.
    pub(crate) fn went_back(&self) -> bool {
        self.went_back
    }

    /// The server's history has been replaced: versions known so far mean nothing.
    pub(crate) fn forget_versions(&mut self) {
        for entry in self.entries.values_mut() {
            entry.version = 0;
        }
    }

    /// Number of objects.
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

impl Uid {
    fn new(text: &str) -> Self {
        let uuid = uuid(text).filter(|value| text_of(*value) == text);
        uuid.map_or_else(|| Self::Text(text.into()), |value| Self::Uuid(value.to_be_bytes()))
    }

    fn into_text(self) -> Box<str> {
        match self {
            Self::Uuid(bytes) => text_of(u128::from_be_bytes(bytes)).into_boxed_str(),
            Self::Text(text) => text,
        }
    }
}

fn uuid(text: &str) -> Option<u128> {
    if text.len() != 36 {
        return None;
    }
    let mut value: u128 = 0;
    for byte in text.bytes().filter(|byte| *byte != b'-') {
        value = (value << 4) | u128::from(char::from(byte).to_digit(16)?);
    }
    Some(value)
}

fn text_of(uuid: u128) -> String {
    let hex = format!("{uuid:032x}");
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

/// `namespace/name`, with the slash also where there is no namespace.
fn joined(key: &ObjectKey) -> String {
    [&*key.namespace, &*key.name].join("/")
}

fn split(joined: &str) -> ObjectKey {
    let (namespace, name) = joined.split_once('/').unwrap_or(("", joined));
    ObjectKey::new(namespace, name)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "0b4f1d6e-0000-4000-8000-00000000000a";
    const B: &str = "0b4f1d6e-0000-4000-8000-00000000000b";

    pub(super) fn object(name: &str, uid: &str, version: &str) -> Identity {
        Identity {
            key: ObjectKey::new("n", name),
            uid: uid.into(),
            resource_version: version.into(),
        }
    }

    #[test]
    fn what_a_list_does_not_mention_is_gone() {
        let mut known = Known::default();
        known.begin_list();
        for name in ["a", "b", "c"] {
            assert_eq!(known.apply(&object(name, A, "5"), 0, Source::Watch), Seen::Newer);
        }
        assert!(known.sweep().is_empty());
        known.begin_list();
        assert_eq!(known.apply(&object("a", A, "5"), 0, Source::Watch), Seen::Stale);
        known.keep(&ObjectKey::new("n", "b"));
        known.keep(&ObjectKey::new("n", "never seen"));
        assert_eq!(known.sweep(), [(ObjectKey::new("n", "c"), A.into())]);
        assert_eq!(known.len(), 2);
    }

    #[test]
    fn older_versions_do_not_count() {
        let mut known = Known::default();
        known.apply(&object("a", A, "10"), 0, Source::Watch);
        assert_eq!(known.apply(&object("a", A, "9"), 0, Source::Watch), Seen::Stale);
        assert_eq!(known.apply(&object("a", A, "10"), 0, Source::Watch), Seen::Stale);
        assert_eq!(known.apply(&object("a", A, "x"), 0, Source::Watch), Seen::Newer);
        assert_eq!(known.apply(&object("a", A, "1"), 0, Source::Watch), Seen::Newer);
        known.forget_versions();
        assert_eq!(known.apply(&object("a", A, "1"), 0, Source::Watch), Seen::Newer);
    }

    #[test]
    fn an_accepted_list_is_believed_whatever_the_versions() {
        let mut known = Known::default();
        known.begin_list();
        for name in ["a", "b", "c"] {
            known.apply(&object(name, A, "100"), 7, Source::List);
        }
        known.begin_list();
        assert_eq!(known.apply(&object("a", A, "100"), 7, Source::List), Seen::Stale);
        assert!(!known.went_back(), "nothing is older yet");
        assert_eq!(known.apply(&object("b", B, "7"), 7, Source::List), Seen::Replaced(A.into()));
        assert!(known.went_back());
        assert_eq!(known.apply(&object("c", A, "99"), 8, Source::List), Seen::Newer);
        assert!(known.sweep().is_empty());
        // From here on the versions of the new history count.
        assert_eq!(known.apply(&object("b", B, "8"), 9, Source::Watch), Seen::Newer);
        known.begin_list();
        assert!(!known.went_back());
    }

    #[test]
    fn a_name_used_again_is_another_object() {
        let mut known = Known::default();
        known.apply(&object("a", A, "10"), 0, Source::Watch);
        assert_eq!(known.apply(&object("a", B, "20"), 0, Source::Watch), Seen::Replaced(A.into()));
        assert_eq!(known.remove(&object("a", A, "15")), None);
        assert_eq!(known.remove(&object("a", B, "25")), Some(B.into()));
        assert_eq!(known.remove(&object("a", B, "25")), None);
    }

    #[test]
    fn who_says_the_same_again() {
        let mut known = Known::default();
        assert_eq!(known.apply(&object("a", A, "1"), 7, Source::Watch), Seen::Newer);
        assert_eq!(known.apply(&object("a", A, "2"), 7, Source::Watch), Seen::Same);
        assert_eq!(known.apply(&object("a", A, "3"), 8, Source::Watch), Seen::Newer);
        assert_eq!(known.apply(&object("a", A, "2"), 8, Source::Watch), Seen::Stale);
        assert_eq!(known.apply(&object("a", B, "4"), 8, Source::Watch), Seen::Replaced(A.into()));
        assert_eq!(known.apply(&object("a", B, "5"), 0, Source::Watch), Seen::Newer);
        assert_eq!(
            known.apply(&object("a", B, "6"), 0, Source::Watch),
            Seen::Newer,
            "0 is no digest"
        );
        assert_eq!(size_of::<Entry>(), 48);
    }

    #[test]
    fn uids_keep_their_text() {
        let odd = [
            "",
            "u",
            "0B4F1D6E-0000-4000-8000-00000000000A",
            "0b4f1d6e00004000-8000-00000000000a--",
        ];
        for text in odd.into_iter().chain([A, B]) {
            assert_eq!(&*Uid::new(text).into_text(), text);
        }
        assert!(matches!(Uid::new(A), Uid::Uuid(_)));
    }
}
