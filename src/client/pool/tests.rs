#![allow(clippy::unwrap_used)]

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use super::super::fake::{FakeServer, Reply};
use super::*;

fn pool(url: &str) -> Pool {
    Pool::new(&Config::new(url.parse().unwrap())).unwrap()
}

fn get(path: &str) -> Request<Content> {
    Request::get(path).body(Content::default()).unwrap()
}

#[tokio::test]
async fn a_connection_serves_one_request_after_another() {
    let server = FakeServer::start(|_| Reply::json(200, "{}")).await;
    let pool = pool(&server.url());
    for _ in 0..5 {
        let answer = pool.0.send(get("/x")).await.unwrap();
        assert_eq!((answer.status(), &answer.body()[..]), (StatusCode::OK, &b"{}"[..]));
    }
    assert_eq!(server.connections(), 1);
    assert_eq!(pool.0.idle().len(), 1);
    let both = tokio::join!(pool.0.send(get("/a")), pool.0.send(get("/b")));
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(server.connections(), 2, "each request in flight has its own");
    let host = server.url().trim_start_matches("http://").to_owned();
    assert!(server.requests().iter().all(|seen| seen.header("host") == host));
}

#[tokio::test]
async fn an_old_connection_is_not_used_again() {
    let server = FakeServer::start(|_| Reply::json(200, "{}")).await;
    let pool = pool(&server.url());
    pool.0.send(get("/x")).await.unwrap();
    pool.0.idle()[0].since -= IDLE_TIME_MAX;
    pool.0.send(get("/x")).await.unwrap();
    assert_eq!(server.connections(), 2);
    pool.0.idle()[0].since -= IDLE_TIME_MAX;
    let fresh = pool.0.target.connect().await.unwrap();
    pool.0.keep(fresh);
    assert_eq!(pool.0.idle().len(), 1, "keeping one drops those that are too old");
}

#[tokio::test]
async fn the_path_of_the_url_comes_first() {
    let server = FakeServer::start(|_| Reply::json(200, "{}")).await;
    let pool = pool(&format!("{}/k8s/clusters/c-1/", server.url()));
    pool.0.send(get("/api/v1/pods?limit=1")).await.unwrap();
    let seen = &server.requests()[0];
    assert_eq!((&*seen.path, &*seen.query), ("/k8s/clusters/c-1/api/v1/pods", "limit=1"));
}

/// Answers a request on the connection with these headers, and hangs up.
async fn answer(mut stream: TcpStream, headers: &str) {
    let mut seen = [0; 1024];
    let _read = stream.read(&mut seen).await.unwrap();
    let text = format!("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n{headers}\r\n{{}}");
    stream.write_all(text.as_bytes()).await.unwrap();
}

#[tokio::test]
async fn a_connection_that_the_server_has_closed_is_replaced() {
    for headers in ["", "connection: close\r\n"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let pool = pool(&format!("http://{}", listener.local_addr().unwrap()));
        for _ in 0..3 {
            let (sent, ()) = tokio::join!(pool.0.send(get("/x")), async {
                answer(listener.accept().await.unwrap().0, headers).await;
            });
            assert_eq!(sent.unwrap().body().len(), 2);
            // Until the connection's task has seen the end.
            while pool.0.idle().iter().any(|one| !one.sender.is_closed()) {
                tokio::task::yield_now().await;
            }
        }
    }
}

#[tokio::test]
async fn what_was_never_sent_is_told_from_what_is_lost() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sent, ()) = tokio::join!(
        async {
            // The name resolves, the handshake fails: TLS is spoken to a server that has none.
            pool(&format!("https://{address}")).0.send(get("/x")).await
        },
        async {
            let mut stream = listener.accept().await.unwrap().0;
            let mut hello = [0; 512];
            let _read = stream.read(&mut hello).await.unwrap();
            stream.write_all(b"HTTP/1.0 400 Bad Request\r\n\r\n").await.unwrap();
        }
    );
    let error = sent.unwrap_err();
    let Failure::Unsent(text) = &error else { panic!("{error:?}") };
    assert!(text.starts_with(&format!("connecting to {address}: ")), "{text}");
    let (sent, ()) =
        tokio::join!(async { pool(&format!("http://{address}")).0.send(get("/x")).await }, async {
            let mut stream = listener.accept().await.unwrap().0;
            let mut request = [0; 512];
            let _read = stream.read(&mut request).await.unwrap();
        });
    assert!(matches!(sent, Err(Failure::Lost(_))), "{sent:?}");
}

#[test]
fn addresses_are_read_from_urls() {
    let target = Target::new(&Config::new("http://[::1]:8080".parse().unwrap())).unwrap();
    assert_eq!((&*target.host, target.port), ("::1", 8080));
    assert_eq!(target.authority, "[::1]:8080");
    let target = Target::new(&Config::new("http://api.example".parse().unwrap())).unwrap();
    assert_eq!((&*target.host, target.port), ("api.example", 80));
    let error = Target::new(&Config::new("/no-host".parse().unwrap())).map(|_| ()).unwrap_err();
    assert_eq!(error.to_string(), "the API server's URL /no-host has no host");
}
