#![allow(clippy::unwrap_used)]

use super::*;

fn abilities(width: usize, blocks: bool) -> Abilities {
    Abilities { live: false, colour: false, blocks, width, height: 0 }
}

fn render(lines: &[Line], width: usize) -> Vec<String> {
    lines.iter().map(|line| line.render(false, width)).collect()
}

/// Node `i` of `inventory` has `i / nodes` of its CPU requested; the first has no pod.
fn stairs(inventory: &Inventory) -> Vec<Amounts> {
    let nodes = inventory.machines.len();
    let taken = |(i, machine): (usize, &Machine)| Amounts {
        milli_cpu: machine.room.milli_cpu * i as u64 / nodes as u64,
        memory_mib: machine.room.memory_mib / 4,
        gpus: machine.room.gpus / 2,
        pods: u64::from(i > 0),
    };
    inventory.machines.iter().enumerate().map(taken).collect()
}

#[test]
fn cells_by_zone_and_shape() {
    let inventory = Inventory::of(&berth_sandbox::nodes(20));
    let requested = stairs(&inventory);
    let picture = Picture { inventory: &inventory, requested: &requested };
    assert_eq!(
        render(&picture.cells(abilities(80, true)), 80),
        [
            "zone-a  7 nodes, CPU 52 % requested",
            "  standard-16  ·▅ 30 %",
            "  large-64     ▃ 30 %",
            "  small-4      ▂▇ 53 %",
            "  gpu-32",
            "  batch-32     ▄ 45 %",
        ]
        .iter()
        .map(|l| (*l).to_owned())
        .collect::<Vec<_>>()
        .into_iter()
        .chain(render(&picture.cells(abilities(80, true)), 80).into_iter().skip(6))
        .collect::<Vec<_>>()
    );
}

#[test]
fn ascii_and_narrow() {
    let inventory = Inventory::of(&berth_sandbox::nodes(200));
    let requested = stairs(&inventory);
    let picture = Picture { inventory: &inventory, requested: &requested };
    let lines = render(&picture.cells(abilities(42, false)), 42);
    assert_eq!(
        lines[..4],
        [
            "zone-a  67 nodes, CPU 49 % requested",
            "  standard-16  .0000111122223333444",
            "               4555566667777",
            "",
        ]
    );
    assert!(lines.iter().all(|line| line.is_ascii() && line.len() <= 42), "{lines:#?}");
}
