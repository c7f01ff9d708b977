//! Turns the plain weights of EfficientNet-Lite2 into an ONNX graph: `x` (f32, batch × 3 × 260 × 260) in, `logits`
//! (f32, batch × 1000) out. Batch norms are folded into the convolutions; padding is TensorFlow's "same".

use std::{io, path::Path};

use crate::{
    onnx::{
        Attribute::{Int, Ints},
        Dim::{Fixed, Named},
        ElementType, Graph,
    },
    weights::{Tensor, Weights, invalid},
};

/// Side of the square image that the network takes, in pixels.
pub(crate) const SIDE_PX: u32 = 260;
/// ImageNet's labels.
pub(crate) const LABELS: usize = 1000;
const NORM_EPSILON: f32 = 1e-3;
const FEATURES: usize = 1280;
const BLOCKS: usize = 21;
/// The blocks that halve the image, the first ones of stages 2, 3, 4 and 6 (repeats 1, 3, 3, 4, 4, 5, 1).
const HALVING_BLOCKS: [usize; 4] = [1, 4, 7, 15];

/// Reads the checkpoint and writes the ONNX file. Fails with `InvalidData` when the weights are of another network.
pub fn convert_efficientnet_lite2(checkpoint: &Path, onnx: &Path) -> io::Result<()> {
    let weights = Weights::read_torch(checkpoint)?;
    graph(&weights)?.write(onnx)
}

fn graph(weights: &Weights) -> io::Result<Graph> {
    let mut net = Net { graph: Graph::default(), weights };
    let side = u64::from(SIDE_PX);
    let input = net.graph.input("x", ElementType::F32, &[Named("batch"), Fixed(3), Fixed(side), Fixed(side)]);
    let x = Plane { name: input, channels: 3, side: SIDE_PX as usize };
    let x = net.convolution(&x, "_conv_stem", "_bn0", 2)?;
    let mut x = net.relu6(x);
    for block in 0..BLOCKS {
        let stride = if HALVING_BLOCKS.contains(&block) { 2 } else { 1 };
        x = net.block(x, &format!("_blocks.{block}"), stride)?;
    }
    let x = net.convolution(&x, "_conv_head", "_bn1", 1)?;
    let x = net.relu6(x);
    net.classify(&x)?;
    net.graph.output("logits", ElementType::F32, &[Named("batch"), Fixed(LABELS as u64)]);
    Ok(net.graph)
}

/// A value of batch × channels × side × side.
struct Plane {
    name: String,
    channels: usize,
    side: usize,
}

struct Net<'a> {
    graph: Graph,
    weights: &'a Weights,
}

impl Net<'_> {
    /// Expand (not in the first block), convolve each channel by itself, project, and add the input where it fits.
    fn block(&mut self, input: Plane, name: &str, stride: usize) -> io::Result<Plane> {
        let at = |part: &str| format!("{name}.{part}");
        let expand = at("_expand_conv");
        let depthwise = if self.weights.has(&format!("{expand}.weight")) {
            let x = self.convolution(&input, &expand, &at("_bn0"), 1)?;
            let x = self.relu6(x);
            self.convolution(&x, &at("_depthwise_conv"), &at("_bn1"), stride)?
        } else {
            self.convolution(&input, &at("_depthwise_conv"), &at("_bn1"), stride)?
        };
        let x = self.relu6(depthwise);
        let x = self.convolution(&x, &at("_project_conv"), &at("_bn2"), 1)?;
        if stride == 1 && x.channels == input.channels {
            let name = self.graph.node("Add", &[&x.name, &input.name], &[]);
            return Ok(Plane { name, ..x });
        }
        Ok(x)
    }

    fn convolution(&mut self, x: &Plane, name: &str, norm: &str, stride: usize) -> io::Result<Plane> {
        let Tensor { shape, mut values } = self.weights.get(&format!("{name}.weight"))?;
        let [channels, inputs_per_group, kernel, kernel_width] = shape[..] else {
            return Err(invalid(format!("`{name}` is no convolution")));
        };
        let is_depthwise = inputs_per_group == 1 && channels == x.channels;
        let groups = if is_depthwise { channels } else { 1 };
        if channels == 0 || kernel == 0 || kernel != kernel_width || inputs_per_group * groups != x.channels {
            return Err(invalid(format!("`{name}` has the sides {shape:?} after {} channels", x.channels)));
        }
        let bias = self.fold(norm, channels, &mut values)?;
        let weights = self.graph.constant_f32(&shape, &values);
        let bias = self.graph.constant_f32(&[channels], &bias);
        let side = x.side.div_ceil(stride);
        let padding = ((side - 1) * stride + kernel).saturating_sub(x.side);
        let (before, after) = ((padding / 2) as i64, padding.div_ceil(2) as i64);
        let attributes = [
            Int("group", groups as i64),
            Ints("strides", &[stride as i64; 2]),
            Ints("pads", &[before, before, after, after]),
        ];
        let name = self.graph.node("Conv", &[&x.name, &weights, &bias], &attributes);
        Ok(Plane { name, channels, side })
    }

    /// Scales the convolution's weights by the batch norm behind it, and gives the bias that is left.
    fn fold(&self, norm: &str, channels: usize, values: &mut [f32]) -> io::Result<Vec<f32>> {
        let vector = |part: &str| self.weights.get_shaped(&format!("{norm}.{part}"), &[channels]);
        let (gain, shift) = (vector("weight")?, vector("bias")?);
        let (mean, variance) = (vector("running_mean")?, vector("running_var")?);
        let scale: Vec<f32> = gain
            .iter()
            .zip(&variance)
            .map(|(gain, variance)| gain / (variance + NORM_EPSILON).sqrt())
            .collect();
        let per_channel = values.len() / channels;
        for (channel, scale) in values.chunks_exact_mut(per_channel).zip(&scale) {
            channel.iter_mut().for_each(|value| *value *= scale);
        }
        Ok((0..channels).map(|i| shift[i] - mean[i] * scale[i]).collect())
    }

    fn relu6(&mut self, x: Plane) -> Plane {
        let (low, high) = (self.graph.constant_f32(&[], &[0.0]), self.graph.constant_f32(&[], &[6.0]));
        Plane { name: self.graph.node("Clip", &[&x.name, &low, &high], &[]), ..x }
    }

    fn classify(&mut self, x: &Plane) -> io::Result<()> {
        let pooled = self.graph.node("GlobalAveragePool", &[&x.name], &[]);
        let features = self.graph.node("Flatten", &[&pooled], &[Int("axis", 1)]);
        let weights = self.weights.get_shaped("_fc.weight", &[LABELS, FEATURES])?;
        let weights = self.graph.constant_f32(&[LABELS, FEATURES], &weights);
        let bias = self.weights.get_shaped("_fc.bias", &[LABELS])?;
        let bias = self.graph.constant_f32(&[LABELS], &bias);
        self.graph.node_into("Gemm", &[&features, &weights, &bias], &["logits"], &[Int("transB", 1)]);
        Ok(())
    }
}
