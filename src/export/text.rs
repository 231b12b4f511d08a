//! Rows as text: TSV for the TensorBoard projector, JSON lines for everything else.

use super::{Row, Sink, Table};
use crate::error::Result;
use std::io::{self, Write};

/// `vectors.tsv` (numbers alone), `metadata.tsv` (with a header) and `projector_config.pbtxt`, row by row the same.
pub fn tsv(table: &Table, sink: &mut dyn Sink) -> Result<()> {
    sink.file("vectors.tsv", &mut |to| {
        table.rows().try_for_each(|row| {
            for (n, value) in row.vector.iter().enumerate() {
                write!(to, "{}{value}", if n == 0 { "" } else { "\t" })?;
            }
            writeln!(to)
        })
    })?;
    sink.file("metadata.tsv", &mut |to| {
        writeln!(to, "title\tmodality\tlabel\theld_out\tkey\ttext")?;
        table.rows().try_for_each(|row| {
            let Row { modality, held_out, .. } = row;
            let [title, label, key, text] = [row.title, row.label.unwrap_or(""), row.key, row.text].map(one_line);
            writeln!(to, "{title}\t{modality}\t{label}\t{held_out}\t{key}\t{text}")
        })
    })?;
    sink.file("projector_config.pbtxt", &mut |to| {
        to.write_all(
            b"embeddings {\n  tensor_name: \"mtls-lab\"\n  tensor_path: \"vectors.tsv\"\n  metadata_path: \"metadata.tsv\"\n}\n",
        )
    })
}

/// The format has no way to write a tab or an end of line inside a field.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c }).collect()
}

/// `NAME.jsonl`, or `NAME-00000-of-00002.jsonl` and so on where there are more than `shard_rows` rows.
pub fn jsonl(table: &Table, name: &str, shard_rows: usize, sink: &mut dyn Sink) -> Result<()> {
    let mut rows = table.rows();
    for (file, count) in shards(name, "jsonl", 2 * table.len(), shard_rows) {
        sink.file(&file, &mut |to| rows.by_ref().take(count).try_for_each(|row| line(to, &row)))?;
    }
    Ok(())
}

/// One row and the end of its line.
pub fn line(to: &mut dyn Write, row: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *to, row)?;
    to.write_all(b"\n")
}

/// Names of the files that `rows` rows take, and the rows of each.
pub fn shards(name: &str, ending: &str, rows: usize, shard_rows: usize) -> Vec<(String, usize)> {
    let most = shard_rows.max(1);
    let count = rows.div_ceil(most).max(1);
    let file =
        |n| if count == 1 { format!("{name}.{ending}") } else { format!("{name}-{n:05}-of-{count:05}.{ending}") };
    (0..count).map(|n| (file(n), most.min(rows - n * most))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_cover_all_rows() {
        assert_eq!(shards("v", "x", 5, 5), [("v.x".to_owned(), 5)]);
        assert_eq!(shards("v", "x", 0, 5), [("v.x".to_owned(), 0)]);
        let three = shards("v", "x", 11, 5);
        assert_eq!(three.iter().map(|s| s.1).collect::<Vec<_>>(), [5, 5, 1]);
        assert_eq!(three[2].0, "v-00002-of-00003.x");
    }

    #[test]
    fn a_field_stays_in_its_place() {
        assert_eq!(one_line("a\tb\r\nc\u{2028}d"), "a b  c d");
    }
}
