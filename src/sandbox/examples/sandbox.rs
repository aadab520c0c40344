//! Runs a sandbox until interrupted:
//! `cargo run -p berth-sandbox --example sandbox -- NODES KUBECONFIG`.

use berth_sandbox::{Options, Sandbox, nodes};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let count = args.next().map_or(Ok(10), |n| n.parse())?;
    let sandbox = Sandbox::start(Options { nodes: nodes(count), ..Options::default() }).await?;
    match args.next() {
        Some(path) => std::fs::write(path, sandbox.kubeconfig())?,
        None => print!("{}", sandbox.kubeconfig()),
    }
    tokio::signal::ctrl_c().await?;
    sandbox.stop().await;
    Ok(())
}
