//! What is served on `--secure-port`: health, metrics, the configuration in force.

use anyhow::Result;
use tokio::sync::watch;

use crate::cli::args::Run;
use crate::cli::evaluate;
use crate::client::{Client, ConnectOptions, connect};
use crate::reload::InForce;
use crate::scheduler::lease::Standing;
use crate::scheduler::{Health, Reader, Scheduler};
use crate::serve::{
    Access, Answer, CertificateOptions, Check, ClientAuthority, Pages, READ_EVERY, ServeOptions,
    Server,
};

/// Starts the server; `None` where `--secure-port` is 0.
pub(super) async fn serve(
    args: &Run,
    in_force: watch::Receiver<InForce>,
    client: &Client,
    scheduler: &Scheduler,
    standing: watch::Receiver<Standing>,
) -> Result<Option<Server>> {
    if args.secure_port == 0 {
        return Ok(None);
    }
    let other = async |kubeconfig: &Option<std::path::PathBuf>| match kubeconfig {
        Some(path) => {
            connect(&ConnectOptions { kubeconfig: Some(path.clone()), master: None }).await
        }
        None => Ok(client.clone()),
    };
    let authentication = other(&args.authentication_kubeconfig).await?;
    // As in kube-scheduler, the cluster is asked only where no file is given.
    let authority = match &args.client_ca_file {
        Some(path) => ClientAuthority::File(path.clone()),
        None if args.authentication_skip_lookup => ClientAuthority::None,
        None => ClientAuthority::Cluster(authentication.clone()),
    };
    let access = Access::new(
        authentication,
        other(&args.authorization_kubeconfig).await?,
        args.authorization_always_allow_paths.clone(),
    );
    let options = ServeOptions {
        address: args.bind_address,
        port: args.secure_port,
        certificate: CertificateOptions {
            files: args.tls_cert_file.clone().zip(args.tls_private_key_file.clone()),
            directory: args.cert_dir.clone(),
        },
        protocol: args.protocol(),
        authority,
        read_every: READ_EVERY,
    };
    // As the other fields that `/configz` shows from the start, read then alone.
    let configured = in_force.borrow().loaded().configuration().enable_profiling.unwrap_or(true);
    let profiling = args.serves_profiles(configured);
    let about = (&scheduler.health(), scheduler.reader());
    let pages = pages(profiling, in_force, about, standing);
    let server = Server::start(&options, pages, access).await?;
    tracing::info!(address = %server.address(), "serving health and metrics");
    Ok(Some(server))
}

fn pages(
    profiling: bool,
    in_force: watch::Receiver<InForce>,
    (health, reader): (&Health, Reader),
    standing: watch::Receiver<Standing>,
) -> Pages {
    let (metrics, synced, stopping, watches, engine) =
        (health.clone(), health.clone(), health.clone(), health.clone(), health.clone());
    let heard = health.clone();
    Pages {
        profiling,
        live: vec![Check::ping(), Check::new("engine", move || engine.check_engine())],
        ready: vec![
            Check::ping(),
            Check::new("shutdown", move || {
                if stopping.is_stopping() {
                    Err("process is shutting down".to_owned())
                } else {
                    Ok(())
                }
            }),
            Check::new("sched-handler-sync", move || {
                if synced.is_synced() { Ok(()) } else { Err(unsynced(&synced)) }
            }),
            Check::new("watches-heard", move || unheard(&heard)),
            // An instance that waits for another to end places no pod.
            Check::new("lease", move || match &*standing.borrow() {
                Standing::Holds => Ok(()),
                Standing::Waits(why) | Standing::Lost(why) | Standing::Refused(why) => {
                    Err(why.clone())
                }
            }),
        ],
        metrics: Box::new(move |accept| metrics.metrics().encode(accept)),
        config: Box::new(move || in_force.borrow().page()),
        debug: vec![("/debug/watches", Box::new(move || watch_report(&watches)))],
        asked: vec![("/debug/pod", Box::new(move |query| Box::pin(pod(reader.clone(), query))))],
    }
}

/// A pod as it is judged now, by `namespace=` and `name=` of the query.
async fn pod(reader: Reader, query: String) -> Answer {
    let value = |key: &str| {
        let pair = query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        pair.map(str::to_owned).filter(|value| !value.is_empty())
    };
    let Some((namespace, name)) = value("namespace").zip(value("name")) else {
        return Err((400, "name a pod: /debug/pod?namespace=NAMESPACE&name=NAME".to_owned()));
    };
    let mut snapshot = reader.snapshot().await.map_err(|why| (503, why.to_string()))?;
    // Milliseconds for thousands of nodes: not on the thread that carries the binds.
    let judged = tokio::task::spawn_blocking(move || {
        let judged = evaluate::judge(&mut snapshot, &namespace, &name);
        judged.ok_or_else(|| (404, format!("no pod {namespace}/{name} is known")))
    });
    judged.await.unwrap_or_else(|error| Err((500, format!("judging the pod failed: {error}"))))
}

/// What the first lists still wait for.
fn unsynced(health: &Health) -> String {
    let states = health.states();
    let waiting: Vec<String> =
        states.pending().map(|(kind, state)| format!("{kind}: {state}")).collect();
    if waiting.is_empty() { "taking the first lists in".to_owned() } else { waiting.join("; ") }
}

/// The watches that are silent for too long, if any.
fn unheard(health: &Health) -> Result<(), String> {
    let silent = health.silent();
    if silent.is_empty() {
        return Ok(());
    }
    let kinds: Vec<String> = silent
        .iter()
        .map(|(kind, silence)| format!("{kind}: nothing heard for {} s", silence.as_secs()))
        .collect();
    Err(kinds.join("; "))
}

fn watch_report(health: &Health) -> String {
    use std::fmt::Write;
    let states = health.states();
    crate::watch::Kind::ALL.into_iter().fold(String::new(), |mut text, kind| {
        let silence = health.silence(kind).unwrap_or_default().as_secs();
        let _infallible = writeln!(text, "{kind}: {}, heard {silence} s ago", states.of(kind));
        text
    })
}

#[cfg(test)]
mod tests;
