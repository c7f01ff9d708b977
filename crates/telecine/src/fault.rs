//! What users are told when something is wrong: the catalogue of codes, and [`Fault`], which says what value broke
//! which rule and what to do next. The docs' table of codes is generated from here. Knows no HTTP status.

use std::fmt;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

macro_rules! codes {
    ($($variant:ident $code:literal $message:literal $rule:literal $remedy:literal;)*) => {
        /// Every code that Telecine tells. Where the contract has a code, it is that one.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each variant is explained by its message, rule and remedy")]
        #[non_exhaustive]
        pub enum Code { $($variant,)* }

        impl Code {
            /// All of them, for the docs.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The code in JSON.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)* }
            }

            /// What happened, in a sentence without the value.
            pub const fn message(self) -> &'static str {
                match self { $(Self::$variant => $message,)* }
            }

            /// The rule that was broken; empty where there is none to tell.
            pub const fn rule(self) -> &'static str {
                match self { $(Self::$variant => $rule,)* }
            }

            /// What to do next; empty where the message says it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$variant => $remedy,)* }
            }

            /// The code of this name.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == code)
            }
        }
    };
}

codes! {
    // Requests.
    ParameterInvalid "parameter_invalid" "A parameter is not valid." "" "";
    ParameterNotProvided "parameter_not_provided" "A required parameter is missing." "" "";
    ParameterUnknown "parameter_unknown" "A parameter is not known." "" "";
    ResourceNotExists "resource_not_exists" "There is no such resource." "" "Check the id; it may have been deleted, or belong to another workspace.";
    EndpointNotExists "endpoint_not_exists" "There is no such endpoint." "" "See the API page of this server for the endpoints that there are.";
    ApiKeyInvalid "api_key_invalid" "The API key is missing, unknown or revoked." "every request carries a valid key in the header x-api-key" "Make a key with `telecine key create`.";
    Unauthorized "unauthorized" "The key does not allow this." "" "Use an admin key.";
    OriginNotAllowed "origin_not_allowed" "The request was sent by a page of another address." "with a session's cookie, requests are taken from pages of this server only: changes carry its address in the header Origin" "Use the dashboard at the server's own address; programs send a key in the header x-api-key. Behind a proxy: pass the header Host on, or set server.public_url.";
    ApiNotAllowed "api_not_allowed" "This is not allowed here." "" "";
    RequestTooLarge "request_too_large" "The request is larger than allowed." "" "Send less in one request.";
    RequestTimedOut "request_canceled_or_timed_out" "The request took too long." "" "Try again.";
    TooManyRequests "too_many_requests" "Too many requests." "" "Wait for the time in the header Retry-After.";
    IdempotencyKeyReused "idempotency_key_reused" "This Idempotency-Key belongs to another request." "a key stands for one request, for a day" "Take a new key for a new request.";
    IdempotencyKeyInProgress "idempotency_key_in_progress" "The request with this Idempotency-Key is still carried out." "" "Send it again in a moment; the answer will be told then.";
    InternalServerError "internal_server_error" "Something went wrong in the server." "" "Try again; if it stays, look for the request id in the server's log.";
    ServiceUnavailable "service_unavailable" "The server cannot do this now." "" "Try again after the time in the header Retry-After.";
    // Indexes.
    IndexNameAlreadyExists "index_name_already_exists" "There is an index of this name already." "names of indexes are unique within a workspace" "Choose another name, or use the index that is there.";
    IndexEngineCannotBeChanged "index_engine_cannot_be_changed" "The engines of an index cannot be changed." "engines are fixed when an index is made" "Make a new index.";
    IndexOptionCannotBeChanged "index_option_cannot_be_changed" "The options of an index cannot be changed." "options are fixed when an index is made" "Make a new index.";
    IndexNotSupportedForSearch "index_not_supported_for_search" "The index cannot be searched." "an index needs a marengo engine to be searched" "Make an index with a marengo engine.";
    IndexNotSupportedForGenerate "index_not_supported_for_generate" "No text can be generated from this index." "" "";
    TokenLimitExceeded "token_limit_exceeded" "The prompt does not fit into what the model takes in." "" "Shorten the prompt, or ask for a shorter answer (max_tokens).";
    NothingToGenerateFrom "nothing_to_generate_from" "Nothing is known of this video that could be written about." "something must have been said, shown as text or recognised" "Ask without response_format, or about another video.";
    AnalysisNotFinished "analysis_not_finished" "The analysis is not over." "what is waiting or being written cannot be deleted" "Cancel it first, or wait until it is over.";
    AnalysisFinished "analysis_finished" "The analysis is over." "what is over cannot be cancelled" "Delete it, if it is no longer wanted.";
    IndexModelMismatch "index_model_mismatch" "The index was made with other models than this server runs." "vectors of different models are never mixed" "Start the server with the models that the index names, or make a new index.";
    // Assets.
    AssetNotReady "asset_not_ready" "The asset cannot be used (yet)." "an asset is used when its status is ready" "Look at the asset again (GET /assets/{id}) until it is ready.";
    AssetNotIndexable "asset_not_indexable" "This asset cannot be indexed." "only videos are indexed here" "Use the asset in a search or an analysis, or bring a video here.";
    AssetInUse "asset_in_use" "Indexed assets refer to the asset." "an asset is deleted when no index has it" "Delete the indexed assets first, or delete the asset with `force=true`: then they stay without it.";
    UploadExpired "upload_expired" "The upload was not complete in time, and was given up." "uploads in chunks are completed within a day" "Begin a new upload.";
    ChunkMismatch "chunk_mismatch" "A chunk that was reported is not here as it was reported." "each chunk is reported with the ETag and the size that its upload was answered with" "Send the chunk again, and report what is answered.";
    UsageLimitExceeded "usage_limit_exceeded" "A limit of the workspace is reached." "" "";
    ConnectionNotActive "connection_not_active" "The connection is not active." "objects are imported through a verified integration" "Verify the integration (POST /integrations/{id}/verify), then import again.";
    SourceNotAuthorized "source_not_authorized" "The object may not be read through this connection." "" "Check the key, and what the integration's role or key may read.";
    UnsupportedMediaType "unsupported_media_type" "The object has no name of a video, a sound file or a picture." "names end in an extension such as .mp4, .mp3 or .jpg" "Rename the object, or leave it out.";
    AudioFilesizeTooLarge "audio_filesize_too_large" "The sound file is too large." "" "Make the file smaller.";
    MediaFilesizeTooLarge "media_filesize_too_large" "The file is too large." "" "Make the file smaller.";
    // Tasks: the video.
    VideoResolutionTooLow "video_resolution_too_low" "The video's resolution is too low." "the shorter side must have at least 360 pixels" "Take a version of at least 360p.";
    VideoResolutionTooHigh "video_resolution_too_high" "The video's resolution is too high." "at most 4K: 3840x2160 (or 4096x2160), in either orientation" "Scale it down to 4K or less; 360p is enough to be searched.";
    VideoDurationTooShort "video_duration_too_short" "The video is too short." "" "Leave it out, or use an index whose engines take short videos.";
    VideoDurationTooLong "video_duration_too_long" "The video is too long." "" "Cut it into parts, or use an index whose engines take long videos.";
    VideoFilesizeTooLarge "video_filesize_too_large" "The file is too large." "at most 2 GB (2147483648 bytes)" "Transcode it to a lower bit rate; 360p is enough to be searched.";
    VideoAudioTrackNotExists "video_audio_track_not_exists" "The video has no audio track." "an audio track is required where the index has the option conversation (audio)" "Use an index without that option.";
    VideoFileBroken "video_file_broken" "The file is broken." "the file must play from start to end" "Check it with a player and upload it again.";
    UnsupportedFileType "unsupported_file_type" "The file is not a video that can be read." "containers such as MP4, MOV, MKV, WebM, AVI, MPEG-TS with a video track" "Convert it, for example with ffmpeg.";
    ProcessingLimitExceeded "processing_limit_exceeded" "Decoding the file took more than is allowed." "each file has bounds on time, memory and output" "If the file is sound, raise the limits in the server's [media] settings.";
    EngineFailed "engine_failed" "An engine failed on this video." "" "Retry it; if it stays, look for the task id in the server's log.";
    VideoAlreadyIndexed "video_already_indexed" "The same content is in this index already." "content is taken once into an index" "Use the video that it equals.";
    TaskCannotBeDeleted "task_cannot_be_deleted" "The task cannot be deleted." "only tasks that are ready or failed can be deleted, and of ready ones the video first" "Wait until it is ready or failed; delete the video before its task.";
    TaskCrashedServer "task_crashed_server" "The server ended unexpectedly each time while it worked on this video." "a video is given up after it was in hand in 25 unexpected ends of the server in a row" "Look in the server's log for why it ended (often memory); it may have been another video in hand at the same time. Then retry.";
    TransferFinished "transfer_finished" "The transfer is over." "only a transfer that goes on can be paused or resumed" "Retry its failed videos (POST /transfers/{id}/retry), or post another manifest.";
    TaskNotFailed "task_not_failed" "The task did not fail." "only a task that failed can be tried again" "Wait until it has ended; what is ready needs no other try.";
    TaskCancelled "task_cancelled" "The task was cancelled." "" "Retry it to go on.";
    // Tasks: the object.
    ObjectNotExists "object_not_exists" "There is no such object in the bucket." "" "Check bucket and key; synchronize the integration and download the list anew.";
    ObjectAccessDenied "object_access_denied" "The object may not be read." "the integration's role needs s3:GetObject on the object" "Apply the policy of the integration again, and check bucket policy and KMS key; then retry.";
    ObjectArchived "object_archived" "The object lies in an archive and cannot be read." "objects in archived storage classes must be restored first" "Restore it (S3: RestoreObject), then retry.";
    ObjectChanged "object_changed" "The object changed while it was read." "an object must stay the same while it is transferred" "Retry when it is no longer written to.";
    SourceUnavailable "source_unavailable" "The store did not answer in time, again and again." "" "Check the store and the network, then retry.";
    IntegrationNotActive "integration_not_active" "No active integration owns this bucket." "objects are read through a verified integration of the workspace" "Connect the bucket with `telecine integration add` and verify it.";
    IntegrationAlreadyExists "integration_already_exists" "This bucket is connected already." "a bucket is connected once in a workspace" "Use the integration that is there, or delete it first.";
    IntegrationDeleted "integration_deleted" "The integration was deleted before this video was fetched." "objects are read through an integration that is there" "Restore the integration (`telecine integration restore`) or connect the bucket anew, then retry.";
    ImportInProgress "import_in_progress" "An import of this integration is under way." "one import of an integration at a time; several integrations import at once" "Wait until it has ended, or cancel its transfer.";
    VideoUrlNotAccessible "video_url_not_accessible" "The URL could not be read." "a direct link to a file over http or https, at a public address" "Check that the link opens without signing in.";
    // Tasks: the words.
    TranscriptionNotExists "transcription_url_not_exists" "The transcription is not there." "" "Check its bucket and key, or leave `transcription` out.";
    TranscriptionNotAccessible "transcription_url_not_accessible" "The transcription could not be read." "" "Let the integration's role read it, or leave `transcription` out.";
    TranscriptionInvalid "transcription_invalid" "The transcription could not be understood." "an SRT or WebVTT file with at least one caption" "Correct the file, or leave `transcription` out.";
    LanguageNotSupported "language_not_supported" "Speech in this language cannot be heard here." "" "Give a transcription, or fetch a speech model that knows the language (`telecine models fetch --set whisper-base`).";
    // Streams.
    StreamNotPossible "stream_not_possible" "Browsers do not play the codec of this video." "pictures are encoded anew only where streaming.reencode is on" "Turn streaming.reencode on and index the video anew, or convert the video to H.264.";
    StreamTooLarge "stream_too_large" "The stream would be larger than allowed." "at most streaming.max_bytes" "Raise streaming.max_bytes and index the video anew.";
    StreamStorageLow "stream_storage_low" "There is too little room on the server's disk for a stream." "streaming.min_free_bytes stay free" "Free room on the disk, or lower streaming.min_free_bytes; then index the video anew.";
    RangeNotSatisfiable "range_not_satisfiable" "There are no such bytes." "ranges begin before the end" "Ask for a range within the length that the header Content-Range tells.";
    // Search.
    SearchOptionNotSupported "search_option_not_supported" "The index cannot be searched by this option." "search options must be among the options of the index" "Search by the options that the index has.";
    SearchOptionCombinationNotSupported "search_option_combination_not_supported" "These search options cannot be combined." "pictures are looked for by what is seen: `visual` alone" "Search by `visual`, or by words.";
    ImageUrlNotAccessible "image_url_not_accessible" "The picture could not be read from its URL." "a direct link to a JPEG or PNG file over http or https, at a public address" "Check that the link opens without signing in, or send the file itself.";
    // Embeddings.
    EmbeddingNotSupported "embedding_not_supported" "No model of this server makes such embeddings." "text, pictures and what is seen in videos can be embedded; sounds cannot" "Embed text, an image or a video.";
    SearchFilterInvalid "search_filter_invalid" "The filter is not valid." "" "";
    SearchVideoNotInSameIndex "search_video_not_in_same_index" "A video of the filter is in another index." "a search looks into one index" "Search the index that the video is in, or leave the video out.";
    SearchParameterNotAllowed "search_parameter_not_allowed" "A parameter is not allowed in this search." "" "Leave it out.";
    SearchPageTokenExpired "search_page_token_expired" "The page token is unknown or expired." "page tokens live for an hour" "Search again.";
    // Verification of integrations.
    RoleNotAssumable "role_not_assumable" "The role cannot be assumed." "the role exists under this name and its trust policy names our principal and the external id" "Create the role with the trust policy of this integration, then verify again.";
    InsecureTrustPolicy "insecure_trust_policy" "The role can be assumed without the right external id." "the trust policy must require the external id" "Replace the role's trust policy by the one of this integration, then verify again.";
    QueueUnreadable "queue_unreadable" "The queue that tells the bucket's changes cannot be read." "the policy allows sqs:ReceiveMessage and sqs:DeleteMessage on the queue" "Apply the policy of this integration again, and check the queue's URL. Until then, changes are seen by full listings only.";
    SyncCancelled "synchronization_cancelled" "The synchronization was cancelled." "" "Synchronize again; what it had found until then stays.";
    ExternalIdIgnored "external_id_ignored" "The store does not compare external ids." "a role is safe only where the external id is required" "Use an access key for this bucket, or let the operator answer for the role in integrations.insecure_roles.";
    ServerHasNoIdentity "server_has_no_identity" "This server has no AWS credentials that work." "the server needs credentials of its own to take roles" "Give the server AWS credentials (environment, profile or instance role), then verify again.";
    ServerMayNotAssume "server_may_not_assume" "This server's own identity may not take the role." "the server's identity is allowed sts:AssumeRole on the role" "Allow it in the policy of the server's user or role, then verify again.";
    SessionExpired "session_expired" "The session of the role is refused as expired." "sessions last an hour and are renewed in time" "Check the store's clock, and whether sessions of the role were revoked; then verify again.";
    KeysRefused "keys_refused" "The store refuses the access key." "the key exists, is active, and the secret belongs to it" "Give the integration another key with `telecine integration edit`, then verify again.";
    OwnCredentialsNotAllowed "own_credentials_not_allowed" "This server's own credentials are not for this bucket." "the operator lists the buckets in integrations.own_credentials_for" "Let the operator list the bucket, or connect it by a role.";
    SecretUnreadable "secret_unreadable" "The stored secret of the integration cannot be read." "secrets are sealed with the key in the file secrets.key_file" "Put the key file back, or give the integration its secret anew.";
    BucketNotExists "bucket_not_exists" "There is no such bucket." "" "Check the bucket's name.";
    ListDenied "list_denied" "The bucket may not be listed." "the policy allows s3:ListBucket on the bucket" "Attach the policy of this integration to the role, then verify again.";
    GetDenied "get_denied" "Objects may not be read." "the policy allows s3:GetObject on the bucket's objects" "Attach the policy of this integration to the role, then verify again.";
    BucketOtherOwner "bucket_other_owner" "The bucket belongs to another account." "the bucket's owner is the account that was given" "Check bucket and account, and connect it anew.";
    BucketElsewhere "bucket_region" "The bucket lies in another region." "requests go to the bucket's own region" "Give the integration the bucket's region, then verify again.";
    KmsDenied "kms_denied" "Objects cannot be decrypted." "the role is allowed kms:Decrypt on the key, by its policy and by the key's" "Allow it in both, then verify again.";
    ExplicitlyDenied "explicitly_denied" "A statement forbids it." "no statement with Effect Deny is for the role" "Make the role an exception of the statement, then verify again.";
    BlockedByBoundary "blocked_by_boundary" "The permissions boundary of the role does not allow it." "the boundary allows what the policy allows" "Widen or remove the boundary, then verify again.";
    BlockedByOrganization "blocked_by_organization" "A policy of the owner's organization does not allow it." "service control and resource control policies allow it" "Let those who administer the organization allow it, then verify again.";
    BlockedByEndpointPolicy "blocked_by_vpc_endpoint" "The VPC endpoint of this server does not let it pass." "the policy of the endpoint allows the bucket" "Let the operator add the bucket to the endpoint's policy, then verify again.";
    RequesterPays "requester_pays" "Whoever asks the bucket pays for it." "the integration says whether this server's account pays" "Set requester_pays of the integration, where the operator allows it.";
    ObjectsArchived "objects_archived" "The objects are archived." "archived objects are restored before they are read" "Restore them, then verify again.";
    EndpointUnreachable "endpoint_unreachable" "The store cannot be reached." "the endpoint is a host that answers" "Check the endpoint's address, then verify again.";
    EndpointNoTls "endpoint_tls" "No encrypted connection to the store comes about." "the endpoint has a certificate for its name, of an issuer that is known" "Mend the certificate, then verify again.";
    EndpointNotS3 "endpoint_not_s3" "What answers does not speak S3." "the endpoint is that of a store's S3 API" "Check the endpoint's address and port, then verify again.";
    StoreThrottles "store_throttles" "The store asks to go slower." "" "Wait a moment, then verify again.";
    ClockSkewed "clock_skewed" "This server's clock is wrong." "clocks differ by at most five minutes" "Set the server's clock, best by NTP, then verify again.";
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let code = String::deserialize(deserializer)?;
        Self::parse(&code).ok_or_else(|| serde::de::Error::custom(format!("unknown code `{code}`")))
    }
}

