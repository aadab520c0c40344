//! What makes measurements comparable: the benchmark's own binary, which the engine is part of, and
//! the machine. `e2e/src/bench/engine.rs` shows those of the newest binary on its machine alone.

use serde::{Deserialize, Serialize};

/// Where a measurement was made, and of what.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Identity {
    /// Fingerprint of the binary: FNV-1a, 64 bits.
    pub build: String,
    pub machine: Machine,
}

/// The machine, as far as it may be told.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Machine {
    /// Cores that a process may use.
    pub cores: usize,
    /// Memory in GiB, rounded.
    pub memory_gib: u64,
}

impl Identity {
    /// Of this process.
    pub fn here() -> Self {
        let binary = std::fs::read(std::env::current_exe().unwrap()).unwrap();
        let cores = std::thread::available_parallelism().unwrap().get();
        let text = std::fs::read_to_string("/proc/meminfo").unwrap();
        let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:")).unwrap();
        let kib: u64 = total.trim().strip_suffix(" kB").unwrap().parse().unwrap();
        let machine = Machine { cores, memory_gib: (kib + (1 << 19)) >> 20 };
        Self { build: format!("{:016x}", fnv(&binary)), machine }
    }
}

fn fnv(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}
