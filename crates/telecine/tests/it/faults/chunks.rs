//! Kills in the middle of an upload in chunks.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::installation::{Installation, Server};
use crate::pipeline::media::silent;

const CHUNK: usize = 20_000;

async fn send(server: &Server, upload: &str, number: usize, bytes: &[u8]) -> Value {
    let links =
        server.post(&format!("{upload}/presigned-urls"), json!({ "start": number, "count": 1 })).await;
    let url = links["upload_urls"][0]["url"].as_str().unwrap();
    let answer = reqwest::Client::new().put(url).body(bytes.to_vec()).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    let proof = answer.headers()["etag"].to_str().unwrap().to_owned();
    json!({ "chunk_index": number, "proof": proof, "proof_type": "etag", "chunk_size": bytes.len() })
}

/// Begins to send a chunk and never ends.
async fn half(server: &Server, upload: &str, number: usize, bytes: &[u8]) -> TcpStream {
    let links =
        server.post(&format!("{upload}/presigned-urls"), json!({ "start": number, "count": 1 })).await;
    let url = reqwest::Url::parse(links["upload_urls"][0]["url"].as_str().unwrap()).unwrap();
    let host = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let mut stream = TcpStream::connect(&host).await.unwrap();
    let (path, query) = (url.path(), url.query().unwrap());
    let length = bytes.len();
    let head = format!("PUT {path}?{query} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {length}\r\n\r\n");
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(&bytes[..length / 2]).await.unwrap();
    stream.flush().await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    stream
}

#[tokio::test]
async fn an_upload_goes_on_after_every_kill_and_nothing_that_was_answered_is_lost() {
    let home = tempfile::tempdir().unwrap();
    let film = home.path().join("film.mp4");
    silent(&film, "640x360", 4);
    let bytes = std::fs::read(&film).unwrap();
    let chunks: Vec<&[u8]> = bytes.chunks(CHUNK).collect();
    assert!(chunks.len() >= 3, "{} bytes", bytes.len());
    let installation = Installation::new(home.path(), home.path());
    installation.set("assets", "chunk_bytes", CHUNK as u64);

    let server = installation.start().await;
    let body = json!({ "filename": "pier.mp4", "type": "video", "total_size": bytes.len() });
    let begun = server.post("/assets/multipart-uploads", body).await;
    let upload = format!("/assets/multipart-uploads/{}", begun["upload_id"].as_str().unwrap());
    let asset = format!("/assets/{}", begun["asset_id"].as_str().unwrap());
    let first = send(&server, &upload, 1, chunks[0]).await;
    let cut = half(&server, &upload, 2, chunks[1]).await;
    server.kill().await;
    drop(cut);

    let server = installation.start().await;
    let taken = server.post(&upload, json!({ "completed_chunks": [first] })).await;
    assert_eq!(taken["processed_chunks"], 1, "what was answered before the kill is there");
    let mut rest = Vec::new();
    for (at, chunk) in chunks.iter().enumerate().skip(1) {
        rest.push(send(&server, &upload, at + 1, chunk).await);
    }
    server.kill().await;

    let server = installation.start().await;
    let whole = server.post(&upload, json!({ "completed_chunks": rest })).await;
    assert_eq!(whole["total_completed"], json!(chunks.len()));
    // Just now it is complete: work on it may be cut short.
    server.kill().await;

    let server = installation.start().await;
    let begun = Instant::now();
    let ready = loop {
        let told = server.get(&asset).await;
        if told["status"] != "processing" {
            break told;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{told} {}", installation.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(ready["status"], "ready", "{ready}");
    assert_eq!(ready["content_hash"], json!(blake3::hash(&bytes).to_hex().as_str()));
}
