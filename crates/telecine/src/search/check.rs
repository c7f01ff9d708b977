//! What a query must be before anything is looked for: its bounds, and whether the index can answer it.

use std::collections::BTreeSet;

use super::words::Terms;
use super::{ConversationOption, GroupBy, MAX_PICTURES, MAX_QUERY_CHARS, SearchRequest, SortOption, Wanted};
use crate::fault::{Code, Fault, Result};
use crate::ids::{VideoId, WorkspaceId};
use crate::index::{Index, IndexModels, ModelOption, ModelRef};
use crate::store::{Store, VideoFilter};

const MAX_PAGE_LIMIT: u32 = 50;

/// The query by itself.
pub(super) fn request(request: &SearchRequest) -> Result<(), Fault> {
    let fault = |message: String| Err(Fault::parameter(message));
    match &request.wanted {
        Wanted::Text(words) => text(words, &request.options, request.conversation)?,
        Wanted::Pictures(pictures, words) => {
            self::pictures(pictures.len(), request)?;
            if let Some(words) = words {
                text(words, &request.options, request.conversation)?;
            }
        }
        Wanted::Combined(query) => {
            for leaf in query.leaves() {
                let options = leaf.options.as_ref().unwrap_or(&request.options);
                text(&leaf.text, options, leaf.conversation.unwrap_or(request.conversation))?;
            }
        }
    }
    if request.options.is_empty() {
        return fault("search_options is empty; name at least one option.".into());
    }
    if !(1..=MAX_PAGE_LIMIT).contains(&request.page_limit) {
        let given = request.page_limit;
        return fault(format!("page_limit is {given}; it must be 1 to {MAX_PAGE_LIMIT}."));
    }
    if !(0.0..=1.0).contains(&request.adjust_confidence_level) {
        let given = request.adjust_confidence_level;
        return fault(format!("adjust_confidence_level is {given}; it must be 0 to 1."));
    }
    if request.sort == SortOption::ClipCount && request.group_by != GroupBy::Video {
        return fault("sort_option is clip_count, which needs group_by to be video.".into());
    }
    Ok(())
}

fn text(words: &str, options: &BTreeSet<ModelOption>, conversation: ConversationOption) -> Result<(), Fault> {
    let words = words.trim();
    if words.is_empty() {
        return Err(Fault::parameter("The query is empty; say in words what to look for."));
    }
    if words.chars().count() > MAX_QUERY_CHARS {
        return Err(Fault::parameter(format!("The query is longer than {MAX_QUERY_CHARS} characters.")));
    }
    let is_exact = conversation == ConversationOption::ExactMatch;
    if is_exact && options.contains(&ModelOption::Conversation) && Terms::exact(words).is_none() {
        return Err(Fault::parameter("The query has no word that could be matched exactly."));
    }
    Ok(())
}

/// Pictures show, and say nothing.
fn pictures(count: usize, request: &SearchRequest) -> Result<(), Fault> {
    if !(1..=MAX_PICTURES).contains(&count) {
        return Err(Fault::parameter("The number of pictures is out of range.")
            .value(count.to_string())
            .rule(format!("1 to {MAX_PICTURES} pictures")));
    }
    if request.options.iter().any(|option| *option != ModelOption::Visual) {
        let given: Vec<&str> = request.options.iter().map(|option| option.as_str()).collect();
        return Err(Fault::new(Code::SearchOptionCombinationNotSupported).value(given.join(", ")));
    }
    if request.conversation != ConversationOption::Semantic {
        let message = "A picture cannot be matched by its exact words.";
        return Err(Fault::because(Code::SearchParameterNotAllowed, message)
            .value("conversation_option")
            .rule("with a picture, conversation_option is `semantic`"));
    }
    Ok(())
}

/// All options that the query asks for; the index must have them.
pub(super) fn options(index: &Index, request: &SearchRequest) -> Result<BTreeSet<ModelOption>, Fault> {
    let mut asked = request.options.clone();
    if let Wanted::Combined(query) = &request.wanted {
        asked.extend(query.leaves().into_iter().flat_map(|leaf| leaf.options.iter().flatten().copied()));
    }
    let has = index.search_options();
    if has.is_empty() {
        let engines: Vec<&str> = index.engines.iter().map(|engine| engine.name.as_str()).collect();
        return Err(Fault::new(Code::IndexNotSupportedForSearch).value(engines.join(", ")));
    }
    let lacking: Vec<&str> = asked.difference(&has).map(|option| option.as_str()).collect();
    if lacking.is_empty() {
        return Ok(asked);
    }
    let has: Vec<&str> = has.iter().map(|option| option.as_str()).collect();
    Err(Fault::new(Code::SearchOptionNotSupported)
        .value(lacking.join(", "))
        .rule(format!("this index can be searched by {}", has.join(", "))))
}

/// The vectors of one kind of segments are of one model, and so must the query's be.
pub(super) fn models(index: &Index, own: &IndexModels, options: &BTreeSet<ModelOption>) -> Result<(), Fault> {
    for option in options {
        let (made_with, runs): (&ModelRef, &ModelRef) = match option {
            ModelOption::Visual => (&index.models.see, &own.see),
            ModelOption::Conversation | ModelOption::TextInVideo => (&index.models.words, &own.words),
        };
        if made_with != runs {
            let value = format!("index: {}, server: {}", made_with.id, runs.id);
            return Err(Fault::new(Code::IndexModelMismatch).value(value));
        }
    }
    Ok(())
}

/// Videos that a filter names must not be another index's: nothing would be found, and nobody would know why. One that is
/// nowhere (any more) is no fault.
pub(super) async fn videos(
    store: &dyn Store,
    workspace: WorkspaceId,
    index: &Index,
    filter: &VideoFilter,
) -> Result<()> {
    if filter.ids.is_empty() {
        return Ok(());
    }
    let elsewhere: Option<VideoId> = store.video_elsewhere(workspace, index.id, &filter.ids).await?;
    match elsewhere {
        Some(video) => {
            Err(Fault::new(Code::SearchVideoNotInSameIndex).value(format!("video {video}")).into())
        }
        None => Ok(()),
    }
}
