//! The forms of what is asked of integrations and told about them, for the OpenAPI document. The tests hold every answer
//! to them.

use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use crate::fault::Fault;
use crate::ids::{IndexId, IntegrationId, SyncId, TaskId, VideoId};
use crate::integration::{Check, Filters, IntegrationStatus, MediaHeader, Schedule, SyncState, SyncTrigger};
use crate::time::Timestamp;

macro_rules! forms {
    ($($(#[$about:meta])* $name:ident { $($(#[$field_about:meta])* $field:ident: $kind:ty,)* })*) => {$(
        $(#[$about])*
        #[derive(ToSchema)]
        #[expect(dead_code, reason = "a form, for the document")]
        pub(super) struct $name { $($(#[$field_about])* $field: $kind,)* }
    )*};
}

forms! {
    /// A bucket to be connected. Which fields are needed depends on the provider.
    NewIntegration {
        /// `aws_s3` unless given, `s3_compatible`, `gcs`, `azure_blob`, `folder`, `url_list`.
        provider: Option<String>,
        /// Its name, an address, an ARN or the URL of the console; what follows the name is the prefix.
        bucket: String,
        prefix: Option<String>,
        /// With whose eyes the bucket is seen; mostly clear from the rest.
        credentials: Option<String>,
        region: Option<String>,
        /// Twelve digits.
        account_id: Option<String>,
        role_name: Option<String>,
        role_arn: Option<String>,
        kms_key_arn: Option<String>,
        requester_pays: Option<bool>,
        endpoint_url: Option<String>,
        path_style: Option<bool>,
        access_key_id: Option<String>,
        secret_access_key: Option<String>,
        /// The key file, as a text or as the object itself.
        #[schema(value_type = Option<Value>)]
        service_account_key: Option<Value>,
        user_project: Option<String>,
        account: Option<String>,
        shared_key: Option<String>,
        sas_token: Option<String>,
        tenant_id: Option<String>,
        client_id: Option<String>,
        client_secret: Option<String>,
        path: Option<String>,
        urls: Option<Vec<String>>,
        filters: Option<Filters>,
        schedule: Option<Schedule>,
    }
    /// What changes of an integration.
    IntegrationChanges {
        access_key_id: Option<String>,
        secret_access_key: Option<String>,
        #[schema(value_type = Option<Value>)]
        service_account_key: Option<Value>,
        shared_key: Option<String>,
        sas_token: Option<String>,
        client_secret: Option<String>,
        kms_key_arn: Option<String>,
        requester_pays: Option<bool>,
        region: Option<String>,
        filters: Option<Filters>,
        schedule: Option<Schedule>,
    }
    /// A connected bucket, with what its owner applies.
    Integration {
        _id: IntegrationId,
        provider: String,
        bucket: String,
        prefix: String,
        region: Option<String>,
        status: IntegrationStatus,
        /// What changed for the worse since all was well.
        drift: Option<String>,
        checks: Vec<Check>,
        checked_at: Option<Timestamp>,
        well_at: Option<Timestamp>,
        filters: Filters,
        schedule: Schedule,
        created_at: Timestamp,
        updated_at: Timestamp,
        synchronized_at: Option<Timestamp>,
        #[schema(required = false)]
        credentials: Option<String>,
        account_id: Option<String>,
        external_id: Option<String>,
        role_arn: Option<String>,
        role_name: Option<String>,
        policy_name: Option<String>,
        #[schema(value_type = Option<Object>)]
        policy_document: Option<Value>,
        #[schema(value_type = Option<Object>)]
        trust_document: Option<Value>,
        trust_document_error: Option<Fault>,
        requester_pays: Option<bool>,
        kms_key_arn: Option<String>,
        endpoint_url: Option<String>,
        path_style: Option<bool>,
        access_key_id: Option<String>,
        user_project: Option<String>,
        client_email: Option<String>,
        account: Option<String>,
        tenant_id: Option<String>,
        client_id: Option<String>,
        path: Option<String>,
        url_count: Option<u64>,
        #[schema(value_type = Option<Object>)]
        queue_policy: Option<Value>,
        #[schema(value_type = Option<Object>)]
        queue_notification: Option<Value>,
        /// Equal ways to apply it: console, cli, cloudformation, terraform.
        #[schema(value_type = Value)]
        setup: Value,
        /// Of one that was deleted.
        deleted_at: Option<Timestamp>,
        restorable_until: Option<Timestamp>,
    }
    /// What deleting an integration does, or would do.
    Deletion {
        _id: IntegrationId,
        provider: String,
        bucket: String,
        prefix: String,
        deleted_at: Option<Timestamp>,
        restorable_until: Option<Timestamp>,
        dry_run: Option<bool>,
        #[schema(value_type = Object)]
        stays: Value,
        #[schema(value_type = Object)]
        goes_on: Value,
        #[schema(value_type = Object)]
        ends: Value,
        #[schema(value_type = Object)]
        goes: Value,
    }
    /// What deleting several integrations does, or would do.
    Deletions {
        data: Vec<Deletion>,
        dry_run: bool,
    }
    /// Which integrations.
    IntegrationIds {
        ids: Vec<IntegrationId>,
        dry_run: Option<bool>,
    }
    /// A listing of a bucket into its inventory.
    Synchronization {
        _id: SyncId,
        integration_id: IntegrationId,
        trigger: SyncTrigger,
        state: SyncState,
        /// Whether the store lists in the order of bytes.
        is_ordered: bool,
        listed: u64,
        keys_per_second: f64,
        requests: u64,
        items: u64,
        videos: u64,
        added: u64,
        changed: u64,
        removed: u64,
        fault: Option<Fault>,
        started_at: Timestamp,
        updated_at: Timestamp,
        ended_at: Option<Timestamp>,
    }
    /// A page of objects. `page` and totals are there when a page was asked for by its number.
    Objects {
        data: Vec<BucketObject>,
        page_info: ObjectsPageInfo,
    }
    ObjectsPageInfo {
        limit_per_page: u64,
        page: Option<u64>,
        total_page: Option<u64>,
        total_results: Option<u64>,
        /// What to ask for `after`.
        next_after: Option<String>,
    }
    /// An object that was seen in the bucket.
    BucketObject {
        key: String,
        object: String,
        size_bytes: u64,
        storage_class: String,
        is_archived: bool,
        etag: String,
        modified_at: Option<Timestamp>,
        first_seen_at: Timestamp,
        removed_at: Option<Timestamp>,
        is_video: bool,
        /// `taken` or `excluded`.
        decision: String,
        /// Why it is not taken.
        reason: Option<String>,
        reason_message: Option<String>,
        header: Option<MediaHeader>,
        indexes: Vec<ObjectInIndex>,
    }
    /// What became of an object in an index.
    ObjectInIndex {
        index_id: IndexId,
        task_id: TaskId,
        status: String,
        state: String,
        video_id: Option<VideoId>,
        is_present_version: bool,
        error: Option<Fault>,
    }
    /// Keys of objects.
    ProbeKeys {
        #[schema(max_items = 50)]
        keys: Vec<String>,
    }
    /// What became of reading a header.
    ProbedObject {
        key: String,
        header: Option<MediaHeader>,
        error: Option<Fault>,
        was_known: bool,
    }
    /// Numbers about a bucket; `lists` names the list behind each.
    Statistics {
        items: u64,
        videos: u64,
        bytes: u64,
        taken: u64,
        taken_bytes: u64,
        excluded: u64,
        hours: f64,
        /// Videos whose length is known.
        hours_known_of: u64,
        indexed: u64,
        not_indexed: u64,
        changed_since_indexed: u64,
        failed: u64,
        indexed_then_deleted: u64,
        failed_by_code: Vec<FailedByCode>,
        excluded_by_reason: Vec<ExcludedByReason>,
        indexes: Vec<IndexShare>,
        as_of: AsOf,
        #[schema(value_type = Option<Object>)]
        queue: Option<Value>,
        #[schema(value_type = Object)]
        lists: Map<String, Value>,
    }
    AsOf {
        listed_at: Option<Timestamp>,
        told_at: Option<Timestamp>,
    }
    FailedByCode {
        code: String,
        count: u64,
        message: Option<String>,
        remedy: Option<String>,
        list: String,
    }
    ExcludedByReason {
        reason: String,
        message: String,
        count: u64,
        bytes: u64,
        list: String,
    }
    IndexShare {
        index_id: IndexId,
        index_name: String,
        indexed: u64,
        indexed_hours: f64,
        not_indexed: u64,
        changed_since_indexed: u64,
        failed: u64,
        indexed_then_deleted: u64,
        #[schema(value_type = Object)]
        lists: Map<String, Value>,
    }
}

/// Which objects.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a form, for the document")]
pub(super) struct ObjectQuery {
    prefix: Option<String>,
    /// Globs, one of which must match; may be repeated.
    glob: Option<String>,
    /// Globs, none of which may match; may be repeated.
    exclude: Option<String>,
    min_bytes: Option<u64>,
    max_bytes: Option<u64>,
    modified_after: Option<String>,
    modified_before: Option<String>,
    storage_class: Option<String>,
    /// `present`, `videos`, `taken`, `excluded`, `indexed`, `not_indexed`, `changed`, `failed`, `in_progress`,
    /// `indexed_then_deleted`, `removed`, `any`.
    state: Option<String>,
    index_id: Option<IndexId>,
    /// Failed with this code.
    code: Option<String>,
    /// Excluded for this reason.
    reason: Option<String>,
    key: Option<String>,
}
