//! A reader of the pickles that `torch.save` writes: enough opcodes for dictionaries of tensors, and not one that
//! calls anything. Classes are known by name or refused.
//!
//! Values live in flat arenas and refer to each other by index, so that neither cycles nor deep nesting can hurt.

use std::{collections::HashMap, ops::Range};

/// A state dictionary of a few hundred tensors takes some 20 thousand.
const MAX_OPCODES: usize = 4_000_000;

/// A pickled value. Compound ones are indices into [`Pickle`]'s arenas.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value {
    /// `None`, a bool or a number that is no whole number: nothing that we look at.
    Other,
    Int(i64),
    Text(usize),
    Tuple(usize),
    List(usize),
    Dict(usize),
    Class(Class),
    Storage(usize),
    Tensor(usize),
}

/// The only classes that a state dictionary needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    OrderedDict,
    RebuildTensor,
    RebuildParameter,
    /// A storage of values of this many bytes.
    Storage {
        value_size_bytes: usize,
        is_f32: bool,
    },
}

/// A run of numbers in the file that tensors share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Storage {
    pub(super) key: String,
    pub(super) value_size_bytes: usize,
    pub(super) is_f32: bool,
}

/// A view of a storage; offset and strides count values, not bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TensorView {
    pub(super) storage: usize,
    pub(super) offset: usize,
    pub(super) shape: Vec<usize>,
    pub(super) strides: Vec<usize>,
}

/// One read pickle.
#[derive(Debug, Default)]
pub(super) struct Pickle {
    pub(super) texts: Vec<String>,
    pub(super) tuples: Vec<Vec<Value>>,
    pub(super) lists: Vec<Vec<Value>>,
    pub(super) dicts: Vec<Vec<(Value, Value)>>,
    pub(super) storages: Vec<Storage>,
    pub(super) tensors: Vec<TensorView>,
}

impl Pickle {
    /// Reads the pickle at the start of `bytes`: its arenas, its value, and how many bytes it took. `None` when it
    /// is broken, too long, or wants a class that is not a tensor's.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, Value, usize)> {
        let mut reader = Reader { bytes, at: 0, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
        let mut pickle = Self::default();
        for _ in 0..MAX_OPCODES {
            if reader.step(&mut pickle)? == Step::Done {
                return Some((pickle, reader.stack.pop()?, reader.at));
            }
        }
        None
    }

    /// The text behind a value.
    pub(super) fn text(&self, value: Value) -> Option<&str> {
        match value {
            Value::Text(index) => Some(&self.texts[index]),
            _ => None,
        }
    }

    fn add_tuple(&mut self, items: Vec<Value>) -> Value {
        self.tuples.push(items);
        Value::Tuple(self.tuples.len() - 1)
    }

    fn add_dict(&mut self) -> Value {
        self.dicts.push(Vec::new());
        Value::Dict(self.dicts.len() - 1)
    }

    fn tuple(&self, value: Value) -> Option<&[Value]> {
        match value {
            Value::Tuple(index) => Some(&self.tuples[index]),
            _ => None,
        }
    }

    /// `("storage", class, key, device, length, …)`.
    fn add_storage(&mut self, id: Value) -> Option<Value> {
        let &[kind, Value::Class(Class::Storage { value_size_bytes, is_f32 }), key, ..] = self.tuple(id)?
        else {
            return None;
        };
        if self.text(kind)? != "storage" {
            return None;
        }
        let storage = Storage { key: self.text(key)?.to_owned(), value_size_bytes, is_f32 };
        self.storages.push(storage);
        Some(Value::Storage(self.storages.len() - 1))
    }

    fn call(&mut self, class: Value, arguments: Value) -> Option<Value> {
        let Value::Class(class) = class else { return None };
        let arguments = self.tuple(arguments)?;
        match (class, arguments) {
            (Class::OrderedDict, []) => Some(self.add_dict()),
            (Class::RebuildParameter, &[tensor @ Value::Tensor(_), ..]) => Some(tensor),
            (Class::RebuildTensor, &[Value::Storage(storage), Value::Int(offset), shape, strides, ..]) => {
                let offset = usize::try_from(offset).ok()?;
                let (shape, strides) = (self.sizes(shape)?, self.sizes(strides)?);
                self.tensors.push(TensorView { storage, offset, shape, strides });
                Some(Value::Tensor(self.tensors.len() - 1))
            }
            _ => None,
        }
    }

    fn sizes(&self, tuple: Value) -> Option<Vec<usize>> {
        let size = |value: &Value| match *value {
            Value::Int(number) => usize::try_from(number).ok(),
            _ => None,
        };
        self.tuple(tuple)?.iter().map(size).collect()
    }

    fn insert(&mut self, dict: Value, items: &[Value]) -> Option<()> {
        let Value::Dict(index) = dict else { return None };
        let (pairs, []) = items.as_chunks::<2>() else { return None };
        self.dicts[index].extend(pairs.iter().map(|&[key, value]| (key, value)));
        Some(())
    }

    fn append(&mut self, list: Value, items: &[Value]) -> Option<()> {
        let Value::List(index) = list else { return None };
        self.lists[index].extend(items);
        Some(())
    }
}

#[derive(PartialEq, Eq)]
enum Step {
    More,
    Done,
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
}

