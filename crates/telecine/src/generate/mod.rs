//! Text about a video, from what was seen, said and read in it: titles and topics, summaries, chapters, highlights,
//! answers to free questions; at once, or as tasks and batches. A model writes the words; times come from the video's
//! segments alone, and what a model says that cannot be so is not told. Knows neither HTTP nor SQL.

mod answer;
mod chapters;
mod digest;
mod extract;
mod gist;
mod grounding;
mod job;
mod material;
mod prompts;
mod scenes;
mod summary;
mod work;
mod writing;

pub use answer::{Answer, AnswerRequest, PromptLimit, ResponseFormat, Told, answer, answer_at_once};
pub use chapters::{Chapter, Highlight, Part};
pub use gist::{Gist, GistType, gist};
pub use job::{
    BATCH_LIFE, Batch, BatchCounts, BatchState, Job, JobClaim, JobEnd, JobFilter, JobRequest, JobResult,
    JobState, MAX_BATCH, NewJob, cancel_batch, cancel_job, create_batch, create_job, delete_batch,
    delete_job,
};
pub use material::{Material, Passage, SeenVector, Sight};
pub use summary::{Summarized, Summary, SummaryType, summarize};
pub use work::run;
pub use writing::{Author, Usage};
