//! From the parameters of a search, in any version's words, to a [`SearchRequest`].

use std::collections::BTreeSet;

use serde_json::Value;

use super::{PICTURE, picture_bytes};
use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::http::filter::video_filter;
use crate::http::form::Form;
use crate::http::params::{Params, missing};
use crate::http::query::MAX_PAGE_LIMIT;
use crate::http::version::ApiVersion;
use crate::index::{Index, ModelOption};
use crate::picture::{self, PictureInput};
use crate::search::{
    Combined, Confidence, ConversationOption, GroupBy, MAX_PICTURES, Operator, SearchRequest, SortOption,
    Wanted, combined,
};

const OPERATORS: [(&str, Operator); 2] = [("or", Operator::Or), ("and", Operator::And)];
const GROUPS: [(&str, GroupBy); 2] = [("clip", GroupBy::Clip), ("video", GroupBy::Video)];
const SORTS: [(&str, SortOption); 2] = [("score", SortOption::Score), ("clip_count", SortOption::ClipCount)];
const THRESHOLDS: [(&str, Confidence); 4] = [
    ("none", Confidence::ExtremelyLow),
    ("low", Confidence::Low),
    ("medium", Confidence::Medium),
    ("high", Confidence::High),
];
const CONVERSATIONS: [(&str, ConversationOption); 2] =
    [("semantic", ConversationOption::Semantic), ("exact_match", ConversationOption::ExactMatch)];
/// Version 1.3's name for what is said, in words.
const TRANSCRIPTION: &str = "transcription";

/// Reads the parameters; pictures are fetched and decoded.
pub(super) async fn request(
    app: &App,
    form: &Form,
    index: &Index,
    version: ApiVersion,
) -> Result<SearchRequest> {
    let params = &form.params;
    let operator = params.word("operator", &OPERATORS)?.unwrap_or_default();
    let names = params.texts("search_options")?;
    if names.is_empty() {
        return Err(missing("search_options").into());
    }
    let conversation = conversation(params, &names)?;
    let by_picture = has_picture(form)?;
    let takes_in_text = takes_in_text(index, version, operator) && !by_picture;
    let mut request = SearchRequest {
        index: index.id,
        wanted: Wanted::Text(String::new()),
        options: options(&names, version, takes_in_text)?,
        operator,
        conversation,
        threshold: params.word("threshold", &THRESHOLDS)?.unwrap_or_default(),
        adjust_confidence_level: level(params)?,
        group_by: params.word("group_by", &GROUPS)?.unwrap_or_default(),
        sort: params.word("sort_option", &SORTS)?.unwrap_or_default(),
        page_limit: page_limit(params)?,
        filter: params.object("filter")?.map(|filter| video_filter(&filter)).transpose()?.unwrap_or_default(),
    };
    request.wanted = match combined(params, takes_in_text)? {
        Some(query) if by_picture => {
            let texts = query.leaves().len();
            let message = "A combined query has texts only.";
            return Err(Fault::because(Code::SearchParameterNotAllowed, message)
                .value(format!("{texts} texts and a picture"))
                .remedy("Search by the picture, with query_text for words.")
                .into());
        }
        Some(query) => Wanted::Combined(query),
        None if by_picture => {
            let words = params.text("query_text")?.map(str::to_owned);
            // What can be told without the picture is told before it is fetched.
            refuse_other_options(&request)?;
            Wanted::Pictures(pictures(app, form, version).await?, words)
        }
        None => Wanted::Text(words(params)?.to_owned()),
    };
    Ok(request)
}

fn words(params: &Params) -> Result<&str, Fault> {
    let text = match params.text("query_text")? {
        Some(text) => Some(text),
        None => params.text("query")?,
    };
    text.ok_or_else(|| missing("query_text").rule("`query_text`, or `query` in JSON"))
}

/// The object in `query`, as such or, in a form, as JSON in a text.
fn combined(params: &Params, takes_in_text: bool) -> Result<Option<Combined>, Fault> {
    let in_text;
    let query = match params.get("query") {
        Some(query @ Value::Object(_)) => query,
        Some(Value::String(text)) if text.trim_start().starts_with('{') => match serde_json::from_str(text) {
            Ok(query @ Value::Object(_)) => {
                in_text = query;
                &in_text
            }
            _ => return Ok(None),
        },
        _ => return Ok(None),
    };
    let proximity = params.get("proximity").map(|value| combined::proximity(value, "proximity"));
    Combined::parse(query, takes_in_text, proximity.transpose()?.flatten()).map(Some)
}

/// In v1.3 `visual` takes in the text that is seen, where the index has it; but not when every option must match, for hardly
/// a picture shows what it is by letters, too.
fn takes_in_text(index: &Index, version: ApiVersion, operator: Operator) -> bool {
    version == ApiVersion::V1_3
        && operator == Operator::Or
        && index.search_options().contains(&ModelOption::TextInVideo)
}

