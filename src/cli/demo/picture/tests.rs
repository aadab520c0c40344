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
            "zone-a  7 nodes, CPU 39 % requested",
            "  standard-16  ·▅▇ 45 %",
            "  large-64     ▃ 30 %",
            "  small-4      ▂█ 53 %",
            "  batch-32     ▄ 45 %",
            "zone-b  7 nodes, CPU 47 % requested",
            "  standard-16  ▃▅ 43 %",
            "  large-64     ▁▇ 43 %",
            "  small-4      ▆ 65 %",
            "  gpu-32       ▂ 20 %",
            "  batch-32     █ 95 %",
            "zone-c  6 nodes, CPU 53 % requested",
            "  standard-16  ▁▃▇ 40 %",
            "  large-64     ▅ 55 %",
            "  small-4      ▄ 40 %",
            "  gpu-32       ▆ 70 %",
            "· no pod  ▁▂▃▄▅▆▇█  eighths of the CPU requested; a cell is one node",
        ]
    );
    assert_eq!(picture.overcommitted(), 0);
}

#[test]
fn sums_by_zone_and_shape() {
    let inventory = Inventory::of(&berth_sandbox::nodes(20));
    let requested = stairs(&inventory);
    let picture = Picture { inventory: &inventory, requested: &requested };
    assert_eq!(
        render(&picture.table(), 80),
        [
            "                  nodes   running     CPUs      CPU   memory      GPU",
            "zone-a                7         6      152     39 %     25 %        -",
            "zone-b                7         7      228     47 %     25 %     50 %",
            "zone-c                6         6      148     53 %     25 %     50 %",
            "",
            "standard-16           8         7      128     43 %     25 %        -",
            "large-64              4         4      256     43 %     25 %        -",
            "small-4               4         4       16     53 %     25 %        -",
            "gpu-32                2         2       64     45 %     25 %     50 %",
            "batch-32              2         2       64     70 %     25 %        -",
            "",
            "all                  20        19      528     46 %     25 %     50 %",
        ]
    );
}

#[test]
fn in_ascii_rows_of_cells_go_on_below() {
    let inventory = Inventory::of(&berth_sandbox::nodes(200));
    let requested = stairs(&inventory);
    let picture = Picture { inventory: &inventory, requested: &requested };
    let lines = render(&picture.cells(abilities(42, false)), 42);
    assert_eq!(lines[1], "  standard-16  .0011112223334444555");
    assert_eq!(lines[2], "               6667777 50 %");
    assert!(lines.iter().all(|line| line.is_ascii() && line.len() <= 42), "{lines:#?}");
}

#[test]
fn large_clusters_share_cells_and_overfull_nodes_stand_out() {
    let inventory = Inventory::of(&berth_sandbox::nodes(3_000));
    let mut requested = stairs(&inventory);
    requested[0].milli_cpu = inventory.machines[0].room.milli_cpu + 1;
    let picture = Picture { inventory: &inventory, requested: &requested };
    let lines = render(&picture.cells(abilities(80, false)), 80);
    assert!(lines[1].starts_with("  standard-16  !"), "{}", lines[1]);
    assert!(lines.last().unwrap().ends_with("a cell is 3 nodes"), "{lines:#?}");
    assert!(lines.len() < 40, "{lines:#?}");
    assert_eq!(picture.overcommitted(), 1);
}
