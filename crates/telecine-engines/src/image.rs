//! The picture that engines look at: borrowed RGB pixels whose size is known to fit. No decoding, no resizing.

/// A picture in memory: 8-bit RGB, row by row, no gaps; at least one pixel.
#[derive(Debug, Clone, Copy)]
pub struct Image<'a> {
    width: u32,
    height: u32,
    rgb: &'a [u8],
}

impl<'a> Image<'a> {
    /// `None` when a side is zero or the number of bytes is not `width` × `height` × 3.
    pub fn new(width: u32, height: u32, rgb: &'a [u8]) -> Option<Self> {
        let expected = u128::from(width) * u128::from(height) * 3;
        (expected > 0 && rgb.len() as u128 == expected).then_some(Self { width, height, rgb })
    }

    /// Width in pixels, at least 1.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels, at least 1.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The pixels: `width` × `height` × 3 bytes.
    pub fn rgb(&self) -> &'a [u8] {
        self.rgb
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_have_to_fit_the_size() {
        assert!(Image::new(2, 1, &[0; 6]).is_some());
        assert!(Image::new(2, 1, &[0; 5]).is_none());
        assert!(Image::new(0, 1, &[]).is_none());
        assert!(Image::new(u32::MAX, u32::MAX, &[0; 6]).is_none());
    }
}
