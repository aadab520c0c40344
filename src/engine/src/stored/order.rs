//! Rows under the numbers that a saved state has for them.

/// Rows of a table numbered by first use. A table whose rows go by use (classes, label sets) has
/// them in an order that depends on who held what for how long, rankings among them; by first use
/// the order depends on the users alone.
#[derive(Debug, Default)]
pub struct FirstUse {
    rows: Vec<usize>,
    numbers: Vec<Option<usize>>,
}

impl FirstUse {
    /// The row's number, the next one where it has none.
    pub fn number(&mut self, row: usize) -> usize {
        if self.numbers.len() <= row {
            self.numbers.resize(row + 1, None);
        }
        let next = self.rows.len();
        let Some(slot) = self.numbers.get_mut(row) else { return next };
        if slot.is_none() {
            self.rows.push(row);
        }
        *slot.get_or_insert(next)
    }

    /// The number of a row that has one.
    pub fn known(&self, row: usize) -> usize {
        self.numbers.get(row).copied().flatten().unwrap_or(usize::MAX)
    }

    /// The rows by number.
    pub fn rows(&self) -> impl ExactSizeIterator<Item = usize> {
        self.rows.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_follow_the_first_use() {
        let mut order = FirstUse::default();
        assert_eq!([7, 2, 7, 0, 2].map(|row| order.number(row)), [0, 1, 0, 2, 1]);
        assert_eq!(order.rows().collect::<Vec<_>>(), [7, 2, 0]);
    }
}
