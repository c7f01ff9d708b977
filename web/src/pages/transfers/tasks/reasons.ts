// The reasons for which tasks fail, in a few words, for the filter. The server tells each with cause and remedy.
import type { Schema } from "../../../api/client";

type Code = Schema<"Code">;

const WORDS: Partial<Record<Code, string>> = {
  object_not_exists: "Not in the bucket",
  object_access_denied: "May not be read",
  object_archived: "Archived",
  object_changed: "Changed while it was read",
  source_unavailable: "The store did not answer",
  integration_not_active: "Bucket not connected",
  integration_deleted: "Integration deleted",
  video_resolution_too_low: "Resolution too low",
  video_resolution_too_high: "Resolution too high",
  video_duration_too_short: "Too short",
  video_duration_too_long: "Too long",
  video_filesize_too_large: "File too large",
  video_audio_track_not_exists: "No sound",
  video_file_broken: "Broken file",
  unsupported_file_type: "Not a video",
  processing_limit_exceeded: "Decoding took too much",
  language_not_supported: "Language not heard here",
  transcription_url_not_exists: "Captions not there",
  transcription_url_not_accessible: "Captions not readable",
  transcription_invalid: "Captions not understood",
  video_url_not_accessible: "Link not readable",
  index_model_mismatch: "Index of other models",
  engine_failed: "An engine failed",
  task_crashed_server: "The server ended each time",
  task_cancelled: "Cancelled",
};

export const REASONS = Object.entries(WORDS).map(([id, label]) => ({ id, label }));
