//! The meaning of what is said and written, as vectors; texts that repeat are understood once.

use std::collections::HashMap;
use std::sync::Arc;

use crate::pipeline::job::Job;
use crate::pipeline::stop::Stop;
use crate::video::{NewSegment, NewVector};

/// Texts in one inference: others get their turn in between.
const BATCH: usize = 64;

/// Gives each segment the vector of its text, at its start.
pub(super) async fn embed(job: &Job, segments: &mut [NewSegment]) -> Result<(), Stop> {
    let mut vectors: HashMap<String, Vec<f32>> = HashMap::new();
    let mut texts: Vec<String> = segments.iter().map(|segment| segment.text.clone()).collect();
    texts.sort_unstable();
    texts.dedup();
    for batch in texts.chunks(BATCH) {
        let (words, batch) = (Arc::clone(&job.app().engines.words), batch.to_vec());
        let embedding = job.workshop.infer("words", &job.cancel, move || {
            let texts: Vec<&str> = batch.iter().map(String::as_str).collect();
            let embedded = words.embed(&texts)?;
            Ok(batch.into_iter().zip(embedded).collect::<Vec<_>>())
        });
        vectors.extend(embedding.await?);
    }
    for segment in segments {
        let values = vectors.get(&segment.text).cloned();
        let at = segment.range.start();
        segment.vectors.extend(values.map(|values| NewVector { at, values }));
    }
    Ok(())
}
