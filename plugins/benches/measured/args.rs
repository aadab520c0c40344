//! The bench's arguments.

use berth_engine::ranking::PARALLEL_NODES_MIN;

use super::case::{CASES, find};
use super::crowd::{self, CROWDS};

pub const USAGE: &str = "\
Usage: cargo bench -p berth-plugins --bench engine -- [options]
  --case=A,B      cases (default: all; `record` and `snapshot` run by their names only; `list`
                  lists them, `bars` are those that `make bench` has bars for, but for `record`
                  and for `crowds`, which are pods that wait)
  --nodes=N,N     sizes (default 1000,5000,15000,100000; 1000000 too for memory and the cases of
                  bars; for `bars` the sizes that they ask for)
  --threads=N,N   threads (default 1,2; the default run leaves 2 out below 20,000 nodes,
                  where first evaluations are not shared out)
  --seconds=S     time for the decisions of one measurement (default 0.25)
  --rounds=N      rounds of all measurements; of each the median counts (default 1)
  --missing       only what this build has not measured on this machine yet
  --flame=FILE    draw where the time of one measurement goes, as SVG
  --pods=N        at most so many pods per measurement; of `record` exactly (default: the nodes)";

/// Cases that `make bench` has bars for (`e2e/src/bench/bars/engine_bars.rs`); their cost is
/// followed up to 1,000,000 nodes.
const OF_BARS: [&str; 6] =
    ["one-class", MANY, "zone-affinity", "host-anti", "zone-spread", "host-spread"];

/// The case of bars whose growth has none. On 100,000 nodes its rankings do not fit the bound, and
/// one measurement takes minutes.
const MANY: &str = "classes-1000";

/// What to run.
#[derive(Debug, Clone)]
pub struct Args {
    pub cases: Vec<String>,
    /// `cases` are those of bars.
    pub bars: bool,
    pub nodes: Vec<usize>,
    pub threads: Vec<usize>,
    pub seconds: f64,
    pub rounds: usize,
    pub pods: Option<usize>,
    /// Leave out what is kept of this build and machine.
    pub missing: bool,
    /// Run the one measurement asked for in this process, and print it as JSON.
    pub alone: bool,
    /// Where to draw a flame graph; runs in this process.
    pub flame: Option<std::path::PathBuf>,
}

impl Args {
    /// Reads the arguments.
    ///
    /// # Errors
    /// One is unknown, or its value cannot be read; the text says which.
    pub fn parse(args: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut parsed = Self {
            cases: Vec::new(),
            bars: false,
            nodes: Vec::new(),
            threads: Vec::new(),
            seconds: 0.25,
            rounds: 1,
            pods: None,
            missing: false,
            alone: false,
            flame: None,
        };
        for arg in args {
            let (name, value) = arg.split_once('=').unwrap_or((&arg, ""));
            let wrong = || format!("{arg}: cannot be read\n{USAGE}");
            match name {
                // cargo bench adds it.
                "--bench" => {}
                "--missing" => parsed.missing = true,
                "--alone" => parsed.alone = true,
                "--flame" => parsed.flame = Some(value.into()),
                "--case" if value == "bars" => {
                    parsed.bars = true;
                    parsed.cases = OF_BARS.map(str::to_owned).to_vec();
                }
                "--case" if value == "crowds" => {
                    parsed.cases = CROWDS.iter().map(|case| case.name.to_owned()).collect();
                }
                "--case" => parsed.cases = value.split(',').map(str::to_owned).collect(),
                "--nodes" => parsed.nodes = numbers(value).ok_or_else(wrong)?,
                "--threads" => parsed.threads = numbers(value).ok_or_else(wrong)?,
                "--seconds" => parsed.seconds = value.parse().map_err(|_| wrong())?,
                "--rounds" => {
                    let rounds = value.parse().ok().filter(|rounds| *rounds > 0);
                    parsed.rounds = rounds.ok_or_else(wrong)?;
                }
                "--pods" => parsed.pods = Some(value.parse().map_err(|_| wrong())?),
                "--help" => return Err(USAGE.to_owned()),
                _ => return Err(wrong()),
            }
        }
        let known = |name: &String| {
            matches!(name.as_str(), "record" | "snapshot" | "list")
                || find(name).is_some()
                || crowd::find(name).is_some()
        };
        match parsed.cases.iter().find(|name| !known(name)) {
            Some(name) => Err(format!(
                "--case={name}: there is none such; --case=list lists them, and `bars` stands alone"
            )),
            None => Ok(parsed),
        }
    }

    /// Case, nodes and threads of each measurement, in the order of the table.
    pub fn measurements(&self) -> Vec<(String, usize, usize)> {
        let names: Vec<String> = match self.cases.as_slice() {
            [] => CASES.iter().map(|case| case.name.to_owned()).collect(),
            names => names.to_vec(),
        };
        let mut all = Vec::new();
        for name in names {
            for nodes in self.sizes(&name) {
                for threads in self.threads_at(&name, nodes) {
                    all.push((name.clone(), nodes, threads));
                }
            }
        }
        all
    }

    fn sizes(&self, name: &str) -> Vec<usize> {
        match (self.nodes.as_slice(), name) {
            ([], "record") => vec![1_000_000],
            ([], "snapshot") => vec![5_000],
            ([], name) if crowd::find(name).is_some() => vec![5_000],
            ([], MANY) if self.bars => vec![5_000],
            ([], _) if self.bars => vec![1_000, 5_000, 100_000],
            ([], name) if name == "memory" || OF_BARS.contains(&name) => {
                vec![1_000, 5_000, 15_000, 100_000, 1_000_000]
            }
            ([], _) => vec![1_000, 5_000, 15_000, 100_000],
            (nodes, _) => nodes.to_vec(),
        }
    }

    fn threads_at(&self, name: &str, nodes: usize) -> Vec<usize> {
        match self.threads.as_slice() {
            [] if name == "record" => vec![1, 2],
            [] if name == "memory" || nodes < PARALLEL_NODES_MIN => vec![1],
            [] => vec![1, 2],
            threads => threads.to_vec(),
        }
    }
}

fn numbers(text: &str) -> Option<Vec<usize>> {
    text.split(',')
        .map(|number| number.parse().ok().filter(|number| *number > 0))
        .collect::<Option<Vec<usize>>>()
}
