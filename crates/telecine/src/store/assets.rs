//! Assets, their uploads in chunks, and what was indexed of them.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, Value};

use super::{Listed, Paging, VideoFilter};
use crate::asset::import::{AssetImport, ImportItem, Wanted};
use crate::asset::upload::{Chunk, ReportTaken, Reported, Upload};
use crate::asset::{Asset, AssetClaim, AssetDeletion, AssetEnd, AssetFilter, IndexedAsset, Reference};
use crate::fault::Result;
use crate::ids::{AssetId, AssetImportId, IndexId, IntegrationId, TaskId, UploadId, VideoId, WorkspaceId};
use crate::time::Timestamp;
use crate::transfer::{NewTask, Status};

/// Assets.
#[async_trait]
pub trait AssetStore: Send + Sync {
    /// Stores a new asset, to be worked on from the moment given, if one is.
    async fn insert_asset(&self, asset: &Asset, due: Option<Timestamp>) -> Result<()>;
    /// None when it is not there, or another workspace's.
    async fn asset(&self, workspace: WorkspaceId, id: AssetId) -> Result<Option<Asset>>;
    /// A page of assets.
    async fn assets(
        &self,
        workspace: WorkspaceId,
        filter: &AssetFilter,
        paging: Paging,
    ) -> Result<Listed<Asset>>;
    /// Whether there is such an asset, whoever's, whose file is needed: not of one that failed.
    async fn keeps_file(&self, id: AssetId) -> Result<bool>;
    /// Bytes of all assets of a workspace that did not fail, with those that are still to come.
    async fn asset_bytes(&self, workspace: WorkspaceId) -> Result<u64>;
    /// Notes how large an asset will be that is being fetched.
    async fn note_asset_size(&self, id: AssetId, size_bytes: u64) -> Result<()>;
    /// Replaces the user's own fields. Whether there was such an asset.
    async fn set_asset_metadata(
        &self,
        workspace: WorkspaceId,
        id: AssetId,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<bool>;
    /// Removes the asset's row, and its upload's. Unless it `is_forced`, not while indexed assets refer to it.
    async fn delete_asset(
        &self,
        workspace: WorkspaceId,
        id: AssetId,
        is_forced: bool,
    ) -> Result<AssetDeletion>;

    /// The asset that is due longest, lent for this long.
    async fn claim_asset(&self, now: Timestamp, lease: Duration) -> Result<Option<(AssetClaim, Asset)>>;
    /// Lends it for longer; false when the claim is stale.
    async fn extend_asset_claim(&self, claim: &AssetClaim, until: Timestamp) -> Result<bool>;
    /// Ends the claim with what became of the asset; false, and nothing done, when the claim is stale.
    async fn end_asset_claim(&self, claim: &AssetClaim, end: &AssetEnd, now: Timestamp) -> Result<bool>;
    /// Ends all claims: for a start after a crash.
    async fn break_asset_claims(&self, now: Timestamp) -> Result<u64>;
}

/// Uploads in chunks.
#[async_trait]
pub trait UploadStore: Send + Sync {
    /// Stores an upload with its asset, on which nobody works yet.
    async fn insert_upload(&self, upload: &Upload, asset: &Asset) -> Result<()>;
    /// One upload, whoever's: the link to a chunk names no workspace.
    async fn upload(&self, id: UploadId) -> Result<Option<Upload>>;
    /// A page of uploads that are not complete.
    async fn incomplete_uploads(&self, workspace: WorkspaceId, paging: Paging) -> Result<Listed<Upload>>;
    /// Uploads of a workspace that take chunks.
    async fn open_uploads(&self, workspace: WorkspaceId) -> Result<u64>;
    /// Chunks that are on disk, from this number to that.
    async fn chunks(&self, upload: UploadId, from: u64, to: u64) -> Result<Vec<Chunk>>;
    /// Chunks that are reported, and their bytes.
    async fn reported(&self, upload: UploadId) -> Result<(u64, u64)>;
    /// Forgets a chunk before it is written anew. One that was reported stays, and is told.
    async fn forget_chunk(&self, upload: UploadId, number: u64) -> Result<Option<Chunk>>;
    /// Notes a chunk that is on disk; false when the upload takes no chunks any more.
    async fn record_chunk(&self, upload: UploadId, chunk: &Chunk) -> Result<bool>;
    /// Notes that chunks are reported, all or none; the last one completes the upload and makes its asset due.
    ///
    /// # Errors
    /// `chunk_mismatch`.
    async fn report_chunks(
        &self,
        upload: &Upload,
        reported: &[Reported],
        now: Timestamp,
    ) -> Result<ReportTaken>;
    /// Ends uploads whose time is over; their assets fail, and are told. At most so many.
    async fn expire_uploads(&self, now: Timestamp, limit: u32) -> Result<Vec<AssetId>>;
}

/// Which indexed assets of an index.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct IndexedFilter {
    /// In one of these statuses; empty for any.
    pub statuses: Vec<Status>,
    /// What else must hold. Their moment of indexing is not asked.
    pub video: VideoFilter,
}

