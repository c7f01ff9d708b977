//! Turns the plain weights of all-MiniLM-L6-v2 (a BERT of 6 layers) into an ONNX graph that ends in unit vectors:
//! the mask-weighted mean over the tokens and the norm are part of the graph.

use std::{io, path::Path};

use crate::{
    onnx::{
        Attribute::{Float, Int, Ints},
        Dim::{Fixed, Named},
        ElementType, Graph,
    },
    weights::Weights,
};

const WIDTH: usize = 384;
const HEADS: usize = 12;
const HEAD_WIDTH: usize = WIDTH / HEADS;
const LAYERS: usize = 6;
const INNER_WIDTH: usize = 1536;
const VOCABULARY: usize = 30_522;
const MAX_POSITIONS: usize = 512;
const NORM_EPSILON: f32 = 1e-12;
/// Added to the scores of padding: no share is left after the softmax, and no infinity appears.
const MASKED: f32 = -1e9;

/// Reads `model.safetensors` and writes the ONNX file: `ids` and `mask` (i64, batch × length) in, `embedding` (f32,
/// batch × 384) out. Fails with `InvalidData` when the weights are of another model. Needs about 300 MB for a moment.
pub fn convert_minilm(safetensors: &Path, onnx: &Path) -> io::Result<()> {
    let weights = Weights::read_safetensors(safetensors)?;
    graph(&weights)?.write(onnx)
}

fn graph(weights: &Weights) -> io::Result<Graph> {
    let mut net = Net { graph: Graph::default(), weights };
    let sides = [Named("batch"), Named("length")];
    let ids = net.graph.input("ids", ElementType::I64, &sides);
    let mask = net.graph.input("mask", ElementType::I64, &sides);
    let float = i64::from(ElementType::F32 as u8);
    let mask = net.graph.node("Cast", &[&mask], &[Int("to", float)]);
    let mut x = net.embed(&ids)?;
    let hidden = net.masked_scores(&mask);
    for layer in 0..LAYERS {
        x = net.layer(&x, &hidden, &format!("encoder.layer.{layer}"))?;
    }
    net.pool(&x, &mask);
    net.graph.output("embedding", ElementType::F32, &[Named("batch"), Fixed(WIDTH as u64)]);
    Ok(net.graph)
}

struct Net<'a> {
    graph: Graph,
    weights: &'a Weights,
}

