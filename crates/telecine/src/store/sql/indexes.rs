//! Indexes. Their removal is in `removal`.

use async_trait::async_trait;

use super::filters::{Sql, equals, within_moments};
use super::lists::List;
use super::rows::{from_json, parsed, to_json, unsigned};
use super::{SqlStore, removal, to_its_end};
use crate::fault::{Code, Error, Fault, Result};
use crate::ids::{IndexId, WorkspaceId};
use crate::index::{Index, IndexSummary};
use crate::store::{IndexFilter, IndexStore, Listed, Paging};
use crate::time::Timestamp;

const COLUMNS: &str = "i.id, i.workspace_id, i.name, i.engines, i.addons, i.models, i.created_at, i.updated_at, \
    (SELECT count(*) FROM video v WHERE v.index_id = i.id) AS video_count, \
    (SELECT coalesce(sum(v.duration_s), 0.0) FROM video v WHERE v.index_id = i.id) AS total_duration_s";

#[derive(sqlx::FromRow)]
struct IndexRow {
    id: String,
    workspace_id: String,
    name: String,
    engines: String,
    addons: String,
    models: String,
    created_at: i64,
    updated_at: i64,
    video_count: i64,
    total_duration_s: f64,
}

impl IndexRow {
    fn into_summary(self) -> Result<IndexSummary> {
        let index = Index {
            id: parsed(&self.id)?,
            workspace: parsed(&self.workspace_id)?,
            name: self.name,
            engines: from_json(&self.engines)?,
            addons: from_json(&self.addons)?,
            models: from_json(&self.models)?,
            created_at: Timestamp::from_millis(self.created_at),
            updated_at: Timestamp::from_millis(self.updated_at),
        };
        let video_count = unsigned(self.video_count)?;
        Ok(IndexSummary { index, video_count, total_duration_s: self.total_duration_s })
    }
}

#[async_trait]
impl IndexStore for SqlStore {
    async fn insert_index(&self, index: &Index) -> Result<()> {
        let done = sqlx::query(
            "INSERT INTO video_index (id, workspace_id, name, engines, addons, models, options, families, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(index.id.to_string())
        .bind(index.workspace.to_string())
        .bind(&index.name)
        .bind(to_json(&index.engines)?)
        .bind(to_json(&index.addons)?)
        .bind(to_json(&index.models)?)
        .bind(to_json(&index.options())?)
        .bind(to_json(&index.families())?)
        .bind(index.created_at.as_millis())
        .bind(index.updated_at.as_millis())
        .execute(&self.writer)
        .await;
        done.map(|_| ()).map_err(|error| name_taken(error, &index.name))
    }

    async fn index(&self, workspace: WorkspaceId, id: IndexId) -> Result<Option<IndexSummary>> {
        let mut sql = Sql::new(format!("SELECT {COLUMNS} FROM video_index i WHERE i.id = "));
        sql.push_bind(id.to_string()).push(" AND i.workspace_id = ").push_bind(workspace.to_string());
        sql.push(" AND i.deleted_at IS NULL");
        let row: Option<IndexRow> = sql.build_query_as().fetch_optional(&self.readers).await?;
        row.map(IndexRow::into_summary).transpose()
    }

    async fn indexes(
        &self,
        workspace: WorkspaceId,
        filter: &IndexFilter,
        paging: Paging,
    ) -> Result<Listed<IndexSummary>> {
        let conditions = |sql: &mut Sql| conditions(sql, workspace, filter);
        let list =
            List { columns: COLUMNS, from: "video_index i", alias: "i", tie: "id", conditions: &conditions };
        list.page(self, paging, IndexRow::into_summary).await
    }

    async fn rename_index(
        &self,
        workspace: WorkspaceId,
        id: IndexId,
        name: &str,
        now: Timestamp,
    ) -> Result<bool> {
        let done = sqlx::query(
            "UPDATE video_index SET name = $1, updated_at = $2 \
             WHERE id = $3 AND workspace_id = $4 AND deleted_at IS NULL",
        )
        .bind(name)
        .bind(now.as_millis())
        .bind(id.to_string())
        .bind(workspace.to_string())
        .execute(&self.writer)
        .await;
        done.map(|done| done.rows_affected() > 0).map_err(|error| name_taken(error, name))
    }

    async fn delete_index(&self, workspace: WorkspaceId, id: IndexId) -> Result<bool> {
        let store = self.clone();
        to_its_end(async move { removal::delete_index(&store, workspace, id).await }).await
    }
}

fn conditions(sql: &mut Sql, workspace: WorkspaceId, filter: &IndexFilter) {
    let IndexFilter { id, name, options, family, created_at, updated_at } = filter;
    sql.push(" WHERE i.deleted_at IS NULL AND i.workspace_id = ").push_bind(workspace.to_string());
    equals(sql, "i.id", id.map(|id| id.to_string()));
    equals(sql, "i.name", name.clone());
    for option in options {
        sql.push(concat!(" AND EXISTS (SELECT 1 FROM ", each!("i.options", "o"), " WHERE o.value = "));
        sql.push_bind(option.as_str()).push(")");
    }
    if let Some(family) = family {
        sql.push(concat!(" AND EXISTS (SELECT 1 FROM ", each!("i.families", "f"), " WHERE f.value = "));
        sql.push_bind(family.as_str()).push(")");
    }
    within_moments(sql, "i.created_at", *created_at);
    within_moments(sql, "i.updated_at", *updated_at);
}

fn name_taken(error: sqlx::Error, name: &str) -> Error {
    match &error {
        sqlx::Error::Database(cause) if cause.is_unique_violation() => {
            Fault::new(Code::IndexNameAlreadyExists).value(name).into()
        }
        _ => error.into(),
    }
}