/// What is indexed, as the contract's later versions see it: each task that made a video, or may yet.
#[async_trait]
pub trait IndexedAssetStore: Send + Sync {
    /// The task that indexes an asset in an index, unless it failed or its video was deleted.
    async fn task_of_asset(
        &self,
        workspace: WorkspaceId,
        asset: AssetId,
        index: IndexId,
    ) -> Result<Option<TaskId>>;
    /// As [`super::TaskStore::insert_task`], for an asset. If another task indexes it there already, nothing is stored, and
    /// that one is told.
    ///
    /// # Errors
    /// `resource_not_exists` when the asset was deleted meanwhile.
    async fn insert_asset_task(
        &self,
        workspace: WorkspaceId,
        task: &NewTask,
        asset: AssetId,
        now: Timestamp,
    ) -> Result<TaskId>;
    /// One of an index.
    async fn indexed_asset(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        id: VideoId,
    ) -> Result<Option<IndexedAsset>>;
    /// A page of an index.
    async fn indexed_assets(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        filter: &IndexedFilter,
        paging: Paging,
    ) -> Result<Listed<IndexedAsset>>;
    /// A page of what refers to an asset.
    async fn references(
        &self,
        workspace: WorkspaceId,
        asset: AssetId,
        paging: Paging,
    ) -> Result<Listed<Reference>>;
    /// The newest video that was made of an asset, else the newest task of it.
    async fn newest_reference(
        &self,
        workspace: WorkspaceId,
        asset: AssetId,
    ) -> Result<Option<(VideoId, Status)>>;
    /// Replaces the user's own fields of the video, and of its task. Whether there was one.
    async fn set_indexed_metadata(
        &self,
        workspace: WorkspaceId,
        index: IndexId,
        id: VideoId,
        fields: &Map<String, Value>,
        now: Timestamp,
    ) -> Result<bool>;
    /// Removes the video, and a single task that has no other purpose; work on it ends. Whether there was one.
    ///
    /// # Errors
    /// `task_cannot_be_deleted` while a transfer is still at work on it.
    async fn delete_indexed_asset(&self, workspace: WorkspaceId, index: IndexId, id: VideoId)
    -> Result<bool>;
}

/// Imports of objects as assets.
#[async_trait]
pub trait AssetImportStore: Send + Sync {
    /// Stores an import, and at once its assets: new ones, and those that failed before and are tried again. What became of
    /// each object, in order.
    async fn insert_asset_import(&self, import: &AssetImport, wanted: &[Wanted]) -> Result<Vec<ImportItem>>;
    /// A page of imports of an integration.
    async fn asset_imports(
        &self,
        workspace: WorkspaceId,
        integration: IntegrationId,
        paging: Paging,
    ) -> Result<Listed<AssetImport>>;
    /// An import with its items, where their assets stand now. Those whose assets were deleted are left out.
    async fn asset_import(
        &self,
        workspace: WorkspaceId,
        integration: IntegrationId,
        id: AssetImportId,
    ) -> Result<Option<(AssetImport, Vec<ImportItem>)>>;
}
