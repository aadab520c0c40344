//! How full the nodes are: a cell per node in blocks per zone, and sums.

use super::inventory::{Amounts, Inventory, Machine};
use super::terminal::Abilities;
use super::text::{Line, Paint, count, grouped, percent, plural};

/// Most cells; above, a cell is several nodes. At 80 columns these are 25 lines.
const CELLS_MAX: usize = 1_200;

/// Columns before the cells, and of the percentage after them.
const LABEL: usize = 15;
const SHARE: usize = 7;

/// The nodes, and what is requested of each.
#[derive(Debug)]
pub(super) struct Picture<'a> {
    pub(super) inventory: &'a Inventory,
    /// By node; as many as there are nodes.
    pub(super) requested: &'a [Amounts],
}

/// Sums over some nodes.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    nodes: usize,
    requested: Amounts,
    room: Amounts,
}

impl Picture<'_> {
    /// Nodes with their requests that satisfy `which`, in order.
    fn nodes(
        &self,
        which: impl Fn(&Machine) -> bool,
    ) -> impl Iterator<Item = (&Machine, &Amounts)> {
        self.inventory.machines.iter().zip(self.requested).filter(move |(m, _)| which(m))
    }

    fn sums(&self, which: impl Fn(&Machine) -> bool) -> Sums {
        let mut sums = Sums::default();
        for (machine, requested) in self.nodes(which) {
            sums.nodes += 1;
            sums.requested += *requested;
            sums.room += machine.room;
        }
        sums
    }

    /// Nodes of which more is requested than they have.
    pub(super) fn overcommitted(&self) -> usize {
        self.nodes(|_| true).filter(|(machine, taken)| !taken.fits_in(&machine.room)).count()
    }

    /// The cells, zone by zone and shape by shape, with a legend.
    pub(super) fn cells(&self, abilities: Abilities) -> Vec<Line> {
        let per_cell = self.inventory.machines.len().div_ceil(CELLS_MAX).max(1);
        let mut lines = Vec::new();
        for (zone, name) in self.inventory.zones.iter().enumerate() {
            let sums = self.sums(|m| m.zone == zone);
            let share = percent(sums.requested.milli_cpu, sums.room.milli_cpu);
            let heading = Line::default().with(Paint::Bold, name.as_str()).with(
                Paint::Plain,
                format!("  {}, CPU {share} % requested", plural(sums.nodes, "node")),
            );
            lines.push(heading);
            for shape in 0..self.inventory.shapes.len() {
                self.row(zone, shape, per_cell, abilities, &mut lines);
            }
        }
        lines.push(legend(per_cell, abilities.blocks));
        lines
    }

    fn row(
        &self,
        zone: usize,
        shape: usize,
        per_cell: usize,
        abilities: Abilities,
        lines: &mut Vec<Line>,
    ) {
        let of_row = |m: &Machine| m.zone == zone && m.shape == shape;
        let nodes: Vec<_> = self.nodes(of_row).collect();
        let columns = abilities.width.saturating_sub(LABEL + SHARE).max(1);
        let cells: Vec<_> = nodes.chunks(per_cell).collect();
        let mut rows = cells.chunks(columns).peekable();
        let mut label = format!("  {:<width$}", self.inventory.shapes[shape], width = LABEL - 2);
        while let Some(row) = rows.next() {
            let mut line = Line::plain(std::mem::take(&mut label));
            line.push(Paint::Plain, " ".repeat(LABEL - line.width()));
            for cell in row {
                let (glyph, paint) = glyph(cell, abilities.blocks);
                line.push(paint, glyph);
            }
            if rows.peek().is_none() {
                let sums = self.sums(of_row);
                let share = percent(sums.requested.milli_cpu, sums.room.milli_cpu);
                line.push(Paint::Dim, format!(" {share} %"));
            }
            lines.push(line);
        }
    }

    /// Sums per zone, per shape and of all.
    pub(super) fn table(&self) -> Vec<Line> {
        let heading = format!(
            "{:<LABEL$}{:>8}{:>10}{:>9}{:>9}{:>9}{:>9}",
            "", "nodes", "running", "CPUs", "CPU", "memory", "GPU"
        );
        let mut lines = vec![Line::default().with(Paint::Dim, heading)];
        for (zone, name) in self.inventory.zones.iter().enumerate() {
            lines.push(Line::plain(sums_row(name, &self.sums(|m| m.zone == zone))));
        }
        lines.push(Line::default());
        for (shape, name) in self.inventory.shapes.iter().enumerate() {
            lines.push(Line::plain(sums_row(name, &self.sums(|m| m.shape == shape))));
        }
        lines.push(Line::default());
        lines.push(Line::default().with(Paint::Bold, sums_row("all", &self.sums(|_| true))));
        lines
    }
}

fn sums_row(name: &str, sums: &Sums) -> String {
    let (taken, room) = (sums.requested, sums.room);
    let share = |taken: u64, room: u64| match room {
        0 => "-".to_owned(),
        _ => format!("{} %", percent(taken, room)),
    };
    format!(
        "{name:<LABEL$}{:>8}{:>10}{:>9}{:>9}{:>9}{:>9}",
        count(sums.nodes),
        grouped(taken.pods),
        grouped(room.milli_cpu / 1000),
        share(taken.milli_cpu, room.milli_cpu),
        share(taken.memory_mib, room.memory_mib),
        share(taken.gpus, room.gpus)
    )
}

/// The levels of a cell: glyph in blocks, in ASCII, and the least percentage.
const LEVELS: [(&str, &str, u64); 8] = [
    ("▁", "0", 0),
    ("▂", "1", 12),
    ("▃", "2", 25),
    ("▄", "3", 37),
    ("▅", "4", 50),
    ("▆", "5", 62),
    ("▇", "6", 75),
    ("█", "7", 87),
];

/// A cell of one or several nodes.
fn glyph(nodes: &[(&Machine, &Amounts)], blocks: bool) -> (&'static str, Paint) {
    if nodes.iter().any(|(machine, taken)| !taken.fits_in(&machine.room)) {
        return ("!", Paint::Bold);
    }
    let (mut taken, mut room, mut pods) = (0, 0, 0);
    for (machine, requested) in nodes {
        taken += requested.milli_cpu;
        room += machine.room.milli_cpu;
        pods += requested.pods;
    }
    if pods == 0 {
        return (if blocks { "·" } else { "." }, Paint::Dim);
    }
    let share = (taken * 100).checked_div(room).unwrap_or(0);
    let level = LEVELS.partition_point(|(_, _, least)| *least <= share).saturating_sub(1);
    level_glyph(level, blocks)
}

fn level_glyph(level: usize, blocks: bool) -> (&'static str, Paint) {
    let (block, ascii, _) = LEVELS[level];
    let paint = match level {
        0 | 1 => Paint::Blue,
        2 | 3 => Paint::Cyan,
        4 | 5 => Paint::Green,
        6 => Paint::Yellow,
        _ => Paint::Red,
    };
    (if blocks { block } else { ascii }, paint)
}

fn legend(per_cell: usize, blocks: bool) -> Line {
    let mut line =
        Line::default().with(Paint::Dim, if blocks { "· no pod  " } else { ". no pod  " });
    for level in 0..LEVELS.len() {
        let (glyph, paint) = level_glyph(level, blocks);
        line.push(paint, glyph);
    }
    let per_cell = if per_cell == 1 { "one node".to_owned() } else { format!("{per_cell} nodes") };
    line.with(Paint::Dim, format!("  eighths of the CPU requested; a cell is {per_cell}"))
}

#[cfg(test)]
mod tests;
