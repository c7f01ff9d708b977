//! Text in video: the burnt-in captions of the pinned trailer, frames without text, small and turned text.

use telecine_engines::{
    Image,
    read::{PpOcr, ReadRules, Reader, TextLine},
};

use crate::fixtures::{frame, media, model, runtime};

const WIDTH: u32 = 1280;
const HEIGHT: u32 = 720;

/// Second of the trailer, and the caption that it shows.
const CAPTIONS: [(f64, &str); 4] = [
    (12.0, "An unlucky bird"),
    (18.0, "A (slightly overweight) bunny"),
    (34.0, "And three rodent pests"),
    (50.0, "Revenge is coming..."),
];

fn reader(size: &str) -> PpOcr {
    let folder = model(&format!("pp-ocrv6-{size}"));
    let (detection, recognition) = (folder.join("det.onnx"), folder.join("rec.onnx"));
    PpOcr::open(&runtime(), "pp-ocrv6", &detection, &recognition, 2, &ReadRules::default()).unwrap()
}

fn trailer_frame(at_s: f64) -> Vec<u8> {
    frame(&media("trailer_bbb.mp4"), at_s, WIDTH, HEIGHT)
}

fn read(reader: &PpOcr, rgb: &[u8]) -> Vec<TextLine> {
    reader.read(Image::new(WIDTH, HEIGHT, rgb).unwrap()).unwrap()
}

#[test]
fn both_sizes_read_every_caption_of_the_trailer_exactly() {
    for reader in [reader("small"), reader("tiny")] {
        for (at_s, caption) in CAPTIONS {
            let lines = read(&reader, &trailer_frame(at_s));
            let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
            assert_eq!(texts, [caption], "at {at_s} s");
            assert!(lines[0].score > 0.9, "{:?}", lines[0]);
        }
    }
}

#[test]
fn a_caption_lies_where_it_is_seen() {
    let lines = read(&reader("small"), &trailer_frame(12.0));
    let [top_left, top_right, bottom_right, bottom_left] = lines[0].quad;
    assert!(top_left[0] < top_right[0] && bottom_left[0] < bottom_right[0], "{:?}", lines[0]);
    assert!(top_left[1] < bottom_left[1] && top_right[1] < bottom_right[1], "{:?}", lines[0]);
    assert!(lines[0].quad.iter().all(|[x, y]| (0.0..=1280.0).contains(x) && (0.0..=720.0).contains(y)));
}

#[test]
fn a_frame_without_text_has_none() {
    let reader = reader("small");
    for at_s in [24.0, 40.0] {
        let rgb = trailer_frame(at_s);
        let image = Image::new(WIDTH, HEIGHT, &rgb).unwrap();
        assert!(!reader.has_text(image).unwrap(), "at {at_s} s");
        assert_eq!(reader.read(image).unwrap(), []);
    }
    let rgb = trailer_frame(12.0);
    assert!(reader.has_text(Image::new(WIDTH, HEIGHT, &rgb).unwrap()).unwrap());
}

#[test]
fn a_column_of_turned_text_is_read() {
    let upright = trailer_frame(50.0);
    let turned = quarter_turn_right(&upright);
    let lines = reader("small").read(Image::new(HEIGHT, WIDTH, &turned).unwrap()).unwrap();
    let texts: Vec<&str> = lines.iter().map(|line| line.text.as_str()).collect();
    assert_eq!(texts, ["Revenge is coming..."]);
}

#[test]
fn the_smallest_image_is_read_without_harm() {
    assert_eq!(reader("tiny").read(Image::new(1, 1, &[9, 9, 9]).unwrap()).unwrap(), []);
}

#[test]
fn threads_share_a_reader() {
    let reader = reader("tiny");
    let rgb = trailer_frame(12.0);
    std::thread::scope(|scope| {
        let readers: Vec<_> = (0..4).map(|_| scope.spawn(|| read(&reader, &rgb))).collect();
        for lines in readers.into_iter().map(|thread| thread.join().unwrap()) {
            assert_eq!(lines[0].text, "An unlucky bird");
        }
    });
}

/// Turns a frame clockwise, so that its text runs downwards.
fn quarter_turn_right(rgb: &[u8]) -> Vec<u8> {
    let (width, height) = (WIDTH as usize, HEIGHT as usize);
    let pixel = |x: usize, y: usize| &rgb[(y * width + x) * 3..][..3];
    let rows = (0..width).flat_map(|x| (0..height).rev().map(move |y| (x, y)));
    rows.flat_map(|(x, y)| pixel(x, y).iter().copied()).collect()
}
