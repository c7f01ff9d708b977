//! Builds Whisper's two ONNX graphs from its plain weights. Batch 1; everything is two-dimensional (time × width).
//!
//! The network is that of Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022). The
//! encoder also computes the keys and values of the decoder's cross attention, once per window; the decoder takes one
//! token at a time with its earlier keys and values, so that it needs no mask. Weights stay 16-bit in the files; ONNX
//! Runtime widens them once when it loads.

use std::{io, path::Path};

use super::weights::Weights;
use crate::onnx::{
    Attribute::{self, Float, Int, Ints},
    Dim::{Fixed, Named},
    ElementType, Graph,
};

/// Names of the files that [`convert_whisper`] writes.
pub(super) const ENCODER_FILE: &str = "encoder.onnx";
pub(super) const DECODER_FILE: &str = "decoder.onnx";

const WIDTH: u64 = 512;
const HEADS: u64 = 8;
const HEAD_WIDTH: u64 = WIDTH / HEADS;
const MEL_BINS: u64 = 80;
const NORM_EPSILON: f32 = 1e-5;

/// Turns a CTranslate2 `model.bin` of Whisper base into `encoder.onnx` and `decoder.onnx` in `folder`.
///
/// Fails with `InvalidData` when the weights are of another model. Needs about 300 MB of memory for a moment.
pub fn convert_whisper(model_bin: &Path, folder: &Path) -> io::Result<()> {
    let weights = Weights::read(model_bin)?;
    encoder(&weights)?.write(&folder.join(ENCODER_FILE))?;
    decoder(&weights)?.write(&folder.join(DECODER_FILE))
}

fn encoder(weights: &Weights) -> io::Result<Graph> {
    let mut net = Net { graph: Graph::default(), weights };
    let mel = net.graph.input("mel", ElementType::F32, &[Fixed(1), Fixed(MEL_BINS), Named("frames")]);
    let x = net.convolution(&mel, "encoder/conv1", 1)?;
    let x = net.convolution(&x, "encoder/conv2", 2)?;
    let x = net.transpose(&x, &[0, 2, 1]);
    let x = net.reshape(&x, &[-1, WIDTH as i64]);
    let positions = net.weight("encoder/position_encodings/encodings")?;
    let positions = net.first_rows(&positions, &x);
    let mut x = net.add(&x, &positions);
    for layer in 0..layers(weights, "encoder") {
        let name = format!("encoder/layer_{layer}");
        let normed = net.norm(&x, &format!("{name}/self_attention/layer_norm"))?;
        let [q, k, v] = net.project_qkv(&normed, &format!("{name}/self_attention"))?;
        let (keys, values) = (net.as_keys(&k), net.as_heads(&v));
        let mixed = net.attend(&q, &keys, &values);
        let mixed = net.linear(&mixed, &format!("{name}/self_attention/linear_1"))?;
        x = net.add(&x, &mixed);
        x = net.feed_forward(&x, &name)?;
    }
    let heard = net.norm(&x, "encoder/layer_norm")?;
    for layer in 0..layers(weights, "decoder") {
        let both = net.linear(&heard, &format!("decoder/layer_{layer}/attention/linear_1"))?;
        let [k, v] = net.split(&both);
        let (keys, values) = (net.as_keys(&k), net.as_heads(&v));
        let (key_name, value_name) = (format!("cross_key.{layer}"), format!("cross_value.{layer}"));
        net.graph.node_into("Identity", &[&keys], &[&key_name], &[]);
        net.graph.node_into("Identity", &[&values], &[&value_name], &[]);
        let key_shape = [Fixed(HEADS), Fixed(HEAD_WIDTH), Named("steps")];
        net.graph.output(&key_name, ElementType::F32, &key_shape);
        let value_shape = [Fixed(HEADS), Named("steps"), Fixed(HEAD_WIDTH)];
        net.graph.output(&value_name, ElementType::F32, &value_shape);
    }
    Ok(net.graph)
}

