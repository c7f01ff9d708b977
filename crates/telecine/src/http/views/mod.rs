//! The JSON shapes of the contract, per version. Pure: what is shown is what is given.

pub(super) mod index;
pub(super) mod integration;
pub(super) mod inventory;
pub(super) mod search;
pub(super) mod task;
pub(super) mod video;

use serde_json::{Value, json};

use crate::store::Paging;

/// A page of a list.
pub(super) fn page(data: Vec<Value>, paging: Paging, total: u64) -> Value {
    json!({
        "data": data,
        "page_info": {
            "limit_per_page": paging.limit,
            "page": paging.page,
            "total_page": total.div_ceil(paging.limit),
            "total_results": total,
        },
    })
}
