//! The engines of a server, loaded once at start.

use std::fmt;
use std::sync::Arc;

use telecine_engines::hear::Hearer;
use telecine_engines::read::Reader;
use telecine_engines::see::Seer;
use telecine_engines::words::Words;

use crate::index::{IndexModels, ModelRef};

/// What sees, hears, reads and understands words. Cheap to clone.
#[derive(Clone)]
pub struct Engines {
    /// Sees.
    pub see: Arc<dyn Seer>,
    /// Hears.
    pub hear: Arc<dyn Hearer>,
    /// Reads.
    pub read: Arc<dyn Reader>,
    /// Understands words.
    pub words: Arc<Words>,
}

impl Engines {
    /// What an index that is made now gets.
    pub fn models(&self) -> IndexModels {
        let text_only = |id: &str| ModelRef { id: id.to_owned(), dim: 0 };
        IndexModels {
            see: ModelRef { id: self.see.model_id().to_owned(), dim: self.see.dim() },
            hear: text_only(self.hear.model_id()),
            read: text_only(self.read.model_id()),
            words: ModelRef { id: self.words.model_id().to_owned(), dim: self.words.dim() },
        }
    }
}

impl fmt::Debug for Engines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Engines").field(&self.models()).finish()
    }
}
