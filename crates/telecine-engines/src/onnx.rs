//! Writes ONNX files: the few protobuf messages that a graph of named nodes and raw tensors needs. Knows no model and
//! checks no types; ONNX Runtime does when it loads the file.
//!
//! Field numbers are those of `onnx.proto` (ONNX IR version 10).

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

const IR_VERSION: u64 = 10;
const OPSET_VERSION: u64 = 20;

/// What a tensor's bytes mean (the numbers are `TensorProto.DataType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ElementType {
    /// 32-bit float.
    F32 = 1,
    /// 64-bit integer.
    I64 = 7,
    /// 16-bit float.
    F16 = 10,
}

/// A side of an input or output.
#[derive(Debug, Clone, Copy)]
pub enum Dim {
    /// Always this long.
    Fixed(u64),
    /// Any length; equal names are equal lengths.
    Named(&'static str),
}

/// A graph under construction. Values are known by their names, as in ONNX itself.
#[derive(Debug, Default)]
pub struct Graph {
    nodes: Vec<u8>,
    initializers: Vec<u8>,
    inputs: Vec<u8>,
    outputs: Vec<u8>,
    next_name: usize,
}

/// An attribute of a node.
#[derive(Debug, Clone, Copy)]
pub enum Attribute<'a> {
    /// A whole number.
    Int(&'a str, i64),
    /// A list of whole numbers.
    Ints(&'a str, &'a [i64]),
    /// A number.
    Float(&'a str, f32),
}

impl Graph {
    /// Declares an input.
    pub fn input(&mut self, name: &str, element: ElementType, shape: &[Dim]) -> String {
        message(&mut self.inputs, 11, &value_info(name, element, shape));
        name.to_owned()
    }

    /// Declares that the value of this name is an output.
    pub fn output(&mut self, name: &str, element: ElementType, shape: &[Dim]) {
        message(&mut self.outputs, 12, &value_info(name, element, shape));
    }

    /// Adds a constant from little-endian bytes.
    pub fn constant(&mut self, element: ElementType, shape: &[u64], bytes: &[u8]) -> String {
        let name = self.fresh_name("constant");
        let mut tensor = Vec::with_capacity(bytes.len() + 64);
        for &side in shape {
            number(&mut tensor, 1, side);
        }
        number(&mut tensor, 2, element as u64);
        message(&mut tensor, 8, name.as_bytes());
        message(&mut tensor, 9, bytes);
        message(&mut self.initializers, 5, &tensor);
        name
    }

    /// Adds floats as a constant; an empty shape makes a scalar.
    pub fn constant_f32(&mut self, shape: &[usize], values: &[f32]) -> String {
        let shape: Vec<u64> = shape.iter().map(|&side| side as u64).collect();
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(ElementType::F32, &shape, &bytes)
    }

    /// Adds a list of whole numbers as a constant (a shape, say).
    pub fn constant_i64(&mut self, values: &[i64]) -> String {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.constant(ElementType::I64, &[values.len() as u64], &bytes)
    }

    /// Adds a node with one output, and gives that output's name.
    pub fn node(&mut self, op: &str, inputs: &[&str], attributes: &[Attribute<'_>]) -> String {
        let output = self.fresh_name(op);
        self.node_into(op, inputs, &[&output], attributes);
        output
    }

    /// Adds a node whose outputs have these names.
    pub fn node_into(&mut self, op: &str, inputs: &[&str], outputs: &[&str], attributes: &[Attribute<'_>]) {
        let mut node = Vec::new();
        for input in inputs {
            message(&mut node, 1, input.as_bytes());
        }
        for output in outputs {
            message(&mut node, 2, output.as_bytes());
        }
        message(&mut node, 4, op.as_bytes());
        for attribute in attributes {
            message(&mut node, 5, &attribute_bytes(attribute));
        }
        message(&mut self.nodes, 1, &node);
    }

    /// A name that no other value has.
    pub fn fresh_name(&mut self, what: &str) -> String {
        self.next_name += 1;
        format!("{what}_{}", self.next_name)
    }

    /// Writes the model aside and renames it, so that a half-written file is never taken for a model.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let aside = path.with_added_extension("partial");
        let mut file = File::create(&aside)?;
        let name = b"telecine";
        let graph_len = self.nodes.len() + self.initializers.len() + self.inputs.len() + self.outputs.len();
        let mut head = Vec::new();
        number(&mut head, 1, IR_VERSION);
        message(&mut head, 2, name);
        let mut opset = Vec::new();
        number(&mut opset, 2, OPSET_VERSION);
        message(&mut head, 8, &opset);
        let mut graph_name = Vec::new();
        message(&mut graph_name, 2, name);
        key(&mut head, 7, 2);
        varint(&mut head, (graph_len + graph_name.len()) as u64);
        for part in [&head, &self.nodes, &graph_name, &self.initializers, &self.inputs, &self.outputs] {
            file.write_all(part)?;
        }
        file.sync_all()?;
        fs::rename(&aside, path)
    }
}

fn attribute_bytes(attribute: &Attribute<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    match *attribute {
        Attribute::Int(name, value) => {
            message(&mut bytes, 1, name.as_bytes());
            number(&mut bytes, 3, value as u64);
            number(&mut bytes, 20, 2);
        }
        Attribute::Ints(name, values) => {
            message(&mut bytes, 1, name.as_bytes());
            for &value in values {
                number(&mut bytes, 8, value as u64);
            }
            number(&mut bytes, 20, 7);
        }
        Attribute::Float(name, value) => {
            message(&mut bytes, 1, name.as_bytes());
            key(&mut bytes, 2, 5);
            bytes.extend(value.to_le_bytes());
            number(&mut bytes, 20, 1);
        }
    }
    bytes
}

fn value_info(name: &str, element: ElementType, shape: &[Dim]) -> Vec<u8> {
    let mut sides = Vec::new();
    for side in shape {
        let mut dim = Vec::new();
        match side {
            Dim::Fixed(length) => number(&mut dim, 1, *length),
            Dim::Named(name) => message(&mut dim, 2, name.as_bytes()),
        }
        message(&mut sides, 1, &dim);
    }
    let mut tensor = Vec::new();
    number(&mut tensor, 1, element as u64);
    message(&mut tensor, 2, &sides);
    let mut kind = Vec::new();
    message(&mut kind, 1, &tensor);
    let mut info = Vec::new();
    message(&mut info, 1, name.as_bytes());
    message(&mut info, 2, &kind);
    info
}

fn number(out: &mut Vec<u8>, field: u32, value: u64) {
    key(out, field, 0);
    varint(out, value);
}

fn message(out: &mut Vec<u8>, field: u32, bytes: &[u8]) {
    key(out, field, 2);
    varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn key(out: &mut Vec<u8>, field: u32, wire_type: u32) {
    varint(out, u64::from(field << 3 | wire_type));
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
