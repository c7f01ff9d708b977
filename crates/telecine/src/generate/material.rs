//! What is known of a video: what was seen, said and read in it, with times. Everything that is written about it is
//! written from this.

use crate::app::App;
use crate::fault::{Code, Fault, Result};
use crate::ids::{VideoId, WorkspaceId};
use crate::index::Family;
use crate::time::{MediaTime, TimeRange};
use crate::video::{Segment, SegmentKind, Video};

/// A label counts when it stands out this far (see [`telecine_engines::see::Tag`]).
const CLEAR: f32 = 6.0;
/// Labels of a shot.
const LABELS: usize = 3;

/// What is known of a video.
#[derive(Debug, Clone, PartialEq)]
pub struct Material {
    /// The part that is looked at; the whole video unless less was asked for.
    pub range: TimeRange,
    /// Shots in order.
    pub seen: Vec<Sight>,
    /// Utterances in order.
    pub said: Vec<Passage>,
    /// Text in the picture, in order.
    pub written: Vec<Passage>,
}

/// A shot and the words for it; none where nothing stands out, or the engine has no words.
#[derive(Debug, Clone, PartialEq)]
pub struct Sight {
    /// When.
    pub range: TimeRange,
    /// Clearest first.
    pub labels: Vec<String>,
}

/// Words and when they are said or shown.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// When.
    pub range: TimeRange,
    /// The words.
    pub text: String,
}

/// A vector of a shot, as the store has it.
#[derive(Debug, Clone, PartialEq)]
pub struct SeenVector {
    /// Of the shot.
    pub range: TimeRange,
    /// Unit length.
    pub values: Vec<f32>,
}

impl Material {
    /// Whether there is nothing at all to write from.
    pub fn is_empty(&self) -> bool {
        self.said.is_empty()
            && self.written.is_empty()
            && self.seen.iter().all(|sight| sight.labels.is_empty())
    }

    /// All words that were said or shown.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.said.iter().chain(&self.written).map(|passage| passage.text.as_str())
    }

    /// Everything that happens at least partly in a range.
    #[must_use]
    pub fn within(&self, range: TimeRange) -> Self {
        let passages = |all: &[Passage]| -> Vec<Passage> {
            all.iter().filter(|passage| touches(passage.range, range)).cloned().collect()
        };
        Self {
            range,
            seen: self.seen.iter().filter(|sight| touches(sight.range, range)).cloned().collect(),
            said: passages(&self.said),
            written: passages(&self.written),
        }
    }
}

/// Whether they share a moment; what lasts no time shares its one.
fn touches(a: TimeRange, b: TimeRange) -> bool {
    a.overlaps(&b) || b.contains(a.start())
}

/// The video, if its index can have text generated.
///
/// # Errors
/// `resource_not_exists`, `index_not_supported_for_generate`.
pub(super) async fn find_video(app: &App, workspace: WorkspaceId, id: VideoId) -> Result<Video> {
    let absent = || Fault::because(Code::ResourceNotExists, "There is no such video.").value(id.to_string());
    let video = app.store.video_anywhere(workspace, id).await?.ok_or_else(absent)?;
    let index = app.store.index(workspace, video.index).await?.ok_or_else(absent)?.index;
    if !index.families().contains(&Family::Pegasus) {
        return Err(Fault::new(Code::IndexNotSupportedForGenerate)
            .value(index.name)
            .rule("an index needs a pegasus engine to have text generated")
            .remedy("Make an index with a pegasus engine (such as pegasus1.2) and put the video into it.")
            .into());
    }
    if app.engines.write.is_none() {
        return Err(Fault::because(Code::IndexNotSupportedForGenerate, "This server has nothing to write with.")
            .rule("a local model or an endpoint writes the text (settings below `writer`)")
            .remedy(
                "Fetch a model (`telecine models fetch --set qwen2.5-coder-0.5b`) or set writer.kind = \"openai\", \
                 then start the server again.",
            )
            .into());
    }
    Ok(video)
}

/// What is known of the part of a video that is asked for, in seconds.
///
/// # Errors
/// `parameter_invalid` for a part that the video does not have.
pub(super) async fn load(app: &App, video: &Video, part: (Option<f64>, Option<f64>)) -> Result<Material> {
    let range = part_of(video.meta.duration_s, part)?;
    let said = passages(app.store.segments(video.id, SegmentKind::Speech).await?);
    let written = passages(app.store.segments(video.id, SegmentKind::Text).await?);
    let seen = sights(app, video).await?;
    let all = Material { range, seen, said, written };
    Ok(all.within(range))
}

fn part_of(duration_s: f64, (start, end): (Option<f64>, Option<f64>)) -> Result<TimeRange, Fault> {
    let (from, to) = (start.unwrap_or(0.0), end.unwrap_or(duration_s));
    let is_part = from >= 0.0 && to <= duration_s + 0.5 && to - from >= 1.0;
    if !is_part && (start.is_some() || end.is_some()) {
        return Err(Fault::parameter("start_time and end_time do not name a part of the video.")
            .value(format!("{from} to {to} s"))
            .rule(format!("at least one second, within 0 to {duration_s:.2} s")));
    }
    let (from, to) = (MediaTime::from_secs_f64(from), MediaTime::from_secs_f64(to.min(duration_s)));
    TimeRange::new(from, to).map_err(|_| Fault::parameter("start_time must lie before end_time."))
}

fn passages(segments: Vec<Segment>) -> Vec<Passage> {
    let passage = |segment: Segment| {
        let text = segment.text.split_whitespace().collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(Passage { range: segment.range, text })
    };
    segments.into_iter().filter_map(passage).collect()
}

/// Shots with the labels of their vectors. Vectors of another model than this server's have no words here.
async fn sights(app: &App, video: &Video) -> Result<Vec<Sight>> {
    let index = app.store.index(video.workspace, video.index).await?;
    let same_model = index.is_some_and(|found| found.index.models.see.id == app.engines.see.model_id());
    let mut sights: Vec<Sight> = Vec::new();
    for vector in app.store.seen(video.id).await? {
        let labels: Vec<String> = if same_model {
            let tags = app.engines.see.tags(&vector.values, LABELS);
            tags.into_iter().filter(|tag| tag.score >= CLEAR).map(|tag| tag.label).collect()
        } else {
            Vec::new()
        };
        match sights.last_mut() {
            Some(last) if last.range == vector.range => {
                for label in labels {
                    if last.labels.len() < LABELS && !last.labels.contains(&label) {
                        last.labels.push(label);
                    }
                }
            }
            _ => sights.push(Sight { range: vector.range, labels }),
        }
    }
    Ok(sights)
}