/// Something that is wrong and that a user can mend: the machine's code and the person's text. It is data: stored with
/// tasks, told by the API, printed by the CLI.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Fault {
    /// For machines.
    #[schema(value_type = String)]
    pub code: Code,
    /// What happened, as a sentence.
    pub message: String,
    /// What was given or measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// What is allowed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// What to do next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remedy: Option<String>,
}

impl Fault {
    /// The code with its own message, rule and remedy.
    pub fn new(code: Code) -> Self {
        let some = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        let (rule, remedy) = (some(code.rule()), some(code.remedy()));
        Self { code, message: code.message().to_owned(), value: None, rule, remedy }
    }

    /// The code with a message of its own: a full sentence.
    pub fn because(code: Code, message: impl Into<String>) -> Self {
        Self { message: message.into(), ..Self::new(code) }
    }

    /// A parameter that is not valid; the sentence names it and says what would be.
    pub fn parameter(message: impl Into<String>) -> Self {
        Self::because(Code::ParameterInvalid, message)
    }

    /// With what was given or measured.
    #[must_use]
    pub fn value(mut self, value: impl Into<String>) -> Self {
        self.value = Some(value.into());
        self
    }

    /// With the rule as it applies here.
    #[must_use]
    pub fn rule(mut self, rule: impl Into<String>) -> Self {
        self.rule = Some(rule.into());
        self
    }

