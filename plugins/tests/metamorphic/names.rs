//! Names of everything in a scenario, in two sets: what is called what must not matter.

/// A set of names. The second is as unlike the first as it may be: nodes, namespaces and labels
/// sort the other way round. Volumes, claims and classes keep their order, as equally good volumes
/// are taken in the order of their names.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Names {
    second: bool,
}

/// Kinds of names, and what each is called in the second set. No name is part of another.
const KINDS: [(&str, &str, bool); 13] = [
    ("node", "machine", true),
    ("space", "tenant", true),
    ("key", "about", true),
    ("value", "word", true),
    ("zone", "hall", true),
    ("taint", "blot", true),
    ("image", "picture", true),
    ("port", "quay", false),
    ("claim", "demand", false),
    ("volume", "disk", false),
    ("class", "sort", false),
    ("driver", "engine", false),
    ("owner", "parent", true),
];

/// Largest number of a name, plus one.
const COUNT: usize = 100;

impl Names {
    /// The names that scenarios have unless said.
    pub(crate) const FIRST: Self = Self { second: false };
    /// The other names.
    pub(crate) const SECOND: Self = Self { second: true };

    /// The name of the `at`-th thing of `kind`.
    pub(crate) fn of(self, kind: &str, at: usize) -> String {
        let (_, other, turned) = KINDS.into_iter().find(|(k, ..)| *k == kind).unwrap();
        match (self.second, turned) {
            (false, _) => format!("{kind}-{at:02}"),
            (true, true) => format!("{other}-{:02}", COUNT - 1 - at),
            (true, false) => format!("{other}-{at:02}"),
        }
    }

    /// `text` with second names as first ones.
    pub(crate) fn first_of(text: &str) -> String {
        let mut text = text.to_owned();
        for (kind, other, _) in KINDS {
            if !text.contains(other) {
                continue;
            }
            for at in 0..COUNT {
                let (first, second) = (Self::FIRST.of(kind, at), Self::SECOND.of(kind, at));
                text = text.replace(&second, &first);
            }
        }
        text
    }
}
