//! Whoever does not read, does not write, or asks too much leaves room for a probe.

use std::time::Instant;

use tokio::io::AsyncWriteExt as _;

use super::*;

/// Longest wait for what comes within seconds on a machine that is not loaded.
const LONG: Duration = Duration::from_secs(60);

/// How long a kubelet waits by the manifests.
const PROBE: Duration = Duration::from_secs(15);

async fn probe(bench: &Bench, when: &str) {
    let live = tokio::time::timeout(PROBE, bench.get("/livez", None)).await;
    let live = live.unwrap_or_else(|_| panic!("no answer {when}"));
    assert_eq!((live.status, &*live.body), (200, "ok"), "{when}");
}

#[tokio::test]
async fn a_probe_is_answered_amid_connections_that_say_nothing() {
    let bench = Bench::start().await;
    let address = bench.server.address();
    let mut silent = Vec::new();
    for _ in 0..600 {
        silent.push(TcpStream::connect(address).await.unwrap());
    }
    for _ in 0..3 {
        probe(&bench, "amid 600 silent connections").await;
    }
    // Most have been closed for the ones after them.
    let mut closed = 0;
    for stream in &mut silent {
        let end = tokio::time::timeout(Duration::from_millis(1), stream.read(&mut [0])).await;
        closed += usize::from(matches!(end, Ok(Ok(0) | Err(_))));
    }
    assert!(closed >= 600 - guests::PER_PEER_MAX, "{closed}");
}

#[tokio::test]
async fn a_probe_is_answered_amid_half_handshakes_and_half_heads() {
    let bench = Bench::start().await;
    let address = bench.server.address();
    let (mut hellos, mut heads) = (Vec::new(), Vec::new());
    for _ in 0..80 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
        hellos.push(stream);
    }
    for _ in 0..10 {
        let (mut stream, _) = visitor::connect(address, None).await.unwrap();
        stream.write_all(b"GET /livez HTTP/1.1\r\nhost:").await.unwrap();
        heads.push(stream);
    }
    probe(&bench, "amid slow peers").await;
    // They are not waited for.
    for stream in &mut heads {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a head that does not come is waited for");
    }
    for stream in &mut hellos {
        let mut rest = Vec::new();
        let ended = tokio::time::timeout(LONG, stream.read_to_end(&mut rest)).await;
        assert!(ended.is_ok(), "a handshake that does not come is waited for");
    }
}

#[tokio::test]
async fn a_connection_without_a_byte_is_ended() {
    let bench = Bench::start().await;
    let mut silent = TcpStream::connect(bench.server.address()).await.unwrap();
    let end = tokio::time::timeout(LONG, silent.read(&mut [0])).await;
    assert!(matches!(end, Ok(Ok(0) | Err(_))), "{end:?}");
}

#[tokio::test]
async fn requests_and_handshakes_have_a_rate_and_probes_are_answered_in_it() {
    let bench = Bench::start().await;
    let address = bench.server.address();
    let (began, mut flood) = (Instant::now(), JoinSet::new());
    for number in 0..24 {
        flood.spawn(async move {
            let (path, mut answered) = (format!("/x{number}"), 0_u32);
            while began.elapsed() < Duration::from_secs(3) {
                let sent = visitor::send_as(address, ("GET", &path), None, None).await;
                answered += u32::from(sent.is_ok());
            }
            answered
        });
    }
    for _ in 0..3 {
        probe(&bench, "amid a flood of handshakes").await;
    }
    let answered: u32 = flood.join_all().await.into_iter().sum();
    let seconds = began.elapsed().as_secs_f64();
    // 20 a second of one address, two seconds' worth at once, and 24 that wait for their turn.
    assert!(f64::from(answered) <= 20.0 * (seconds + 2.0) + 24.0, "{answered} in {seconds} s");
    let asked = bench.api.requests().len();
    assert!(asked <= answered as usize && asked >= 1, "{asked} reviews");
}
