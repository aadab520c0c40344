//! The table.

use e2e::scheduler::Kind;

use crate::round::Round;

pub(crate) fn print_header() {
    println!(
        "{:>5}  {:<14}  {:>12}  {:>12}  {:>10}  {:>9}  {:>6}",
        "round", "scheduler", "pods/s", "pods/s", "CPU ms", "peak MiB", "events"
    );
    println!(
        "{:>5}  {:<14}  {:>12}  {:>12}  {:>10}  {:>9}  {:>6}",
        "", "", "from start", "from 1st", "per pod", "memory", ""
    );
}

pub(crate) fn print_round(number: usize, round: &Round) {
    let row = Row::of(round);
    print_row(&number.to_string(), round.kind, &row);
}

/// The median row of each scheduler, and how Berth's compares.
pub(crate) fn print_medians(rounds: &[Round], kinds: &[Kind]) {
    let rows: Vec<(Kind, Row)> = kinds
        .iter()
        .map(|&kind| {
            let of_kind = rounds.iter().filter(|round| round.kind == kind);
            (kind, Row::median(&of_kind.map(Row::of).collect::<Vec<_>>()))
        })
        .collect();
    for (kind, row) in &rows {
        print_row("med.", *kind, row);
    }
    if let [(_, peer), (_, berth)] = &rows[..] {
        let ratio = |index: usize| berth.0[index] / peer.0[index];
        println!(
            "Berth / kube-scheduler: rate {:.2} (from start), {:.2} (from first bind); \
             CPU per pod {:.2}; memory {:.2}",
            ratio(0),
            ratio(1),
            ratio(2),
            ratio(3)
        );
    }
}

/// Rate from start, rate from first bind, CPU ms a pod, peak MiB, events.
struct Row([f64; 5]);

impl Row {
    fn of(round: &Round) -> Self {
        Self([
            round.rate_from_start(),
            round.rate_from_first(),
            round.cpu_ms_per_pod(),
            round.peak_mib(),
            round.events as f64,
        ])
    }

    /// Column by column; of an even number the lower of the middle two.
    fn median(rows: &[Self]) -> Self {
        let column = |index: usize| {
            let mut values: Vec<f64> = rows.iter().map(|row| row.0[index]).collect();
            values.sort_by(f64::total_cmp);
            values[(values.len() - 1) / 2]
        };
        Self([column(0), column(1), column(2), column(3), column(4)])
    }
}

fn print_row(label: &str, kind: Kind, row: &Row) {
    let [start, first, cpu, peak, events] = row.0;
    println!(
        "{label:>5}  {:<14}  {start:>12.1}  {first:>12.1}  {cpu:>10.2}  {peak:>9.1}  {events:>6.0}",
        kind.name()
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_by_column() {
        let rows =
            [[1.0, 9.0, 5.0, 2.0, 0.0], [2.0, 8.0, 4.0, 3.0, 1.0], [3.0, 7.0, 6.0, 1.0, 2.0]];
        assert_eq!(Row::median(&rows.map(Row)).0, [2.0, 8.0, 5.0, 2.0, 1.0]);
    }
}