fn options(
    names: &[String],
    version: ApiVersion,
    takes_in_text: bool,
) -> Result<BTreeSet<ModelOption>, Fault> {
    let mut options = BTreeSet::new();
    for name in names {
        let known = match name.as_str() {
            TRANSCRIPTION if version == ApiVersion::V1_3 => Some(&[ModelOption::Conversation][..]),
            name => ModelOption::parse(name, takes_in_text),
        };
        let known = known.ok_or_else(|| {
            Fault::new(Code::SearchOptionNotSupported).value(name.chars().take(120).collect::<String>())
        })?;
        options.extend(known.iter().copied());
    }
    Ok(options)
}

/// How what is said is compared: `conversation_option`, or v1.3's `transcription_options`, of which `lexical` alone asks
/// for the very words.
fn conversation(params: &Params, names: &[String]) -> Result<ConversationOption, Fault> {
    let old = params.word("conversation_option", &CONVERSATIONS)?;
    let new = params.texts("transcription_options")?;
    if new.is_empty() {
        return Ok(old.unwrap_or_default());
    }
    let refuse =
        |message| Fault::because(Code::SearchParameterNotAllowed, message).value("transcription_options");
    if !names.iter().any(|name| name == TRANSCRIPTION) {
        return Err(refuse("There is no transcription among the search options.")
            .rule("transcription_options goes with the search option `transcription`"));
    }
    if old.is_some() {
        return Err(refuse("How speech is compared is said twice.")
            .rule("either conversation_option or transcription_options"));
    }
    let mut means_words = false;
    let mut means_meaning = false;
    for word in &new {
        match word.as_str() {
            "lexical" => means_words = true,
            "semantic" => means_meaning = true,
            _ => {
                return Err(Fault::parameter(
                    "The transcription_options parameter is not one that is known.",
                )
                .value(word.chars().take(120).collect::<String>())
                .rule("one of `lexical`, `semantic`"));
            }
        }
    }
    Ok(if means_words && !means_meaning {
        ConversationOption::ExactMatch
    } else {
        ConversationOption::Semantic
    })
}

/// Whether the query has a picture.
fn has_picture(form: &Form) -> Result<bool, Fault> {
    let has_media = form.params.has("query_media_url") || form.files(PICTURE).next().is_some();
    let kind = form.params.word("query_media_type", &[("image", ())])?;
    match (kind, has_media) {
        (Some(()), true) => Ok(true),
        (None, false) => Ok(false),
        (None, true) => Err(missing("query_media_type").rule("`image`, with a picture")),
        (Some(()), false) => {
            Err(missing("query_media_url")
                .rule("`query_media_url` or `query_media_file`, a JPEG or PNG file"))
        }
    }
}

fn refuse_other_options(request: &SearchRequest) -> Result<(), Fault> {
    if request.options.iter().all(|option| *option == ModelOption::Visual) {
        return Ok(());
    }
    let given: Vec<&str> = request.options.iter().map(|option| option.as_str()).collect();
    Err(Fault::new(Code::SearchOptionCombinationNotSupported).value(given.join(", ")))
}

/// The pictures; links win over files.
async fn pictures(app: &App, form: &Form, version: ApiVersion) -> Result<Vec<picture::Picture>> {
    let urls = form.params.each("query_media_url")?;
    let (parameter, inputs): (_, Vec<PictureInput>) = if urls.is_empty() {
        let file = |upload: &crate::http::multipart::Upload| PictureInput::File(upload.path.to_path_buf());
        (PICTURE, form.files(PICTURE).map(file).collect())
    } else {
        ("query_media_url", urls.into_iter().map(|url| PictureInput::Url(url.to_owned())).collect())
    };
    let most = if version == ApiVersion::V1_3 { MAX_PICTURES } else { 1 };
    if inputs.len() > most {
        return Err(Fault::parameter(format!("The {parameter} parameter has too many pictures."))
            .value(inputs.len().to_string())
            .rule(format!("at most {most}"))
            .into());
    }
    let mut pictures = Vec::new();
    for input in &inputs {
        pictures.push(picture::read(app, parameter, input, picture_bytes(version)).await?);
    }
    Ok(pictures)
}

fn level(params: &Params) -> Result<f32, Fault> {
    let level = params.number("adjust_confidence_level")?.unwrap_or(0.5);
    if (0.0..=1.0).contains(&level) {
        return Ok(level as f32);
    }
    Err(Fault::parameter("The adjust_confidence_level parameter is out of range.")
        .value(level.to_string())
        .rule("a number from 0 to 1"))
}

fn page_limit(params: &Params) -> Result<u32, Fault> {
    let limit = params.number("page_limit")?.unwrap_or(10.0);
    if limit.fract() == 0.0 && (1.0..=MAX_PAGE_LIMIT as f64).contains(&limit) {
        return Ok(limit as u32);
    }
    Err(Fault::parameter("The page_limit parameter is out of range.")
        .value(limit.to_string())
        .rule(format!("a whole number from 1 to {MAX_PAGE_LIMIT}")))
}
