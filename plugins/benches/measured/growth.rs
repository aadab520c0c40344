//! How the cost of a pod grows with the nodes.

use super::result::Measurement;

/// Prints, for each case, the cost per decision at each size against that at the smallest, by one
/// thread.
pub fn print(measured: &[Measurement]) {
    let decided = || measured.iter().filter(|m| m.pods > 0 && m.threads == 1 && m.name != "record");
    let mut names: Vec<&str> = decided().map(|m| m.name.as_str()).collect();
    names.dedup();
    println!("\ncost per decision against that at the fewest nodes, one thread");
    for name in names {
        let mut sizes: Vec<&Measurement> = decided().filter(|m| m.name == name).collect();
        sizes.sort_by_key(|m| m.nodes);
        let Some(least) = sizes.first() else { continue };
        let growth = sizes
            .iter()
            .map(|m| format!("{:>9}: {:<8.2}", m.nodes, m.ns_per_decision / least.ns_per_decision));
        println!("{name:<18} {}", growth.collect::<String>());
    }
}
