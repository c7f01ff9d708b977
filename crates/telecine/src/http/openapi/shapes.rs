//! Shapes that many answers share.

use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::store::Paging;

/// How something is refused: what happened, what was given, which rule, what to do next.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the form of `error::envelope`, for the document")]
pub(super) struct Refusal {
    /// For machines.
    #[schema(value_type = CodeName)]
    code: String,
    /// What happened, as a sentence.
    message: String,
    /// What was given or measured.
    #[schema(nullable = false)]
    value: Option<String>,
    /// What is allowed.
    #[schema(nullable = false)]
    rule: Option<String>,
    /// What to do next.
    #[schema(nullable = false)]
    remedy: Option<String>,
    /// Names the request in the server's log.
    request_id: String,
    /// Numeric, on pages of searches.
    #[schema(nullable = false)]
    error_code: Option<u32>,
}

/// A reference to the schema that `openapi` makes of the catalogue.
struct CodeName;

impl utoipa::PartialSchema for CodeName {
    fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
        utoipa::openapi::Ref::from_schema_name("Code").into()
    }
}

impl ToSchema for CodeName {
    fn name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }
}

/// A page of a list.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Page<T> {
    data: Vec<T>,
    page_info: PageInfo,
}

/// A whole list.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Listed<T> {
    /// All of it.
    pub(in crate::http) data: Vec<T>,
}

/// The id of what was made.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct Made<T> {
    /// Its id.
    #[serde(rename = "_id")]
    pub(in crate::http) id: T,
}

/// Which page it is, and of how many.
#[derive(Serialize, ToSchema)]
pub(in crate::http) struct PageInfo {
    limit_per_page: u64,
    page: u64,
    /// 0 when there is nothing.
    total_page: u64,
    total_results: u64,
    /// `gte` when there are at least `total_results`: more were not counted. Absent when the number is exact.
    #[serde(skip_serializing_if = "Option::is_none")]
    total_relation: Option<TotalRelation>,
}

/// How a total is to be read.
#[derive(Clone, Copy, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum TotalRelation {
    /// There are so many or more.
    Gte,
}

impl<T> Page<T> {
    /// Rows of this page, and how many there are on all.
    pub(in crate::http) fn new(data: Vec<T>, paging: Paging, total: u64) -> Self {
        Self { data, page_info: PageInfo::new(paging, total) }
    }

    /// The same, of which the number may be the least that there are.
    pub(in crate::http) fn at_least(mut self, is_at_least: bool) -> Self {
        self.page_info.total_relation = is_at_least.then_some(TotalRelation::Gte);
        self
    }
}

impl PageInfo {
    /// Of this page, when there are so many rows on all.
    pub(in crate::http) fn new(paging: Paging, total: u64) -> Self {
        let Paging { page, limit, .. } = paging;
        Self {
            limit_per_page: limit,
            page,
            total_page: total.div_ceil(limit),
            total_results: total,
            total_relation: None,
        }
    }
}

/// Which page of a list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "the form of `Query::paging`, for the document")]
pub(in crate::http) struct PageQuery {
    /// From 1; a page past the end is empty.
    #[param(minimum = 1, default = 1)]
    page: Option<u32>,
    #[param(minimum = 1, maximum = 50, default = 10)]
    page_limit: Option<u32>,
    #[param(inline, value_type = Option<SortBy>)]
    sort_by: Option<String>,
    #[param(inline, value_type = Option<SortOption>)]
    sort_option: Option<String>,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case", default = "created_at")]
#[expect(dead_code, reason = "words for the document")]
enum SortBy {
    CreatedAt,
    UpdatedAt,
}

#[derive(ToSchema)]
#[schema(rename_all = "snake_case", default = "desc")]
#[expect(dead_code, reason = "words for the document")]
enum SortOption {
    Asc,
    Desc,
}

/// A file of a form.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "for the document")]
pub(in crate::http) struct FormFile(Vec<u8>);

/// Lines of JSON, one object each.
#[derive(ToSchema)]
#[schema(value_type = String)]
#[expect(dead_code, reason = "for the document")]
pub(in crate::http) struct Lined(String);
