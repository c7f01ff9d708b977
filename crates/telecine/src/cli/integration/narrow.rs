//! Options that narrow lists and manifests to some objects.

use clap::Args;

#[derive(Debug, Args, Default)]
pub(in crate::cli) struct NarrowArgs {
    /// Only keys that begin with this
    #[arg(long, value_name = "PREFIX")]
    prefix: Option<String>,
    /// Only keys that match, such as `2024/**/*.mp4`: `*` stays within a folder, `**` does not; may be repeated
    #[arg(long, value_name = "GLOB")]
    glob: Vec<String>,
    /// No keys that match; may be repeated
    #[arg(long, value_name = "GLOB")]
    exclude: Vec<String>,
    /// At least so many bytes
    #[arg(long, value_name = "BYTES")]
    min_bytes: Option<u64>,
    /// At most so many bytes
    #[arg(long, value_name = "BYTES")]
    max_bytes: Option<u64>,
    /// Written at this moment or later, such as 2024-03-01
    #[arg(long, value_name = "MOMENT")]
    modified_after: Option<String>,
    /// Written before this moment
    #[arg(long, value_name = "MOMENT")]
    modified_before: Option<String>,
    /// Of this storage class; may be repeated
    #[arg(long, value_name = "CLASS")]
    storage_class: Vec<String>,
}

impl NarrowArgs {
    pub(super) fn add_to(self, query: &mut Vec<(&'static str, String)>) {
        let number = |number: Option<u64>| number.map(|number| number.to_string());
        let one = [
            ("prefix", self.prefix),
            ("min_bytes", number(self.min_bytes)),
            ("max_bytes", number(self.max_bytes)),
            ("modified_after", self.modified_after),
            ("modified_before", self.modified_before),
        ];
        query.extend(one.into_iter().filter_map(|(name, value)| Some((name, value?))));
        for (name, values) in
            [("glob", self.glob), ("exclude", self.exclude), ("storage_class", self.storage_class)]
        {
            query.extend(values.into_iter().map(|value| (name, value)));
        }
    }
}
