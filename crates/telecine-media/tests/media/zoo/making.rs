//! How each animal of the zoo is made. What is to become of it stands in `expected.rs`, which knows only names.

mod codecs;
mod containers;
mod damaged;
mod lies;
mod polyglots;
mod shapes;
mod timing;
mod tracks;

pub(crate) use damaged::{FLIPPED, flipped};

use super::{USUAL, Zoo};

/// Makes a file of this name in the zoo. `base.mp4`, three seconds of H.264 and AAC, is there already.
pub(crate) type Make = fn(&Zoo, &str);

/// The animals of a class, by name.
pub(crate) fn class(class: &str) -> &'static [(&'static str, Make)] {
    match class {
        "codecs" => codecs::ALL,
        "containers" => containers::ALL,
        "timing" => timing::ALL,
        "tracks" => tracks::ALL,
        "shapes" => shapes::ALL,
        "lies" => lies::ALL,
        "damaged" => damaged::ALL,
        "polyglots" => polyglots::ALL,
        _ => panic!("no class {class}"),
    }
}

impl Zoo {
    /// What a file holds.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    /// The numbered frames of [`Zoo::counted`], encoded as usual but for `options`: ninety of them, three seconds of sound.
    fn coded(&self, name: &str, filters: &str, options: &str) {
        let filters = match filters.strip_prefix(',') {
            Some(filters) => format!("-vf {filters}"),
            None => String::new(),
        };
        self.make(name, &format!("-i source.nut {filters} {USUAL} {options}"));
    }

    /// Three more seconds, whose numbers go on where those of the others end.
    fn sequel(&self, name: &str, filters: &str, options: &str) {
        self.counted_from(90, name, 3, filters, options);
    }
}