impl<'a> Reader<'a> {
    /// One opcode (the letters are those of Python's `pickletools`).
    fn step(&mut self, pickle: &mut Pickle) -> Option<Step> {
        let value = match self.byte()? {
            b'.' => return Some(Step::Done),
            0x80 => {
                self.byte()?;
                return Some(Step::More);
            }
            b'(' => {
                self.marks.push(self.stack.len());
                return Some(Step::More);
            }
            b'q' => return self.remember_as_byte(),
            b'r' => {
                let key = self.u32()?;
                return self.remember(key);
            }
            b's' => {
                let (value, key) = (self.stack.pop()?, self.stack.pop()?);
                pickle.insert(*self.stack.last()?, &[key, value])?;
                return Some(Step::More);
            }
            b'u' => {
                let items = self.since_mark()?;
                pickle.insert(*self.stack.last()?, &items)?;
                return Some(Step::More);
            }
            b'a' => {
                let item = self.stack.pop()?;
                pickle.append(*self.stack.last()?, &[item])?;
                return Some(Step::More);
            }
            b'e' => {
                let items = self.since_mark()?;
                pickle.append(*self.stack.last()?, &items)?;
                return Some(Step::More);
            }
            // BUILD: the attributes of an ordered dictionary, which nobody needs.
            b'b' => {
                self.stack.pop()?;
                return Some(Step::More);
            }
            b'h' => {
                let key = self.byte()?;
                *self.memo.get(&key.into())?
            }
            b'j' => {
                let key = self.u32()?;
                *self.memo.get(&key)?
            }
            b'c' => Value::Class(self.class()?),
            b'Q' => {
                let id = self.stack.pop()?;
                pickle.add_storage(id)?
            }
            b'R' => {
                let (arguments, class) = (self.stack.pop()?, self.stack.pop()?);
                pickle.call(class, arguments)?
            }
            b't' => {
                let items = self.since_mark()?;
                pickle.add_tuple(items)
            }
            b')' => pickle.add_tuple(Vec::new()),
            length @ 0x85..=0x87 => {
                let start = self.stack.len().checked_sub(usize::from(length - 0x84))?;
                let items = self.stack.split_off(start);
                pickle.add_tuple(items)
            }
            b'}' => pickle.add_dict(),
            b']' => {
                pickle.lists.push(Vec::new());
                Value::List(pickle.lists.len() - 1)
            }
            b'X' => {
                let length = self.u32()?;
                self.text(length, pickle)?
            }
            b'K' => Value::Int(self.byte()?.into()),
            b'M' => Value::Int(u16::from_le_bytes(*self.take(2)?.first_chunk()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(*self.take(4)?.first_chunk()?).into()),
            0x8a => self.long()?,
            b'G' => self.take(8).map(|_| Value::Other)?,
            b'N' | 0x88 | 0x89 => Value::Other,
            _ => return None,
        };
        self.stack.push(value);
        Some(Step::More)
    }

    fn class(&mut self) -> Option<Class> {
        let (module, name) = (self.line()?, self.line()?);
        Some(match (module, name) {
            ("collections", "OrderedDict") => Class::OrderedDict,
            ("torch._utils", "_rebuild_tensor_v2") => Class::RebuildTensor,
            ("torch._utils", "_rebuild_parameter") => Class::RebuildParameter,
            ("torch", "FloatStorage") => Class::Storage { value_size_bytes: 4, is_f32: true },
            ("torch", "LongStorage" | "DoubleStorage") => {
                Class::Storage { value_size_bytes: 8, is_f32: false }
            }
            ("torch", "IntStorage") => Class::Storage { value_size_bytes: 4, is_f32: false },
            ("torch", "HalfStorage" | "BFloat16Storage" | "ShortStorage") => {
                Class::Storage { value_size_bytes: 2, is_f32: false }
            }
            ("torch", "ByteStorage" | "CharStorage" | "BoolStorage") => {
                Class::Storage { value_size_bytes: 1, is_f32: false }
            }
            _ => return None,
        })
    }

    /// A number of up to 8 bytes; longer ones are magic numbers, which only have to be skipped.
    fn long(&mut self) -> Option<Value> {
        let length = self.byte()?;
        let bytes = self.take(length.into())?;
        if bytes.len() > 8 {
            return Some(Value::Other);
        }
        let is_negative = bytes.last().is_some_and(|byte| byte & 0x80 != 0);
        let mut wide = [if is_negative { 0xff } else { 0 }; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        Some(Value::Int(i64::from_le_bytes(wide)))
    }

    fn text(&mut self, length: u32, pickle: &mut Pickle) -> Option<Value> {
        let bytes = self.take(usize::try_from(length).ok()?)?;
        pickle.texts.push(str::from_utf8(bytes).ok()?.to_owned());
        Some(Value::Text(pickle.texts.len() - 1))
    }

    fn remember_as_byte(&mut self) -> Option<Step> {
        let key = self.byte()?;
        self.remember(key.into())
    }

    fn remember(&mut self, key: u32) -> Option<Step> {
        self.memo.insert(key, *self.stack.last()?);
        Some(Step::More)
    }

    fn since_mark(&mut self) -> Option<Vec<Value>> {
        let mark = self.marks.pop()?;
        (mark <= self.stack.len()).then(|| self.stack.split_off(mark))
    }

    fn line(&mut self) -> Option<&'a str> {
        let length = self.bytes.get(self.at..)?.iter().take(256).position(|&byte| byte == b'\n')?;
        let line = self.take(length)?;
        self.byte()?;
        str::from_utf8(line).ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let end = self.at.checked_add(length)?;
        let bytes = self.bytes.get(self.at..end)?;
        self.at = end;
        Some(bytes)
    }
}

/// Where each storage's bytes lie, by its key.
pub(super) type StoragePlaces = HashMap<String, Range<usize>>;
