//! Vectors and words that are made up, the same in every run. Shared with `benches/search.rs`.

/// SplitMix64 (Steele, Lea, Flood 2014).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Close to normal, of mean 0 and deviation 1: the sum of twelve uniform numbers.
    fn normal(&mut self) -> f32 {
        let sixteenths = [self.next(), self.next(), self.next()];
        let uniform = |part: u64| part as f32 / 65_536.0;
        let parts = sixteenths.into_iter().flat_map(|bits| (0..4).map(move |i| bits >> (16 * i) & 0xffff));
        parts.map(uniform).sum::<f32>() - 6.0
    }

    pub(crate) fn unit(&mut self, dim: usize) -> Vec<f32> {
        normalised((0..dim).map(|_| self.normal()).collect())
    }
}

/// Unit vectors around topics, as the frames of one scene are alike.
pub(crate) struct Topics {
    centres: Vec<Vec<f32>>,
    spread: f32,
}

impl Topics {
    /// `spread` is the length of what a vector differs from its topic by: 0.5 gives cosines of about 0.8 within one.
    pub(crate) fn new(random: &mut Random, count: usize, dim: usize, spread: f32) -> Self {
        Self { centres: (0..count).map(|_| random.unit(dim)).collect(), spread }
    }

    pub(crate) fn vector(&self, random: &mut Random, topic: usize) -> Vec<f32> {
        let centre = &self.centres[topic % self.centres.len()];
        let off = random.unit(centre.len());
        normalised(centre.iter().zip(off).map(|(centre, off)| centre + self.spread * off).collect())
    }
}

fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let norm = vector.iter().map(|value| value * value).sum::<f32>().sqrt();
    vector.iter_mut().for_each(|value| *value /= norm);
    vector
}