fn decoder(weights: &Weights) -> io::Result<Graph> {
    let mut net = Net { graph: Graph::default(), weights };
    let token = net.graph.input("token", ElementType::I64, &[Fixed(1)]);
    let position = net.graph.input("position", ElementType::I64, &[Fixed(1)]);
    let embeddings = net.weight("decoder/embeddings/weight")?;
    let positions = net.weight("decoder/position_encodings/encodings")?;
    let token = net.graph.node("Gather", &[&embeddings, &token], &[]);
    let position = net.graph.node("Gather", &[&positions, &position], &[]);
    let mut x = net.add(&token, &position);
    for layer in 0..layers(weights, "decoder") {
        let name = format!("decoder/layer_{layer}");
        x = net.attend_to_text(&x, &name, layer)?;
        x = net.attend_to_audio(&x, &name, layer)?;
        x = net.feed_forward(&x, &name)?;
    }
    let x = net.norm(&x, "decoder/layer_norm")?;
    // The projection shares the embeddings' weights.
    net.graph.node_into("Gemm", &[&x, &embeddings], &["logits"], &[Int("transB", 1)]);
    let vocabulary = weights.get("decoder/embeddings/weight")?.shape[0];
    net.graph.output("logits", ElementType::F32, &[Fixed(1), Fixed(vocabulary)]);
    Ok(net.graph)
}

/// How many layers the weights have on a side.
fn layers(weights: &Weights, side: &str) -> usize {
    (0..).take_while(|layer| weights.has(&format!("{side}/layer_{layer}/ffn/linear_0/weight"))).count()
}

/// The network's parts, each adding nodes to the graph and giving the name of its result.
struct Net<'a> {
    graph: Graph,
    weights: &'a Weights,
}

