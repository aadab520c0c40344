#![allow(clippy::unwrap_used)]
use std::collections::HashMap;
use std::sync::Mutex;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::*;

/// What came over each connection, as `path` by `accept` header and token.
type Heard = Arc<Mutex<Vec<Vec<String>>>>;

/// Answers every request with this status line.
async fn server(status: &'static str) -> (Arc<Target>, Heard) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let heard = Heard::default();
    let all = Arc::clone(&heard);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let place = {
                let mut all = all.lock().unwrap();
                all.push(Vec::new());
                all.len() - 1
            };
            tokio::spawn(serve(stream, status, Arc::clone(&all), place));
        }
    });
    let config = kube::Config::new(url.parse().unwrap());
    (Arc::new(Target::new(&config, "secret").unwrap()), heard)
}

async fn serve(stream: TcpStream, status: &'static str, heard: Heard, place: usize) {
    let mut stream = BufReader::new(stream);
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if stream.read_until(b'\n', &mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let head = String::from_utf8(head).unwrap();
        let mut lines = head.lines();
        let path = lines.next().unwrap().split(' ').nth(1).unwrap().to_owned();
        let headers: HashMap<&str, &str> = lines.filter_map(|line| line.split_once(": ")).collect();
        assert_eq!(headers["authorization"], "Bearer secret");
        assert_eq!(headers["content-type"], "application/vnd.kubernetes.protobuf");
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        assert!(body.starts_with(b"k8s\0"));
        heard.lock().unwrap()[place].push(path);
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 2\r\n\r\nno");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn posts(pods: usize, events: bool) -> Posts {
    let post = |index: usize| {
        let pod = body::tests::pod(&format!("p-{index}"));
        let event = events.then(|| body::event(&pod, "n").unwrap());
        (body::binding(&pod, "n").unwrap(), event)
    };
    (0..pods).map(post).collect()
}

#[tokio::test]
async fn every_pod_is_bound_once_over_kept_connections() {
    let (target, heard) = server("201 Created").await;
    let burst = Burst::ready(target, posts(100, true), 4).await.unwrap();
    assert_eq!(heard.lock().unwrap().concat().len(), 0, "nothing is sent before the word");
    burst.run().await.unwrap();
    let heard = heard.lock().unwrap();
    assert_eq!(heard.len(), 4);
    assert!(heard.iter().all(|paths| paths.len() % 2 == 0), "an event behind its bind");
    assert!(heard.iter().flat_map(|paths| paths.chunks(2)).all(|two| two[1].ends_with("/events")));
    let mut binds: Vec<String> = heard.concat();
    binds.retain(|path| path.ends_with("/binding"));
    binds.sort_unstable();
    binds.dedup();
    assert_eq!(binds.len(), 100);
}

#[tokio::test]
async fn a_refusal_ends_the_flood() {
    let (target, _) = server("409 Conflict").await;
    let burst = Burst::ready(target, posts(100, false), 4).await.unwrap();
    let error = format!("{:#}", burst.run().await.unwrap_err());
    assert!(error.contains("/binding: 409 Conflict no"), "{error}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_told_before_the_word() {
    let config = kube::Config::new("http://127.0.0.1:1".parse().unwrap());
    let target = Arc::new(Target::new(&config, "secret").unwrap());
    let error = Burst::ready(target, posts(1, false), 1).await.err().unwrap();
    assert!(format!("{error:#}").contains("127.0.0.1"), "{error:#}");
}
