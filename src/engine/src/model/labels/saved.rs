//! Label sets in a saved state: those of pods, by first use, with their values once each.

use crate::base::{HashKey, Sym, Symbols};
use crate::record::StringMap;
use crate::stored::{FirstUse, LoadError, Reader, Stored, Writer};

use super::{LabelSet, LabelSets, Value, Values};

impl LabelSets {
    /// Writes the sets that pods have.
    pub(crate) fn save(&self, order: &FirstUse, out: &mut Writer) {
        let Self { sets, free: _, table: _, values, made: _, key: _ } = self;
        let Values { rows: values, free: _, by_text: _, key: _ } = values;
        let mut used = FirstUse::default();
        let pairs = order.rows().map(|row| match sets.get(row) {
            Some(LabelSet { pairs, users: _, serial: _ }) => pairs.as_ref(),
            None => &[],
        });
        let pairs: Vec<Vec<(Sym, usize)>> = pairs
            .map(|pairs| pairs.iter().map(|(k, v)| (*k, used.number(*v as usize))).collect())
            .collect();
        out.count(used.rows().len());
        for row in used.rows() {
            let value = values.get(row).map(|Value { text, users: _ }| text);
            out.text(value.map_or("", |text| text));
        }
        pairs.write(out);
    }

    /// The sets by their numbers, each used once by whoever loads.
    pub(crate) fn load(
        from: &mut Reader<'_>,
        key: HashKey,
        symbols: &mut Symbols,
    ) -> Result<Self, LoadError> {
        let mut labels = Self::new(key);
        let mut values = Vec::new();
        for _ in 0..from.count()? {
            values.push(from.text()?);
        }
        for number in 0..from.count()? {
            let mut pairs: Vec<(Box<str>, &str)> = Vec::new();
            for _ in 0..from.count()? {
                let key = Sym::read(from)?;
                let value = from.row(values.len())?;
                pairs.push((symbols.text(key).into(), values.get(value).copied().unwrap_or("")));
            }
            let all: StringMap = pairs.into_iter().collect();
            if labels.acquire(&all, symbols).at() != number {
                return Err(from.malformed("a set of labels twice"));
            }
        }
        Ok(labels)
    }
}
