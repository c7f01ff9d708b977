//! The two-tower adapter, on tiny towers that the test writes itself: shapes, tokens, padding, pooling and plumbing.

use std::{fs, path::Path};

use telecine_engines::{
    EngineError, Image,
    onnx::{
        Attribute::Int,
        Dim::{Fixed, Named},
        ElementType, Graph,
    },
    see::{Clip, Seer},
};
use tempfile::TempDir;

use crate::fixtures::runtime;

const TOKENIZER: &str = r#"{"version":"1.0","truncation":null,"padding":null,"added_tokens":[],
    "normalizer":{"type":"Lowercase"},"pre_tokenizer":{"type":"Whitespace"},
    "post_processor":{"type":"TemplateProcessing",
        "single":[{"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"</s>","type_id":0}}],
        "pair":[{"Sequence":{"id":"A","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
        "special_tokens":{"</s>":{"id":"</s>","ids":[3],"tokens":["</s>"]}}},
    "decoder":null,
    "model":{"type":"WordLevel","vocab":{"red":0,"green":1,"blue":2,"</s>":3,"?":4},"unk_token":"?"}}"#;

const CONFIG: &str = r#"{"model_id":"tiny","dim":3,"image_model":"image.onnx","text_model":"text.onnx",
    "tokenizer":"tokenizer.json","image_side_px":8,"fit":"squash","mean":[0.5,0.5,0.5],"std":[0.5,0.5,0.5],
    "image_input":"pixels","image_output":"colours","image_pooling":"none",
    "text":{"max_tokens":4,"pad_to_max":true,"pad_id":4,"ids_input":"tokens","mask_input":"mask",
            "output":"steps","pooling":"mean"}}"#;

/// The image tower gives the mean of each colour.
fn image_tower(file: &Path) {
    let mut graph = Graph::default();
    let sides = [Named("batch"), Fixed(3), Fixed(8), Fixed(8)];
    let pixels = graph.input("pixels", ElementType::F32, &sides);
    let pooled = graph.node("GlobalAveragePool", &[&pixels], &[]);
    graph.node_into("Flatten", &[&pooled], &["colours"], &[Int("axis", 1)]);
    graph.output("colours", ElementType::F32, &[Named("batch"), Fixed(3)]);
    graph.write(file).unwrap();
}

/// The text tower gives a vector per token: its colour, nothing for the end, and for padding something large that
/// would show. The mask must be there, and must not change anything.
fn text_tower(file: &Path) {
    let mut graph = Graph::default();
    let sides = [Fixed(1), Fixed(4)];
    let tokens = graph.input("tokens", ElementType::I64, &sides);
    let mask = graph.input("mask", ElementType::I64, &sides);
    let table = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 9.0, 9.0, 9.0];
    let table = graph.constant_f32(&[5, 3], &table);
    let none = graph.node("Sub", &[&mask, &mask], &[]);
    let tokens = graph.node("Add", &[&tokens, &none], &[]);
    graph.node_into("Gather", &[&table, &tokens], &["steps"], &[Int("axis", 0)]);
    graph.output("steps", ElementType::F32, &[Fixed(1), Fixed(4), Fixed(3)]);
    graph.write(file).unwrap();
}

fn folder(config: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    image_tower(&folder.path().join("image.onnx"));
    text_tower(&folder.path().join("text.onnx"));
    fs::write(folder.path().join("tokenizer.json"), TOKENIZER).unwrap();
    fs::write(folder.path().join("clip.json"), config).unwrap();
    folder
}

fn open(config: &str) -> Result<Clip, EngineError> {
    Clip::open(&runtime(), folder(config).path(), 1)
}

fn likeness(clip: &Clip, text: &str, colour: [u8; 3]) -> f32 {
    let rgb = colour.repeat(20 * 10);
    let image = clip.embed_images(&[Image::new(20, 10, &rgb).unwrap()]).unwrap().remove(0);
    let text = clip.embed_text(text).unwrap();
    image.iter().zip(text).map(|(a, b)| a * b).sum()
}

const RED: [u8; 3] = [255, 0, 0];
const BLUE: [u8; 3] = [0, 0, 255];

#[test]
fn colours_are_found_by_their_names() {
    let clip = open(CONFIG).unwrap();
    assert_eq!((clip.model_id(), clip.dim()), ("tiny", 3));
    assert!(likeness(&clip, "Red", RED) > 0.5);
    assert!(likeness(&clip, "Red", BLUE) < 0.0);
    assert!(likeness(&clip, "blue", BLUE) > 0.5);
}

#[test]
fn padding_is_left_out_of_the_mean() {
    let vector = open(CONFIG).unwrap().embed_text("red green").unwrap();
    let expected = 0.5f32.sqrt();
    assert!((vector[0] - expected).abs() < 1e-6 && (vector[1] - expected).abs() < 1e-6, "{vector:?}");
    assert_eq!(vector[2], 0.0);
}

#[test]
fn a_long_text_is_cut_and_keeps_its_end() {
    let clip = open(&CONFIG.replace(r#""pooling":"mean""#, r#""pooling":"first""#)).unwrap();
    assert_eq!(clip.embed_text("blue red red red green green").unwrap(), [0.0, 0.0, 1.0]);
    let clip = open(&CONFIG.replace(r#""pooling":"mean""#, r#""pooling":"last""#)).unwrap();
    assert_eq!(clip.embed_text("blue red red red green green").unwrap(), [0.0; 3]);
}

#[test]
fn many_images_keep_their_order() {
    let clip = open(CONFIG).unwrap();
    let (red, blue) = (RED.repeat(4), BLUE.repeat(4));
    let images: Vec<Image<'_>> =
        (0..11).map(|i| Image::new(2, 2, if i % 2 == 0 { &red } else { &blue }).unwrap()).collect();
    let vectors = clip.embed_images(&images).unwrap();
    assert_eq!(vectors.len(), 11);
    for (i, vector) in vectors.iter().enumerate() {
        assert_eq!(vector[0] > 0.0, i % 2 == 0);
    }
}

#[test]
fn a_configuration_that_does_not_fit_the_towers_says_what_is_wrong() {
    let problem = |from: &str, to: &str| {
        let config = CONFIG.replace(from, to);
        assert_ne!(config, CONFIG);
        match open(&config) {
            Err(error) => error.to_string(),
            Ok(clip) => clip.embed_text("red").unwrap_err().to_string(),
        }
    };
    assert!(problem(r#""dim":3"#, r#""dim":0"#).contains("`dim` is 0"));
    assert!(problem(r#""dim":3"#, r#""dim":5"#).contains("gives 12 values where 5 are expected"));
    assert!(problem(r#""ids_input":"tokens""#, r#""ids_input":"words""#).contains("no input `words`"));
    assert!(problem(r#""output":"steps""#, r#""output":"vector""#).contains("no output `vector`"));
    assert!(problem("text.onnx", "missing.onnx").contains("missing.onnx is missing"));
    assert!(problem(r#""fit":"squash""#, r#""fit":"stretch""#).contains("stretch"));
}