impl Net<'_> {
    fn weight(&mut self, name: &str) -> io::Result<String> {
        let tensor = self.weights.get(name)?;
        let constant = self.graph.constant(tensor.element, tensor.shape, tensor.bytes);
        Ok(self.graph.node("Cast", &[&constant], &[Int("to", ElementType::F32 as i64)]))
    }

    fn linear(&mut self, x: &str, name: &str) -> io::Result<String> {
        let weight = self.weight(&format!("{name}/weight"))?;
        let bias = self.weight(&format!("{name}/bias"))?;
        Ok(self.graph.node("Gemm", &[x, &weight, &bias], &[Int("transB", 1)]))
    }

    fn norm(&mut self, x: &str, name: &str) -> io::Result<String> {
        let gamma = self.weight(&format!("{name}/gamma"))?;
        let beta = self.weight(&format!("{name}/beta"))?;
        Ok(self.graph.node("LayerNormalization", &[x, &gamma, &beta], &[Float("epsilon", NORM_EPSILON)]))
    }

    fn convolution(&mut self, x: &str, name: &str, stride: i64) -> io::Result<String> {
        let weight = self.weight(&format!("{name}/weight"))?;
        let bias = self.weight(&format!("{name}/bias"))?;
        let attributes = [Ints("kernel_shape", &[3]), Ints("pads", &[1, 1]), Ints("strides", &[stride])];
        let x = self.graph.node("Conv", &[x, &weight, &bias], &attributes);
        Ok(self.graph.node("Gelu", &[&x], &[]))
    }

    fn feed_forward(&mut self, x: &str, layer: &str) -> io::Result<String> {
        let normed = self.norm(x, &format!("{layer}/ffn/layer_norm"))?;
        let wide = self.linear(&normed, &format!("{layer}/ffn/linear_0"))?;
        let wide = self.graph.node("Gelu", &[&wide], &[]);
        let narrow = self.linear(&wide, &format!("{layer}/ffn/linear_1"))?;
        Ok(self.add(x, &narrow))
    }

    /// Self attention over the text so far; its keys and values go in and come out, one step longer.
    fn attend_to_text(&mut self, x: &str, name: &str, layer: usize) -> io::Result<String> {
        let past_keys_shape = [Fixed(HEADS), Fixed(HEAD_WIDTH), Named("past")];
        let past_values_shape = [Fixed(HEADS), Named("past"), Fixed(HEAD_WIDTH)];
        let past_keys = self.graph.input(&format!("past_key.{layer}"), ElementType::F32, &past_keys_shape);
        let past_values =
            self.graph.input(&format!("past_value.{layer}"), ElementType::F32, &past_values_shape);
        let (keys, values) = (format!("present_key.{layer}"), format!("present_value.{layer}"));

        let normed = self.norm(x, &format!("{name}/self_attention/layer_norm"))?;
        let [q, k, v] = self.project_qkv(&normed, &format!("{name}/self_attention"))?;
        let (k, v) = (self.as_keys(&k), self.as_heads(&v));
        self.graph.node_into("Concat", &[&past_keys, &k], &[&keys], &[Int("axis", 2)]);
        self.graph.node_into("Concat", &[&past_values, &v], &[&values], &[Int("axis", 1)]);
        self.graph.output(&keys, ElementType::F32, &[Fixed(HEADS), Fixed(HEAD_WIDTH), Named("present")]);
        self.graph.output(&values, ElementType::F32, &[Fixed(HEADS), Named("present"), Fixed(HEAD_WIDTH)]);
        let mixed = self.attend(&q, &keys, &values);
        let mixed = self.linear(&mixed, &format!("{name}/self_attention/linear_1"))?;
        Ok(self.add(x, &mixed))
    }

    fn attend_to_audio(&mut self, x: &str, name: &str, layer: usize) -> io::Result<String> {
        let keys_shape = [Fixed(HEADS), Fixed(HEAD_WIDTH), Named("steps")];
        let values_shape = [Fixed(HEADS), Named("steps"), Fixed(HEAD_WIDTH)];
        let keys = self.graph.input(&format!("cross_key.{layer}"), ElementType::F32, &keys_shape);
        let values = self.graph.input(&format!("cross_value.{layer}"), ElementType::F32, &values_shape);
        let normed = self.norm(x, &format!("{name}/attention/layer_norm"))?;
        let q = self.linear(&normed, &format!("{name}/attention/linear_0"))?;
        let mixed = self.attend(&q, &keys, &values);
        let mixed = self.linear(&mixed, &format!("{name}/attention/linear_2"))?;
        Ok(self.add(x, &mixed))
    }

    fn project_qkv(&mut self, x: &str, name: &str) -> io::Result<[String; 3]> {
        let all = self.linear(x, &format!("{name}/linear_0"))?;
        Ok(self.split(&all))
    }

    fn split<const N: usize>(&mut self, x: &str) -> [String; N] {
        let parts: [String; N] = std::array::from_fn(|_| self.graph.fresh_name("part"));
        let names = parts.each_ref().map(String::as_str);
        self.graph.node_into("Split", &[x], &names, &[Int("axis", 1), Int("num_outputs", N as i64)]);
        parts
    }

    /// Queries (time × width), keys (head × head width × time) and values (head × time × head width) to time × width.
    fn attend(&mut self, queries: &str, keys: &str, values: &str) -> String {
        let heads = self.as_heads(queries);
        let scale = (HEAD_WIDTH as f32).sqrt().recip();
        let scale = self.graph.constant(ElementType::F32, &[], &scale.to_le_bytes());
        let heads = self.graph.node("Mul", &[&heads, &scale], &[]);
        let scores = self.graph.node("MatMul", &[&heads, keys], &[]);
        let shares = self.graph.node("Softmax", &[&scores], &[Int("axis", -1)]);
        let mixed = self.graph.node("MatMul", &[&shares, values], &[]);
        let mixed = self.transpose(&mixed, &[1, 0, 2]);
        self.reshape(&mixed, &[-1, WIDTH as i64])
    }

    /// Time × width to head × time × head width.
    fn as_heads(&mut self, x: &str) -> String {
        let x = self.reshape(x, &[-1, HEADS as i64, HEAD_WIDTH as i64]);
        self.transpose(&x, &[1, 0, 2])
    }

    /// Time × width to head × head width × time.
    fn as_keys(&mut self, x: &str) -> String {
        let x = self.reshape(x, &[-1, HEADS as i64, HEAD_WIDTH as i64]);
        self.transpose(&x, &[1, 2, 0])
    }

    /// As many rows of `table` as `x` has.
    fn first_rows(&mut self, table: &str, x: &str) -> String {
        let rows = self.graph.node("Shape", &[x], &[Int("start", 0), Int("end", 1)]);
        let first = self.graph.constant_i64(&[0]);
        self.graph.node("Slice", &[table, &first, &rows, &first], &[])
    }

    fn reshape(&mut self, x: &str, shape: &[i64]) -> String {
        let shape = self.graph.constant_i64(shape);
        self.graph.node("Reshape", &[x, &shape], &[])
    }

    fn transpose(&mut self, x: &str, order: &[i64]) -> String {
        let attributes: [Attribute<'_>; 1] = [Ints("perm", order)];
        self.graph.node("Transpose", &[x], &attributes)
    }

    fn add(&mut self, a: &str, b: &str) -> String {
        self.graph.node("Add", &[a, b], &[])
    }
}
