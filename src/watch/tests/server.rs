//! A tiny API server: answers requests in the order of a script, byte by byte as told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) content_type: &'static str,
    /// Sent one after the other, with a pause between.
    pub(super) chunks: Vec<Vec<u8>>,
    pub(super) end: End,
}

/// How an answer ends.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// Properly.
    Whole,
    /// The connection is closed in the middle.
    Cut,
    /// Never.
    Open,
}

/// The server; the task ends with the test's runtime.
pub(super) struct Server {
    pub(super) uri: http::Uri,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Serves `script`; later requests are never answered.
    pub(super) async fn start(script: Vec<Answer>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let requests = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&requests);
        let script = Arc::new(Mutex::new(script.into_iter()));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&seen)));
            }
        });
        Self { uri, requests }
    }

    /// Path and query of the requests so far.
    pub(super) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }

    pub(super) fn client(&self) -> kube::Client {
        let mut config = kube::Config::new(self.uri.clone());
        config.default_retry = false;
        kube::Client::try_from(config).unwrap()
    }
}

async fn serve(
    mut stream: TcpStream,
    script: Arc<Mutex<std::vec::IntoIter<Answer>>>,
    requests: Arc<Mutex<Vec<String>>>,
) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    requests.lock().unwrap().push(head.split(' ').nth(1).unwrap().into());
    let Some(answer) = script.lock().unwrap().next() else {
        std::future::pending::<()>().await;
        return;
    };
    let line = format!(
        "HTTP/1.1 {} X\r\nContent-Type: {}\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        answer.status, answer.content_type
    );
    stream.write_all(line.as_bytes()).await.unwrap();
    for chunk in answer.chunks {
        let head = format!("{:x}\r\n", chunk.len());
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&chunk).await.unwrap();
        stream.write_all(b"\r\n").await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    match answer.end {
        End::Whole => stream.write_all(b"0\r\n\r\n").await.unwrap(),
        End::Cut => {}
        End::Open => std::future::pending().await,
    }
}
