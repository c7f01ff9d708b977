//! MiniLM: what means the same lies close, and the way a text is batched does not matter.

use telecine_engines::words::Words;

use crate::fixtures::{models, runtime};

fn words() -> Words {
    Words::open(&runtime(), &models().minilm(), 2).expect("run `telecine models fetch`")
}

fn likeness(a: &str, b: &str) -> f32 {
    let vectors = words().embed(&[a, b]).unwrap();
    dot(&vectors[0], &vectors[1])
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

#[track_caller]
fn assert_close(value: f32, expected: f32, tolerance: f32) {
    assert!((value - expected).abs() <= tolerance, "{value} is not {expected} ± {tolerance}");
}

#[test]
fn what_means_the_same_is_as_close_as_in_the_reference() {
    // Figures of the original network (PyTorch, exported to ONNX), to two digits.
    let tyre = "How do I fix a flat tyre?";
    let stocks = "The stock market fell sharply today";
    assert_close(likeness(tyre, "Changing a bicycle tire after a puncture"), 0.50, 0.01);
    assert_close(likeness(stocks, "Share prices dropped on Tuesday"), 0.60, 0.01);
    assert!(likeness(tyre, "Share prices dropped on Tuesday") < 0.14);
    assert!(likeness(stocks, "Changing a bicycle tire after a puncture") < 0.14);
}

#[test]
fn vectors_keep_their_order_and_do_not_depend_on_their_batch() {
    let long = "the quick brown fox jumps over the lazy dog ".repeat(20);
    let texts = [long.as_str(), "dog", "", "a fox in the snow"];
    let words = words();
    let together = words.embed(&texts).unwrap();
    for (text, vector) in texts.iter().zip(&together) {
        assert_eq!(vector.len(), words.dim());
        assert_close(dot(vector, vector), 1.0, 1e-5);
        let alone = words.embed(&[text]).unwrap();
        assert_close(dot(vector, &alone[0]), 1.0, 1e-5);
    }
}

#[test]
fn only_the_first_256_tokens_of_a_text_count() {
    let start = "tomato ".repeat(300);
    let words = words();
    let vectors = words.embed(&[&start, &format!("{start} stock market")]).unwrap();
    assert_eq!(vectors[0], vectors[1]);
    assert!(words.embed(&[]).unwrap().is_empty());
}
