//! What the ONNX writer writes is loaded and computed by ONNX Runtime as meant.

use ort::value::TensorRef;
use telecine_engines::onnx::{
    Attribute::{Float, Int, Ints},
    Dim::{Fixed, Named},
    ElementType, Graph,
};

use crate::fixtures::runtime;

#[test]
fn a_written_graph_computes() {
    let mut graph = Graph::default();
    let x = graph.input("x", ElementType::F32, &[Named("rows"), Fixed(2)]);
    let halves: Vec<u8> = [0x3c00u16, 0x4000, 0xc200, 0x0000].iter().flat_map(|h| h.to_le_bytes()).collect();
    let weights = graph.constant(ElementType::F16, &[2, 2], &halves);
    let weights = graph.node("Cast", &[&weights], &[Int("to", ElementType::F32 as i64)]);
    let product = graph.node("Gemm", &[&x, &weights], &[Int("transB", 1), Float("alpha", 0.5)]);
    let turned = graph.node("Transpose", &[&product], &[Ints("perm", &[1, 0])]);
    let flat = graph.constant_i64(&[-1]);
    graph.node_into("Reshape", &[&turned, &flat], &["y"], &[]);
    graph.output("y", ElementType::F32, &[Named("all")]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("small.onnx");
    graph.write(&file).unwrap();

    let pool = runtime().pool(&file, 1).unwrap();
    let mut session = pool.lease().unwrap();
    let rows = [1.0f32, 2.0, 3.0, 4.0];
    let inputs = ort::inputs!["x" => TensorRef::from_array_view(([2, 2], rows.as_slice())).unwrap()];
    let outputs = session.run(inputs).unwrap();
    // Weights [[1, 2], [-3, 0]]: rows × weightsᵀ / 2 = [[2.5, -1.5], [5.5, -4.5]], then turned and laid flat.
    assert_eq!(outputs["y"].try_extract_tensor::<f32>().unwrap().1, [2.5, 5.5, -1.5, -4.5]);
}
