//! From words and pictures to what the lists are asked for: vectors and terms. Runs engines, on a thread that may block.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context;
use telecine_engines::Image;
use telecine_engines::see::Seer;
use tokio::task::spawn_blocking;

use super::calibration::{Bands, Likeness, composed};
use super::words::Terms;
use super::{Confidence, ConversationOption, Operator, SearchRequest};
use crate::fault::Result;
use crate::index::ModelOption;
use crate::picture::Picture;
use crate::pipeline::Engines;

/// One search: what is looked for, by which options.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) text: Option<String>,
    pub(super) pictures: Vec<Picture>,
    pub(super) options: BTreeSet<ModelOption>,
    pub(super) operator: Operator,
    pub(super) conversation: ConversationOption,
    pub(super) threshold: Confidence,
    pub(super) bands: Bands,
}

impl Question {
    /// As a request asks, for nothing yet.
    pub(super) fn of(request: &SearchRequest) -> Self {
        Self {
            text: None,
            pictures: Vec::new(),
            options: request.options.clone(),
            operator: request.operator,
            conversation: request.conversation,
            threshold: request.threshold,
            bands: Bands::of(request),
        }
    }

    pub(super) fn text(self, text: &str) -> Self {
        Self { text: Some(text.trim().to_owned()), ..self }
    }

    pub(super) fn pictures(self, pictures: &[Picture], text: Option<&str>) -> Self {
        let text = text.map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned);
        Self { pictures: pictures.to_vec(), text, ..self }
    }
}

/// A question as vectors and words.
#[derive(Debug)]
pub(super) struct Understood {
    /// What is looked for in shots, and what its dot products mean.
    pub(super) seen: Option<(Arc<[f32]>, Likeness)>,
    pub(super) meant: Option<Arc<[f32]>>,
    pub(super) terms: Option<Terms>,
    pub(super) exact_speech: Option<Terms>,
}

/// Embeds what the options need.
pub(super) async fn understand(engines: &Engines, question: &Question) -> Result<Understood> {
    let asks = |option| question.options.contains(&option);
    let is_exact = question.conversation == ConversationOption::ExactMatch;
    let needs_meaning = asks(ModelOption::TextInVideo) || (asks(ModelOption::Conversation) && !is_exact);
    let sees = asks(ModelOption::Visual);
    let (engines, text, pictures) = (engines.clone(), question.text.clone(), question.pictures.clone());
    let embed = move || -> anyhow::Result<_> {
        let seen = sees.then(|| seen(&*engines.see, text.as_deref(), &pictures)).transpose()?.flatten();
        let meant = match text {
            Some(text) if needs_meaning => Some(engines.words.embed(&[&text])?.remove(0)),
            _ => None,
        };
        Ok((seen, meant))
    };
    let (seen, meant) = spawn_blocking(embed).await.context("embed a query")?.context("embed a query")?;
    let text = question.text.as_deref();
    Ok(Understood {
        seen: seen.map(|(vector, likeness)| (Arc::from(vector), likeness)),
        meant: meant.map(Arc::from),
        terms: text.and_then(Terms::of),
        exact_speech: text.filter(|_| is_exact).and_then(Terms::exact),
    })
}

fn seen(
    seer: &dyn Seer,
    text: Option<&str>,
    pictures: &[Picture],
) -> anyhow::Result<Option<(Vec<f32>, Likeness)>> {
    let said = text.map(|text| seer.embed_text(text)).transpose()?;
    if pictures.is_empty() {
        return Ok(said.map(|vector| (vector, Likeness::OfText)));
    }
    let shown = mean_of_pictures(seer, pictures)?;
    Ok(Some(match said {
        None => (shown, Likeness::OfPicture),
        Some(said) => (composed(seer.model_id(), seer.dim(), &shown, &said), Likeness::OfBoth),
    }))
}

/// Several pictures are one: the mean of their unit vectors, at unit length. What they have in common stays, what differs
/// fades.
pub(crate) fn mean_of_pictures(seer: &dyn Seer, pictures: &[Picture]) -> anyhow::Result<Vec<f32>> {
    let mut sum = vec![0.0; seer.dim()];
    for picture in pictures {
        let image = Image::new(picture.width, picture.height, &picture.rgb);
        let image = image.context("a decoded picture has its pixels")?;
        for vector in seer.embed_images(&[image])? {
            sum.iter_mut().zip(vector).for_each(|(sum, value)| *sum += value);
        }
    }
    normalise(&mut sum);
    Ok(sum)
}

/// Divides by the Euclidean norm; zeros stay.
fn normalise(vector: &mut [f32]) {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    if norm > 0.0 {
        vector.iter_mut().for_each(|value| *value /= norm);
    }
}
