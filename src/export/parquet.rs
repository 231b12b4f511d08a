//! `vectors.parquet`: a row a vector, the columns of [`Row`]; `vector` is a list of floats.
//!
//! Written column by column without Arrow, which would take longer to compile than the rest of the command line.

use super::text::shards;
use super::{Row, Sink, Table};
use crate::error::{Error, Result};
use parquet::basic::Encoding;
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DataType, FloatType, Int64Type};
use parquet::errors::Result as Parquet;
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;
use std::sync::Arc;

const SCHEMA: &str = "message vectors {
  required int64 id; required int64 item; required binary modality (STRING); required binary key (STRING);
  required binary title (STRING); required binary text (STRING); optional binary label (STRING);
  required boolean held_out; required float x; required float y;
  required group vector (LIST) { repeated group list { required float element; } }
}";
/// Rows of a group: what a reader has to hold at once.
const GROUP_ROWS: usize = 10_000;

/// `NAME.parquet`, or `NAME-00000-of-00002.parquet` and so on where there are more than `shard_rows` rows.
pub fn write(table: &Table, name: &str, shard_rows: usize, sink: &mut dyn Sink) -> Result<()> {
    let mut rows = table.rows();
    for (file, count) in shards(name, "parquet", 2 * table.len(), shard_rows) {
        let bytes = encode(rows.by_ref().take(count)).map_err(|e| Error::format(file.as_str(), e.to_string()))?;
        sink.file(&file, &mut |to| to.write_all(&bytes))?;
    }
    Ok(())
}

fn encode<'a>(mut rows: impl Iterator<Item = Row<'a>>) -> Parquet<Vec<u8>> {
    let properties = WriterProperties::builder()
        .set_created_by(crate::program())
        // A dictionary of numbers that never repeat only costs.
        .set_column_dictionary_enabled("vector.list.element".into(), false)
        .set_column_encoding("vector.list.element".into(), Encoding::PLAIN)
        .build();
    let schema = Arc::new(parse_message_type(SCHEMA)?);
    let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties))?;
    loop {
        let group: Vec<Row> = rows.by_ref().take(GROUP_ROWS).collect();
        if group.is_empty() {
            break;
        }
        let mut to = writer.next_row_group()?;
        write_group(&group, &mut to)?;
        to.close()?;
    }
    writer.into_inner()
}

fn write_group<W: std::io::Write + Send>(rows: &[Row], to: &mut SerializedRowGroupWriter<'_, W>) -> Parquet<()> {
    let text =
        |of: fn(&Row) -> String| rows.iter().map(|row| ByteArray::from(of(row).into_bytes())).collect::<Vec<_>>();
    column::<Int64Type, _>(to, &rows.iter().map(|row| row.id as i64).collect::<Vec<_>>(), None, None)?;
    column::<Int64Type, _>(to, &rows.iter().map(|row| row.item as i64).collect::<Vec<_>>(), None, None)?;
    column::<ByteArrayType, _>(to, &text(|row| row.modality.to_owned()), None, None)?;
    column::<ByteArrayType, _>(to, &text(|row| row.key.to_owned()), None, None)?;
    column::<ByteArrayType, _>(to, &text(|row| row.title.to_owned()), None, None)?;
    column::<ByteArrayType, _>(to, &text(|row| row.text.to_owned()), None, None)?;
    let labels: Vec<_> =
        rows.iter().filter_map(|row| row.label).map(|label| ByteArray::from(label.as_bytes().to_vec())).collect();
    let there: Vec<i16> = rows.iter().map(|row| i16::from(row.label.is_some())).collect();
    column::<ByteArrayType, _>(to, &labels, Some(&there), None)?;
    column::<BoolType, _>(to, &rows.iter().map(|row| row.held_out).collect::<Vec<_>>(), None, None)?;
    column::<FloatType, _>(to, &rows.iter().map(|row| row.x).collect::<Vec<_>>(), None, None)?;
    column::<FloatType, _>(to, &rows.iter().map(|row| row.y).collect::<Vec<_>>(), None, None)?;
    // Every number is one level down; the first of a row begins a new list.
    let values: Vec<f32> = rows.iter().flat_map(|row| row.vector).copied().collect();
    let begins: Vec<i16> = rows.iter().flat_map(|row| (0..row.vector.len()).map(|j| i16::from(j > 0))).collect();
    column::<FloatType, _>(to, &values, Some(&vec![1; values.len()]), Some(&begins))
}

/// The next column of the schema.
fn column<T: DataType, W: std::io::Write + Send>(
    to: &mut SerializedRowGroupWriter<'_, W>,
    values: &[T::T],
    there: Option<&[i16]>,
    begins: Option<&[i16]>,
) -> Parquet<()> {
    if let Some(mut column) = to.next_column()? {
        column.typed::<T>().write_batch(values, there, begins)?;
        column.close()?;
    }
    Ok(())
}
