//! Downloads one file over HTTP, bounded in bytes and time. Checks nothing; the caller has the checksum.

use std::{io::Write, thread, time::Duration};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(20);
/// Without a byte for this long, a server counts as gone.
const READ_TIMEOUT: Duration = Duration::from_secs(60);
const TOTAL_TIMEOUT: Duration = Duration::from_secs(60 * 60);

/// Writes the body to `sink`; fails when it is longer than `max_bytes`. May be called inside an async runtime: the
/// download has its own, on its own thread.
pub(super) fn download(url: &str, max_bytes: u64, sink: &mut (dyn Write + Send)) -> Result<(), String> {
    thread::scope(|scope| {
        let worker = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .map_err(|error| error.to_string())?;
            runtime.block_on(stream(url, max_bytes, sink))
        });
        worker.join().unwrap_or_else(|_| Err("the download stopped unexpectedly".to_owned()))
    })
}

async fn stream(url: &str, max_bytes: u64, sink: &mut (dyn Write + Send)) -> Result<(), String> {
    let client = reqwest::Client::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .read_timeout(READ_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .build()
        .map_err(|error| with_causes(&error))?;
    let response = client.get(url).send().await.map_err(|error| with_causes(&error))?;
    let mut response = response.error_for_status().map_err(|error| with_causes(&error))?;
    let mut left = max_bytes;
    while let Some(chunk) = response.chunk().await.map_err(|error| with_causes(&error))? {
        left = left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(|| format!("the file is longer than the {max_bytes} bytes it should have"))?;
        sink.write_all(&chunk).map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
