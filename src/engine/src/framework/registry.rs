//! Plugins by name.

/// Named factories, in the order of registration. What a factory is, the crate of the plugins
/// says: it knows how arguments are decoded, and the engine does not.
#[derive(Debug, Clone)]
pub struct Registry<F> {
    entries: Vec<(Box<str>, F)>,
}

/// A name that cannot be registered or found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RegistryError {
    /// Two factories want one name.
    #[error("plugin {name:?} is registered already: give yours a name of its own")]
    Duplicate {
        /// The name.
        name: Box<str>,
    },
    /// Nobody registered the name.
    #[error("plugin {name:?} does not exist{}", nearest.as_ref().map_or(String::new(), |n| format!(": did you mean {n:?}?")))]
    Unknown {
        /// The name.
        name: Box<str>,
        /// The registered name that is closest to it.
        nearest: Option<Box<str>>,
    },
}

impl<F> Default for Registry<F> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<F> Registry<F> {
    /// Adds a factory, and gives the registry back so that calls chain.
    ///
    /// # Errors
    /// The name is taken.
    pub fn with(mut self, name: &str, factory: impl Into<F>) -> Result<Self, RegistryError> {
        if self.entries.iter().any(|(n, _)| n.as_ref() == name) {
            return Err(RegistryError::Duplicate { name: name.into() });
        }
        self.entries.push((name.into(), factory.into()));
        Ok(self)
    }

    /// The factory of `name`.
    ///
    /// # Errors
    /// The name is unknown; the error tells the nearest known one.
    pub fn get(&self, name: &str) -> Result<&F, RegistryError> {
        self.entries.iter().find(|(n, _)| n.as_ref() == name).map(|(_, f)| f).ok_or_else(|| {
            RegistryError::Unknown {
                name: name.into(),
                nearest: nearest(name, self.names()).map(Into::into),
            }
        })
    }

    /// Names in the order of registration.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.iter().map(|(n, _)| n.as_ref())
    }

    /// Names and factories in the order of registration.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &F)> {
        self.entries.iter().map(|(n, f)| (n.as_ref(), f))
    }
}

/// The word among `known` that is closest to `word` by edit distance, case aside, if it is close
/// enough to be a slip: at most a third of the letters.
pub fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let limit = word.chars().count().div_ceil(3).max(1);
    let (distance, best) = known.map(|k| (distance(word, k), k)).min_by_key(|(d, _)| *d)?;
    (distance <= limit).then_some(best)
}

/// Levenshtein's distance, ignoring case.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (slot, y) in row.iter_mut().skip(1).zip(&b) {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = *slot;
            left = substituted.min(left + 1).min(diagonal + 1);
            *slot = left;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn names_are_unique_and_slips_are_recognized() {
        let registry: Registry<u8> =
            Registry::default().with("NodePorts", 1).unwrap().with("NodeName", 2).unwrap();
        assert_eq!(registry.get("NodeName"), Ok(&2));
        let unknown = registry.get("nodeport").unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "plugin \"nodeport\" does not exist: did you mean \"NodePorts\"?"
        );
        assert_eq!(
            registry.get("Wholly").unwrap_err().to_string(),
            "plugin \"Wholly\" does not exist"
        );
        assert!(matches!(registry.with("NodeName", 3), Err(RegistryError::Duplicate { .. })));
    }

    #[test]
    fn distances_are_levenshteins() {
        for (a, b, d) in
            [("kitten", "sitting", 3), ("", "abc", 3), ("abc", "ABC", 0), ("ab", "ba", 2)]
        {
            assert_eq!(distance(a, b), d);
        }
    }
}
