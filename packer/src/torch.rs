//! Reads a PyTorch state dict in the legacy format (before the zip files) without PyTorch.
//!
//! The file is five pickles (magic number, protocol, system, the state dict, storage keys) and then each storage: its
//! element count and its numbers. A tensor is a view: storage, offset, shape and **strides** (these files are stored
//! channels last, so the strides are not those of a row-major tensor). Only the opcodes that occur are understood.

use mtls_lab::error::{Error, Result};
use std::collections::{BTreeMap, HashMap};

/// Row-major tensors by name.
pub type StateDict = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

#[derive(Debug, Clone)]
enum Value {
    Opaque,
    Mark,
    Int(i64),
    Text(String),
    Tuple(Vec<Value>),
    List(Vec<Value>),
    Dict(Vec<(Value, Value)>),
    Global(String),
    Storage { key: String, kind: String },
    Tensor { storage: String, kind: String, offset: usize, shape: Vec<usize>, stride: Vec<usize> },
}

/// Reads all float tensors.
pub fn read_state_dict(bytes: &[u8]) -> Result<StateDict> {
    let mut reader = Reader { bytes, at: 0 };
    for _ in 0..3 {
        reader.pickle()?;
    }
    let Value::Dict(entries) = reader.pickle()? else { return Err(bad("the state is not a dict")) };
    let Value::List(keys) = reader.pickle()? else { return Err(bad("the storage keys are not a list")) };
    let kinds: HashMap<&str, &str> = entries
        .iter()
        .filter_map(|(_, value)| match value {
            Value::Tensor { storage, kind, .. } => Some((storage.as_str(), kind.as_str())),
            _ => None,
        })
        .collect();
    let mut storages: HashMap<String, Vec<f32>> = HashMap::new();
    for key in keys {
        let Value::Text(key) = key else { return Err(bad("a storage key is not a string")) };
        let count = u64::from_le_bytes(reader.array()?) as usize;
        match kinds.get(key.as_str()) {
            Some(&"FloatStorage") => {
                let numbers = reader.take(count * 4)?.as_chunks::<4>().0;
                storages.insert(key, numbers.iter().map(|number| f32::from_le_bytes(*number)).collect());
            }
            Some(&"LongStorage") => {
                reader.take(count * 8)?;
            }
            other => return Err(bad(format!("storage of kind {other:?}"))),
        }
    }
    let mut tensors = StateDict::new();
    for (name, value) in entries {
        let (Value::Text(name), Value::Tensor { storage, offset, shape, stride, .. }) = (name, value) else { continue };
        if let Some(numbers) = storages.get(&storage) {
            let tensor =
                gather(numbers, offset, &shape, &stride).ok_or_else(|| bad(format!("{name} leaves its storage")))?;
            tensors.insert(name, (shape, tensor));
        }
    }
    Ok(tensors)
}

/// Row-major copy of a strided view.
fn gather(numbers: &[f32], offset: usize, shape: &[usize], stride: &[usize]) -> Option<Vec<f32>> {
    let count: usize = shape.iter().product();
    (0..count)
        .map(|i| {
            let mut rest = i;
            let mut at = offset;
            for (size, step) in shape.iter().zip(stride).rev() {
                at += rest % size * step;
                rest /= size;
            }
            numbers.get(at).copied()
        })
        .collect()
}

