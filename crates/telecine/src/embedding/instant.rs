//! Vectors of texts and pictures, at once.

use anyhow::Context as _;
use tokio::task::spawn_blocking;

use crate::fault::{Fault, Result};
use crate::picture::Picture;
use crate::pipeline::Engines;
use crate::search::calibration::composed;
use crate::search::mean_of_pictures;

/// Tokens of a text, those that the model adds at its ends among them.
pub const MAX_TEXT_TOKENS: usize = 77;
/// Characters of a text; of more, nobody would want all but a few words cut off.
const MAX_TEXT_CHARS: usize = 100_000;

/// What is cut off a text that is too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Truncate {
    /// Its start.
    Start,
    /// Its end.
    #[default]
    End,
    /// Nothing: it is refused.
    None,
}

/// The vector of a text.
///
/// # Errors
/// `parameter_invalid` for a text that is empty, or longer than [`MAX_TEXT_TOKENS`] where nothing may be cut off.
pub async fn text(engines: &Engines, parameter: &str, text: &str, truncate: Truncate) -> Result<Vec<f32>> {
    let text = text.trim();
    if text.is_empty() {
        return Err(Fault::parameter(format!("The {parameter} parameter is empty.")).into());
    }
    if text.chars().count() > MAX_TEXT_CHARS {
        return Err(Fault::parameter(format!("The {parameter} parameter is too long."))
            .rule(format!("at most {MAX_TEXT_CHARS} characters"))
            .into());
    }
    let (see, text) = (engines.see.clone(), text.to_owned());
    let embedded = spawn_blocking(move || -> anyhow::Result<_> {
        let tokens = see.text_tokens(&text)?;
        let count = tokens.spans.len() + tokens.added;
        let kept = match (
            cut(&text, &tokens.spans, MAX_TEXT_TOKENS.saturating_sub(tokens.added), truncate),
            truncate,
        ) {
            (None, _) => return Ok(Err(count)),
            (Some(kept), _) => kept,
        };
        Ok(Ok(see.embed_text(kept)?))
    });
    let embedded = embedded.await.context("embed a text")?.context("embed a text")?;
    Ok(embedded.map_err(|count| {
        Fault::parameter(format!("The {parameter} parameter is too long."))
            .value(format!("{count} tokens"))
            .rule(format!("at most {MAX_TEXT_TOKENS} tokens"))
            .remedy("Shorten it, or let text_truncate be `start` or `end`.")
    })?)
}

/// The part of a text that stays; none when it is too long and nothing may be cut off.
fn cut<'a>(
    text: &'a str,
    spans: &[std::ops::Range<usize>],
    most: usize,
    truncate: Truncate,
) -> Option<&'a str> {
    if spans.len() <= most {
        return Some(text);
    }
    match truncate {
        Truncate::None => None,
        Truncate::End => text.get(..spans[most.max(1) - 1].end),
        Truncate::Start => text.get(spans[spans.len() - most.max(1)].start..),
    }
}

/// The vector of a picture.
///
/// # Errors
/// When the engine fails.
pub async fn picture(engines: &Engines, picture: Picture) -> Result<Vec<f32>> {
    let see = engines.see.clone();
    let embedded = spawn_blocking(move || mean_of_pictures(&*see, &[picture]));
    Ok(embedded.await.context("embed a picture")?.context("embed a picture")?)
}

/// One vector of a picture and a text together: what a search by both uses.
///
/// # Errors
/// As [`text`].
pub async fn both(engines: &Engines, parameter: &str, picture: Picture, words: &str) -> Result<Vec<f32>> {
    let said = text(engines, parameter, words, Truncate::End).await?;
    let shown = self::picture(engines, picture).await?;
    Ok(composed(engines.see.model_id(), engines.see.dim(), &shown, &said))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_at_the_end_that_was_asked_for() {
        let text = "größe of a car";
        let spans = [0..7, 8..10, 11..12, 13..16];
        assert_eq!(cut(text, &spans, 4, Truncate::None), Some(text));
        assert_eq!(cut(text, &spans, 2, Truncate::End), Some("größe of".get(..10).unwrap_or("größe of")));
        assert_eq!(cut(text, &spans, 2, Truncate::Start), Some(&text[11..]));
        assert_eq!(cut(text, &spans, 3, Truncate::None), None);
    }
}