    /// With what to do next.
    #[must_use]
    pub fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }

    /// One line with everything: what the contract's free-text `error_message` fields hold.
    pub fn sentence(&self) -> String {
        let mut text = self.message.clone();
        for (label, part) in [("Found", &self.value), ("Rule", &self.rule)] {
            if let Some(part) = part {
                text.push_str(&format!(" {label}: {part}."));
            }
        }
        if let Some(remedy) = &self.remedy {
            text.push_str(&format!(" {remedy}"));
        }
        text
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code, self.sentence())
    }
}

/// Why something could not be done: the user's fault, or ours. Handled once, at the boundary that it reaches.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The user can mend it.
    #[error("{0}")]
    Fault(Box<Fault>),
    /// Ours: logged in full, told to users as `internal_server_error` with a request id.
    #[error(transparent)]
    Internal(#[from] anyhow::Error),
}

/// What most of Telecine returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl From<Fault> for Error {
    fn from(fault: Fault) -> Self {
        Self::Fault(Box::new(fault))
    }
}

impl Error {
    /// The fault, if it is the user's.
    pub fn as_fault(&self) -> Option<&Fault> {
        match self {
            Self::Fault(fault) => Some(fault),
            Self::Internal(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn codes_are_unique_and_survive_their_text() {
        let names: HashSet<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        assert_eq!(names.len(), Code::ALL.len());
        assert!(Code::ALL.iter().all(|code| Code::parse(code.as_str()) == Some(*code)));
    }

    #[test]
    fn a_fault_reads_as_sentences() {
        let fault = Fault::new(Code::VideoResolutionTooLow).value("512x288 pixels");
        assert_eq!(
            fault.sentence(),
            "The video's resolution is too low. Found: 512x288 pixels. Rule: the shorter side must have at least \
             360 pixels. Take a version of at least 360p."
        );
    }
}