fn bad(problem: impl Into<String>) -> Error {
    Error::format("state dict", problem.into())
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8]> {
        let taken = self.bytes.get(self.at..self.at + count).ok_or_else(|| bad("truncated"))?;
        self.at += count;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        self.take(N)?.try_into().map_err(|_| bad("truncated"))
    }

    fn byte(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn line(&mut self) -> Result<String> {
        let len = self.bytes[self.at..].iter().position(|byte| *byte == b'\n').ok_or_else(|| bad("truncated"))?;
        let line = String::from_utf8_lossy(self.take(len)?).into_owned();
        self.at += 1;
        Ok(line)
    }

    /// One pickle, up to its STOP.
    fn pickle(&mut self) -> Result<Value> {
        let mut stack: Vec<Value> = Vec::new();
        // Memoised values are copied: nothing in these files is changed after it is referred to again.
        let mut memo: HashMap<u32, Value> = HashMap::new();
        loop {
            match self.byte()? {
                0x80 => drop(self.byte()?),
                b'.' => return pop(&mut stack),
                b'q' => drop(memo.insert(self.byte()?.into(), top(&mut stack)?.clone())),
                b'r' => drop(memo.insert(u32::from_le_bytes(self.array()?), top(&mut stack)?.clone())),
                b'h' => stack.push(recall(&memo, self.byte()?.into())?),
                b'j' => stack.push(recall(&memo, u32::from_le_bytes(self.array()?))?),
                b'(' => stack.push(Value::Mark),
                b')' => stack.push(Value::Tuple(vec![])),
                b']' => stack.push(Value::List(vec![])),
                b'}' => stack.push(Value::Dict(vec![])),
                b'N' | 0x88 | 0x89 => stack.push(Value::Opaque),
                b'K' => stack.push(Value::Int(self.byte()?.into())),
                b'M' => stack.push(Value::Int(u16::from_le_bytes(self.array()?).into())),
                b'J' => stack.push(Value::Int(i32::from_le_bytes(self.array()?).into())),
                0x8a => {
                    let count = self.byte()?.into();
                    self.take(count)?;
                    stack.push(Value::Opaque);
                }
                b'X' => {
                    let count = u32::from_le_bytes(self.array()?) as usize;
                    stack.push(Value::Text(String::from_utf8_lossy(self.take(count)?).into_owned()));
                }
                b'c' => {
                    let module = self.line()?;
                    stack.push(Value::Global(format!("{module}.{}", self.line()?)));
                }
                b't' => {
                    let items = since_mark(&mut stack)?;
                    stack.push(Value::Tuple(items));
                }
                code @ 0x85..=0x87 => {
                    let from =
                        stack.len().checked_sub(usize::from(code - 0x84)).ok_or_else(|| bad("stack underflow"))?;
                    let items = stack.split_off(from);
                    stack.push(Value::Tuple(items));
                }
                b'e' => {
                    let items = since_mark(&mut stack)?;
                    let Value::List(list) = top(&mut stack)? else { return Err(bad("append to what is no list")) };
                    list.extend(items);
                }
                b'u' => {
                    let items = since_mark(&mut stack)?;
                    let Value::Dict(dict) = top(&mut stack)? else { return Err(bad("items for what is no dict")) };
                    let mut items = items.into_iter();
                    while let (Some(key), Some(value)) = (items.next(), items.next()) {
                        dict.push((key, value));
                    }
                }
                b's' => {
                    let (value, key) = (pop(&mut stack)?, pop(&mut stack)?);
                    let Value::Dict(dict) = top(&mut stack)? else { return Err(bad("an item for what is no dict")) };
                    dict.push((key, value));
                }
                b'Q' => {
                    let storage = storage(pop(&mut stack)?)?;
                    stack.push(storage);
                }
                b'R' => {
                    let (arguments, function) = (pop(&mut stack)?, pop(&mut stack)?);
                    stack.push(call(function, arguments)?);
                }
                // BUILD sets attributes (the dict's `_metadata`), which nothing here reads.
                b'b' => drop(pop(&mut stack)?),
                code => return Err(bad(format!("pickle opcode {code:#04x} is not understood"))),
            }
        }
    }
}

fn pop(stack: &mut Vec<Value>) -> Result<Value> {
    stack.pop().ok_or_else(|| bad("stack underflow"))
}

fn top(stack: &mut [Value]) -> Result<&mut Value> {
    stack.last_mut().ok_or_else(|| bad("stack underflow"))
}

fn recall(memo: &HashMap<u32, Value>, at: u32) -> Result<Value> {
    memo.get(&at).cloned().ok_or_else(|| bad("memo entry missing"))
}

fn since_mark(stack: &mut Vec<Value>) -> Result<Vec<Value>> {
    let mark = stack.iter().rposition(|value| matches!(value, Value::Mark)).ok_or_else(|| bad("mark missing"))?;
    let items = stack.split_off(mark + 1);
    stack.pop();
    Ok(items)
}

/// A persistent id: `("storage", type, key, location, count, view)`.
fn storage(id: Value) -> Result<Value> {
    match id {
        Value::Tuple(items) => match items.as_slice() {
            [Value::Text(_), Value::Global(kind), Value::Text(key), ..] => {
                let kind = kind.rsplit('.').next().unwrap_or_default().to_string();
                Ok(Value::Storage { key: key.clone(), kind })
            }
            _ => Err(bad("a persistent id is no storage")),
        },
        _ => Err(bad("a persistent id is no tuple")),
    }
}

fn call(function: Value, arguments: Value) -> Result<Value> {
    let (Value::Global(function), Value::Tuple(arguments)) = (function, arguments) else {
        return Err(bad("a call of what is no function"));
    };
    match (function.as_str(), arguments.as_slice()) {
        ("collections.OrderedDict", _) => Ok(Value::Dict(vec![])),
        (
            "torch._utils._rebuild_tensor_v2",
            [Value::Storage { key, kind }, Value::Int(offset), Value::Tuple(shape), Value::Tuple(stride), ..],
        ) => {
            let sizes = |tuple: &[Value]| {
                tuple
                    .iter()
                    .map(|value| match value {
                        Value::Int(size) => usize::try_from(*size).map_err(|_| bad("a negative size")),
                        _ => Err(bad("a size is no number")),
                    })
                    .collect::<Result<Vec<_>>>()
            };
            Ok(Value::Tensor {
                storage: key.clone(),
                kind: kind.clone(),
                offset: usize::try_from(*offset).map_err(|_| bad("a negative offset"))?,
                shape: sizes(shape)?,
                stride: sizes(stride)?,
            })
        }
        _ => Err(bad(format!("a call of {function} is not understood"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_are_followed() {
        // A [2, 3] tensor stored column by column.
        let numbers = [0.0, 3.0, 1.0, 4.0, 2.0, 5.0];
        assert_eq!(gather(&numbers, 0, &[2, 3], &[1, 2]), Some(vec![0.0, 1.0, 2.0, 3.0, 4.0, 5.0]));
        assert_eq!(gather(&numbers, 1, &[2], &[2]), Some(vec![3.0, 4.0]));
        assert_eq!(gather(&numbers, 0, &[2, 3], &[3, 2]), None);
    }
}
