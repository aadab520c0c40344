//! `berth sandbox`: the embedded API server alone, for any scheduler and kubectl.

use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use berth_sandbox::{Options, Sandbox, nodes};

use super::{args, kubeconfig_file, signals};

/// How long a stop may take.
const STOP_DEADLINE: Duration = Duration::from_secs(5);

/// Runs a sandbox until SIGTERM or Ctrl-C. The kubeconfig goes to a file, or to standard output
/// and nothing else with it.
///
/// # Errors
/// The port is taken, or the kubeconfig cannot be written.
pub(super) async fn sandbox(args: args::Sandbox) -> Result<()> {
    // From the start: a signal meanwhile must not be lost.
    let mut stop = std::pin::pin!(signals::stop_signal());
    let options = Options {
        address: SocketAddr::from(([127, 0, 0, 1], args.port)),
        nodes: nodes(usize::try_from(args.nodes)?),
        ..Options::default()
    };
    let sandbox = tokio::select! {
        signal = &mut stop => return signal.map(drop),
        // Its message has the cause in it already.
        sandbox = Sandbox::start(options) => sandbox.map_err(|error| anyhow!("{error}"))?,
    };
    let kubectl = match &args.kubeconfig_out {
        Some(path) => {
            kubeconfig_file::write(path, &sandbox.kubeconfig()).context("--kubeconfig-out")?;
            format!("kubectl --kubeconfig={}", path.display())
        }
        None => {
            let mut stdout = std::io::stdout();
            let written = stdout.write_all(sandbox.kubeconfig().as_bytes());
            written.and_then(|()| stdout.flush()).context("writing the kubeconfig")?;
            "kubectl --kubeconfig=FILE".to_owned()
        }
    };
    eprintln!("{} nodes at {}; Ctrl-C stops them. Look around with", args.nodes, sandbox.url());
    eprintln!("  {kubectl} get nodes");
    let signal = stop.await?;
    tracing::debug!(signal, "stopping");
    // What has not ended by then ends with the process.
    let _in_time = tokio::time::timeout(STOP_DEADLINE, sandbox.stop()).await;
    Ok(())
}
