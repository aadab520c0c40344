//! Strings as numbers.

use std::sync::Arc;

use crate::stored::{LoadError, Reader, Stored, Writer};

use super::{HashKey, Paged, RowIndex};

/// An interned string: equal symbols are equal strings. Symbols compare by age, not by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Sym(u32);

impl Sym {
    /// The first symbol of a table: a filler where the real one follows at once.
    pub(crate) const FIRST: Self = Self(0);

    /// A symbol that no string has: equal to none that a table gives out. Stands for a text that
    /// nobody has interned, where something is compared by a reader who may not intern.
    pub const NONE: Self = Self(u32::MAX);

    /// The symbol of a row that [`Sym::at`] gave.
    pub fn from_row(at: usize) -> Self {
        Self(u32::try_from(at).unwrap_or(u32::MAX))
    }

    /// The row of this symbol in a table kept per symbol.
    pub fn at(self) -> usize {
        self.0 as usize
    }
}

/// The strings behind symbols.
///
/// It only grows. What is interned here is bounded by the cluster's vocabulary: node names, node
/// label keys and values, taints, namespaces, resource and image names, and what pods say about
/// them. At about 80 bytes a string, 15,000 nodes with 15 labels each (30,000 distinct strings)
/// cost 2.4 MB, and a year of 1,000 new nodes a day 50 MB. Pod label values, which are without
/// bound (`controller-uid`, completion indexes), are not kept here but counted in
/// [`crate::model::LabelSets`].
#[derive(Debug, Clone)]
pub struct Symbols {
    // Shared, so that a bind takes a node's name along without a copy.
    texts: Paged<Arc<str>>,
    table: RowIndex,
    key: HashKey,
}

/// With [`HashKey::PUBLIC`].
impl Default for Symbols {
    fn default() -> Self {
        Self::new(HashKey::PUBLIC)
    }
}

impl Symbols {
    /// No symbols yet; texts are hashed by `key`.
    pub fn new(key: HashKey) -> Self {
        Self { texts: Paged::default(), table: RowIndex::default(), key }
    }

    /// The symbol of `text`, new where there is none.
    pub fn intern(&mut self, text: &str) -> Sym {
        let hash = self.key.hash(text);
        if let Some(at) = self.table.find(hash, |at| self.text(Sym(at)) == text) {
            return Sym(at);
        }
        let at = u32::try_from(self.texts.push(text.into())).unwrap_or(u32::MAX);
        self.table.insert(hash, at);
        Sym(at)
    }

    /// The symbol of `text`, if anyone has interned it.
    pub fn get(&self, text: &str) -> Option<Sym> {
        let hash = self.key.hash(text);
        self.table.find(hash, |at| self.text(Sym(at)) == text).map(Sym)
    }

    /// The string.
    pub fn text(&self, sym: Sym) -> &str {
        self.texts.get(sym.at()).map_or("", |t| t.as_ref())
    }

    /// The string, for whoever keeps it.
    pub fn shared_text(&self, sym: Sym) -> Arc<str> {
        self.texts.get(sym.at()).map(Arc::clone).unwrap_or_default()
    }

    /// Pages that a snapshot has as well.
    pub(crate) fn shared_pages(&self) -> usize {
        self.texts.shared_pages() + self.table.shared_pages()
    }

    /// Writes the texts by age.
    pub(crate) fn save(&self, out: &mut Writer) {
        let Self { texts, table: _, key: _ } = self;
        texts.write(out);
    }

    /// The symbols as they were, hashed by `key`.
    pub(crate) fn load(from: &mut Reader<'_>, key: HashKey) -> Result<Self, LoadError> {
        let mut symbols = Self::new(key);
        for at in 0..from.count()? {
            if symbols.intern(from.text()?).at() != at {
                return Err(from.malformed("a symbol twice"));
            }
        }
        from.rows.symbols = symbols.len();
        Ok(symbols)
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.texts.is_empty()
    }
}

impl Stored for Sym {
    fn write(&self, out: &mut Writer) {
        self.0.write(out);
    }

    fn read(from: &mut Reader<'_>) -> Result<Self, LoadError> {
        from.row(from.rows.symbols).map(Self::from_row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_texts_are_one_symbol() {
        let mut symbols = Symbols::default();
        let all: Vec<Sym> = (0..1000).map(|i| symbols.intern(&format!("s{i}"))).collect();
        for (i, sym) in all.iter().enumerate() {
            assert_eq!(symbols.get(&format!("s{i}")), Some(*sym));
            assert_eq!(symbols.text(*sym), format!("s{i}"));
            assert_eq!(symbols.intern(&format!("s{i}")), *sym);
        }
        assert_eq!((symbols.len(), symbols.get("other")), (1000, None));
    }
}
