#![allow(clippy::unwrap_used)]

use std::sync::Mutex;

use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::core::WatchEvent;
use tokio::net::TcpListener;

use super::super::fake::{FakeServer, Reply};
use super::super::{Client, exchange, request};
use super::*;

/// A proxy that connects to `server` whatever it is asked for, and tells the heads it was sent.
async fn proxy(server: String) -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let told = Arc::clone(&heads);
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let (server, told) = (server.clone(), Arc::clone(&told));
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    head.push(stream.read_u8().await.unwrap());
                }
                told.lock().unwrap().push(String::from_utf8(head).unwrap());
                let mut onward = TcpStream::connect(server).await.unwrap();
                stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await.unwrap();
                let _ends = tokio::io::copy_bidirectional(&mut stream, &mut onward).await;
            });
        }
    });
    (port, heads)
}

fn client(proxy: &str) -> Client {
    let mut config = kube::Config::new("http://api.invalid:6443".parse().unwrap());
    config.proxy_url = Some(proxy.parse().unwrap());
    Client::new(config).unwrap()
}

#[tokio::test]
async fn requests_and_watches_go_through_the_proxy() {
    let node = r#"{"type":"ADDED","object":{"metadata":{"name":"n"}}}"#;
    let server = FakeServer::start(move |_| Reply::json(200, node)).await;
    let (port, heads) = proxy(server.url().trim_start_matches("http://").to_owned()).await;
    let client = client(&format!("http://user:p%40ss@127.0.0.1:{port}"));
    let answer =
        exchange(&client, request("GET", "/x", None).unwrap(), CONNECT_TIME_MAX).await.unwrap();
    assert_eq!(answer.status, 200);
    let nodes: Api<Node> = Api::all(client.kube().clone());
    let events = nodes.watch(&Default::default(), "0").await.unwrap();
    let first = events.boxed().try_next().await.unwrap().unwrap();
    assert!(matches!(first, WatchEvent::Added(_)), "{first:?}");
    let heads = heads.lock().unwrap();
    assert_eq!(heads.len(), 2, "one for each client: {heads:?}");
    for head in heads.iter() {
        assert!(head.starts_with("CONNECT api.invalid:6443 HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("\r\nProxy-Authorization: Basic dXNlcjpwQHNz\r\n"), "{head}");
    }
}

#[tokio::test]
async fn a_proxy_that_fails_is_named() {
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let client = client(&format!("http://{gone}"));
    let failed = exchange(&client, request("GET", "/x", None).unwrap(), CONNECT_TIME_MAX).await;
    let text = failed.unwrap_err().to_string();
    assert!(text.contains(&gone.to_string()) && text.contains("HTTPS_PROXY"), "{text}");
    let refused = Dialer::new(Some(&"socks5://user:secret@h:1080".parse().unwrap())).unwrap_err();
    let text = refused.to_string();
    assert!(text.starts_with("the proxy socks5://h cannot be used"), "{text}");
}

#[test]
fn escapes_of_a_url_are_read() {
    let dialer = Dialer::new(Some(&"http://a%40b:c@h".parse().unwrap())).unwrap();
    let credentials = dialer.0.and_then(|proxy| proxy.credentials.clone());
    // a@b:c
    assert_eq!(credentials.as_deref(), Some("Basic YUBiOmM="));
}
