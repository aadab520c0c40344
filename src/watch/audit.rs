//! A list that only names objects, read beside the watch in a task of its own.
//!
//! What is asked for is the metadata of all objects, from the API server's cache, not older than
//! what the watch has come to. In protobuf it is cut into items as it comes: of 150,000 pods no
//! more is held than a chunk and 2,560 rows of about 100 bytes.

use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use kube::client::Body;
use prost::Message;
use serde::Deserialize;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::kind::Collection;
use super::known::Row;
use super::proto::list::{ListReader, Piece as ListPiece};
use super::request::{Format, LIST_DEADLINE, RequestError, Source, page_body};
use super::resume::number;
use super::wire::meta::ListMeta;
use crate::causes::chain;

/// Rows handed over together: half a millisecond of comparing.
const ROWS_MAX: usize = 512;
/// Batches that wait for the watch to take them.
const BATCHES_MAX: usize = 4;

/// What an audit's list says.
#[derive(Debug)]
pub(crate) enum Piece {
    /// Some of its objects.
    Rows(Vec<Row>),
    /// It is complete, and is of this version.
    End(u64),
    /// The server has nothing as new as what was seen: its history is another one, or its cache
    /// lags behind.
    Behind,
    /// It broke off.
    Failed(RequestError),
}

/// A list on its way; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Audit {
    pieces: mpsc::Receiver<Piece>,
    task: JoinHandle<()>,
    /// The version of its list, once that is complete.
    pub(crate) complete: Option<u64>,
}

impl Audit {
    /// Asks for the list: `at` is the version that the watch has come to, `format` what the server
    /// answered the last list in.
    pub(crate) fn begin(source: Source, of: Collection, format: Format, at: u64) -> Self {
        let (sender, pieces) = mpsc::channel(BATCHES_MAX);
        let task = tokio::spawn(async move {
            let end = match read(&source, of, format, at, &sender).await {
                Ok(version) if version < at => Piece::Behind,
                Ok(version) => Piece::End(version),
                Err(error) if error.is_version_too_large() => Piece::Behind,
                Err(error) => Piece::Failed(error),
            };
            // The watch may have lost interest.
            let _dropped = sender.send(end).await;
        });
        Self { pieces, task, complete: None }
    }

    /// What comes next; never, once the list is complete.
    pub(crate) async fn next(&mut self) -> Piece {
        if self.complete.is_some() {
            std::future::pending::<()>().await;
        }
        let lost = || Piece::Failed(RequestError::Lost("the audit has ended".into()));
        self.pieces.recv().await.unwrap_or_else(lost)
    }
}

impl Drop for Audit {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Reads all pages and tells their version.
async fn read(
    source: &Source,
    of: Collection,
    format: Format,
    at: u64,
    pieces: &mpsc::Sender<Piece>,
) -> Result<u64, RequestError> {
    let mut version = None;
    let mut token = String::new();
    loop {
        let deadline = Instant::now() + LIST_DEADLINE;
        let page = timeout_at(deadline, async {
            let response = source.names(of, format, at, &token).await?;
            match Format::of(&response) {
                Format::Protobuf => read_items(response, pieces).await,
                Format::Json => read_page(response, pieces).await,
            }
        });
        let page = page.await.unwrap_or_else(|_| Err(late(LIST_DEADLINE)))?;
        let first = *version.get_or_insert(number(&page.resource_version.unwrap_or_default()));
        token = page.continue_token.unwrap_or_default();
        if token.is_empty() || first < at {
            return Ok(first);
        }
    }
}

fn late(deadline: Duration) -> RequestError {
    RequestError::Lost(format!("no whole list within {deadline:?}"))
}

/// An object of which the metadata's identity is read.
#[derive(Clone, PartialEq, Message, Deserialize)]
#[serde(default)]
struct Named {
    #[prost(message, optional, tag = "1")]
    metadata: Option<Names>,
}

/// `metav1.ObjectMeta`: who it is.
#[derive(Clone, PartialEq, Eq, Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Names {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "3")]
    namespace: String,
    #[prost(string, tag = "5")]
    uid: String,
    #[prost(string, tag = "6")]
    resource_version: String,
}

#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: Option<ListMeta>,
    #[serde(default)]
    items: Option<Vec<Named>>,
}

/// An object without a name cannot be compared, and is left out.
fn row(object: Named) -> Option<Row> {
    let Names { name, namespace, uid, resource_version } = object.metadata?;
    (!name.is_empty()).then(|| Row::new(&namespace, &name, &uid, &resource_version))
}

async fn hand_over(pieces: &mpsc::Sender<Piece>, rows: Vec<Row>) -> Result<(), RequestError> {
    let sent = pieces.send(Piece::Rows(rows)).await;
    sent.map_err(|_| RequestError::Lost("nobody reads the audit".into()))
}

async fn read_items(
    response: Response<Body>,
    pieces: &mpsc::Sender<Piece>,
) -> Result<ListMeta, RequestError> {
    let unreadable = |text: String| RequestError::Unreadable(text);
    let mut body = response.into_body();
    let mut reader = ListReader::new();
    let mut metadata = ListMeta::default();
    let mut rows = Vec::with_capacity(ROWS_MAX);
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| RequestError::Lost(chain(&error)))?;
        let Some(chunk) = frame.data_ref() else { continue };
        reader.push(chunk);
        while let Some(piece) = reader.next_piece().map_err(|e| unreadable(e.to_string()))? {
            match piece {
                ListPiece::Metadata(found) => metadata = found,
                ListPiece::Item(item) => rows.extend(decode(item)),
            }
            if rows.len() == ROWS_MAX {
                let batch = std::mem::replace(&mut rows, Vec::with_capacity(ROWS_MAX));
                hand_over(pieces, batch).await?;
            }
        }
    }
    reader.finish().map_err(|e| unreadable(e.to_string()))?;
    hand_over(pieces, rows).await?;
    Ok(metadata)
}

fn decode(item: Bytes) -> Option<Row> {
    row(Named::decode(item).ok()?)
}

async fn read_page(
    response: Response<Body>,
    pieces: &mpsc::Sender<Piece>,
) -> Result<ListMeta, RequestError> {
    let body = page_body(response).await?;
    let page: Page = serde_json::from_slice(&body)
        .map_err(|error| RequestError::Unreadable(error.to_string()))?;
    let rows = page.items.unwrap_or_default().into_iter().filter_map(row).collect();
    hand_over(pieces, rows).await?;
    Ok(page.metadata.unwrap_or_default())
}