impl Net<'_> {
    /// Words plus positions; all tokens are of type 0, so that type's vector is added to the positions once.
    fn embed(&mut self, ids: &str) -> io::Result<String> {
        let words = self.weights.get_shaped("embeddings.word_embeddings.weight", &[VOCABULARY, WIDTH])?;
        let words = self.floats(&[VOCABULARY, WIDTH], &words);
        let types = self.weights.get_shaped("embeddings.token_type_embeddings.weight", &[2, WIDTH])?;
        let mut positions =
            self.weights.get_shaped("embeddings.position_embeddings.weight", &[MAX_POSITIONS, WIDTH])?;
        for position in positions.chunks_exact_mut(WIDTH) {
            position.iter_mut().zip(&types).for_each(|(value, kind)| *value += kind);
        }
        let positions = self.floats(&[MAX_POSITIONS, WIDTH], &positions);
        let length = self.graph.node("Shape", &[ids], &[Int("start", 1), Int("end", 2)]);
        let first = self.graph.constant_i64(&[0]);
        let positions = self.graph.node("Slice", &[&positions, &first, &length, &first], &[]);
        let words = self.graph.node("Gather", &[&words, ids], &[Int("axis", 0)]);
        let sum = self.add(&words, &positions);
        self.norm(&sum, "embeddings.LayerNorm")
    }

    /// Batch × length of ones and zeros to batch × 1 × 1 × length of zeros and [`MASKED`].
    fn masked_scores(&mut self, mask: &str) -> String {
        let one = self.number(1.0);
        let masked = self.number(MASKED);
        let absent = self.graph.node("Sub", &[&one, mask], &[]);
        let scores = self.graph.node("Mul", &[&absent, &masked], &[]);
        let axes = self.graph.constant_i64(&[1, 2]);
        self.graph.node("Unsqueeze", &[&scores, &axes], &[])
    }

    fn layer(&mut self, x: &str, masked: &str, name: &str) -> io::Result<String> {
        let mixed = self.attend(x, masked, &format!("{name}.attention.self"))?;
        let mixed = self.linear(&mixed, &format!("{name}.attention.output.dense"), WIDTH, WIDTH)?;
        let sum = self.add(&mixed, x);
        let x = self.norm(&sum, &format!("{name}.attention.output.LayerNorm"))?;
        let inner = self.linear(&x, &format!("{name}.intermediate.dense"), WIDTH, INNER_WIDTH)?;
        let inner = self.graph.node("Gelu", &[&inner], &[]);
        let outer = self.linear(&inner, &format!("{name}.output.dense"), INNER_WIDTH, WIDTH)?;
        let sum = self.add(&outer, &x);
        self.norm(&sum, &format!("{name}.output.LayerNorm"))
    }

    fn attend(&mut self, x: &str, masked: &str, name: &str) -> io::Result<String> {
        let queries = self.heads(x, &format!("{name}.query"), &[0, 2, 1, 3])?;
        let keys = self.heads(x, &format!("{name}.key"), &[0, 2, 3, 1])?;
        let values = self.heads(x, &format!("{name}.value"), &[0, 2, 1, 3])?;
        let scale = self.number((HEAD_WIDTH as f32).sqrt().recip());
        let queries = self.graph.node("Mul", &[&queries, &scale], &[]);
        let scores = self.graph.node("MatMul", &[&queries, &keys], &[]);
        let scores = self.add(&scores, masked);
        let shares = self.graph.node("Softmax", &[&scores], &[Int("axis", -1)]);
        let mixed = self.graph.node("MatMul", &[&shares, &values], &[]);
        let mixed = self.graph.node("Transpose", &[&mixed], &[Ints("perm", &[0, 2, 1, 3])]);
        Ok(self.reshape(&mixed, &[0, 0, WIDTH as i64]))
    }

    /// Batch × length × width to batch × heads × length × head width, or another order of these.
    fn heads(&mut self, x: &str, name: &str, order: &[i64]) -> io::Result<String> {
        let all = self.linear(x, name, WIDTH, WIDTH)?;
        let split = self.reshape(&all, &[0, 0, HEADS as i64, HEAD_WIDTH as i64]);
        Ok(self.graph.node("Transpose", &[&split], &[Ints("perm", order)]))
    }

    fn pool(&mut self, x: &str, mask: &str) {
        let last = self.graph.constant_i64(&[-1]);
        let tokens = self.graph.constant_i64(&[1]);
        let weights = self.graph.node("Unsqueeze", &[mask, &last], &[]);
        let weighted = self.graph.node("Mul", &[x, &weights], &[]);
        // The mean's divisor would be undone by the norm, so the sum is enough.
        let sum = self.graph.node("ReduceSum", &[&weighted, &tokens], &[Int("keepdims", 0)]);
        self.graph.node_into("LpNormalization", &[&sum], &["embedding"], &[Int("axis", -1), Int("p", 2)]);
    }

    /// PyTorch keeps a linear layer's weights as output × input; `MatMul` wants them the other way.
    fn linear(&mut self, x: &str, name: &str, inputs: usize, outputs: usize) -> io::Result<String> {
        let weights = self.weights.get_shaped(&format!("{name}.weight"), &[outputs, inputs])?;
        let transposed: Vec<f32> =
            (0..inputs).flat_map(|i| weights.iter().skip(i).step_by(inputs)).copied().collect();
        let weights = self.floats(&[inputs, outputs], &transposed);
        let bias = self.vector(&format!("{name}.bias"), outputs)?;
        let product = self.graph.node("MatMul", &[x, &weights], &[]);
        Ok(self.add(&product, &bias))
    }

    fn norm(&mut self, x: &str, name: &str) -> io::Result<String> {
        let scale = self.vector(&format!("{name}.weight"), WIDTH)?;
        let bias = self.vector(&format!("{name}.bias"), WIDTH)?;
        let attributes = [Int("axis", -1), Float("epsilon", NORM_EPSILON)];
        Ok(self.graph.node("LayerNormalization", &[x, &scale, &bias], &attributes))
    }

    fn vector(&mut self, name: &str, length: usize) -> io::Result<String> {
        let values = self.weights.get_shaped(name, &[length])?;
        Ok(self.floats(&[length], &values))
    }

    fn number(&mut self, value: f32) -> String {
        self.floats(&[], &[value])
    }

    fn floats(&mut self, shape: &[usize], values: &[f32]) -> String {
        self.graph.constant_f32(shape, values)
    }

    fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let shape = self.graph.constant_i64(shape);
        self.graph.node("Reshape", &[x, &shape], &[])
    }

    fn add(&mut self, a: &str, b: &str) -> String {
        self.graph.node("Add", &[a, b], &[])
    }
}
