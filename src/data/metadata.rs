//! Rows of `metadata.csv` or `metadata.jsonl` (the *imagefolder* convention): which picture has which caption.
//!
//! Columns: `file_name`; `text` or `caption` (`text` where a row has both); optional `label`; optional `split`, one of
//! `train`, `test`, `validation`. Other columns are ignored. Rows that cannot be used come back as [`RowProblem`]s beside
//! the ones that can: nothing is dropped in silence.

use crate::data::corpus::RowProblem;
use crate::error::{Error, Result};
use serde::Deserialize;

/// The columns, for messages.
const COLUMNS: &str = "file_name, text (or caption), and optionally label and split";

/// Part of the data a row is marked as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// `train`.
    Train,
    /// `test` or `validation`: never trained on.
    HeldOut,
}

/// One usable row: a picture and one caption of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Counted from 1; the header of a CSV file is row 1.
    pub row: usize,
    /// As written; not checked.
    pub file: String,
    /// Trimmed, not empty.
    pub caption: String,
    /// Cluster label.
    pub label: Option<String>,
    /// What the `split` column says; `None` where it is missing, empty or unknown.
    pub part: Option<Part>,
}

/// Rows, and the ones that could not be used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rows {
    /// In file order.
    pub rows: Vec<Row>,
    /// In file order.
    pub problems: Vec<RowProblem>,
    /// Whether any row names its part.
    pub has_split: bool,
}

impl Rows {
    fn problem(&mut self, row: usize, file: &str, problem: impl Into<String>) {
        self.problems.push(RowProblem { row, file: file.to_owned(), problem: problem.into() });
    }

    fn add(&mut self, row: usize, fields: Fields) {
        let text =
            |field: &Option<String>| field.as_deref().map(str::trim).filter(|t| !t.is_empty()).map(str::to_owned);
        let Some(file) = text(&fields.file_name) else {
            return self.problem(row, "", "file_name is empty; name the picture");
        };
        let Some(caption) = text(&fields.text).or_else(|| text(&fields.caption)) else {
            return self.problem(row, &file, "the caption is empty; fill in text or caption");
        };
        let part = match text(&fields.split).map(|s| s.to_lowercase()).as_deref() {
            None => None,
            Some("train" | "training") => Some(Part::Train),
            Some("test" | "validation" | "valid" | "val" | "dev") => Some(Part::HeldOut),
            Some(other) => {
                self.problem(row, &file, format!("split {other:?} is not train, test or validation; taken as train"));
                None
            }
        };
        self.has_split |= part.is_some();
        self.rows.push(Row { row, file, caption, label: text(&fields.label), part });
    }

    /// Rows without a part in data that has a split: trained on, and said so.
    fn checked(mut self) -> Self {
        if self.has_split {
            let missing: Vec<_> =
                self.rows.iter().filter(|r| r.part.is_none()).map(|r| (r.row, r.file.clone())).collect();
            for (row, file) in missing {
                if !self.problems.iter().any(|p| p.row == row) {
                    self.problem(row, &file, "split is empty; taken as train");
                }
            }
            self.problems.sort_by_key(|p| p.row);
        }
        self
    }
}

/// The fields of a row, as they come.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Fields {
    file_name: Option<String>,
    text: Option<String>,
    caption: Option<String>,
    #[serde(deserialize_with = "text_or_number")]
    label: Option<String>,
    split: Option<String>,
}

/// Labels are often written as class numbers.
fn text_or_number<'de, D: serde::Deserializer<'de>>(value: D) -> std::result::Result<Option<String>, D::Error> {
    Ok(match serde_json::Value::deserialize(value)? {
        serde_json::Value::Null => None,
        serde_json::Value::String(text) => Some(text),
        other => Some(other.to_string()),
    })
}

/// Reads `metadata.csv`: comma-separated UTF-8 with a header, with or without byte-order mark, LF or CRLF, fields quoted
/// where they hold commas, quotes or line breaks.
///
/// # Errors
/// The header lacks `file_name`, or both `text` and `caption`.
pub fn csv(bytes: &[u8]) -> Result<Rows> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let unreadable = |e: csv::Error| Error::format("metadata.csv", e.to_string());
    let header: Vec<String> = reader
        .byte_headers()
        .map_err(unreadable)?
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_lowercase())
        .collect();
    let column = |name: &str| header.iter().position(|other| other == name);
    let file_name = column("file_name");
    let captions = [column("text"), column("caption")];
    if file_name.is_none() || captions == [None, None] {
        return Err(Error::format(
            "metadata.csv",
            format!("the first line must name the columns {COLUMNS}; it says: {}", header.join(", ")),
        ));
    }
    let mut rows = Rows::default();
    let mut record = csv::ByteRecord::new();
    let mut row = 1;
    while reader.read_byte_record(&mut record).map_err(unreadable)? {
        row += 1;
        let field =
            |at: Option<usize>| at.and_then(|at| record.get(at)).map(|f| String::from_utf8_lossy(f).into_owned());
        let file = field(file_name).unwrap_or_default();
        if std::str::from_utf8(record.as_slice()).is_err() {
            rows.problem(row, &file, "is not UTF-8; save the file as UTF-8");
        } else if record.len() != header.len() {
            let problem =
                format!("has {} fields, the header has {}; quote texts with commas", record.len(), header.len());
            rows.problem(row, &file, problem);
        } else if reader.position().byte() >= bytes.len() as u64 && swallowed(bytes, &record) {
            rows.problem(
                row,
                &file,
                "a quotation mark is never closed: the rest of the file stands in this row; close it",
            );
        } else {
            let [text, caption] = captions.map(field);
            let fields = Fields {
                file_name: Some(file),
                text,
                caption,
                label: field(column("label")),
                split: field(column("split")),
            };
            rows.add(row, fields);
        }
    }
    Ok(rows.checked())
}

/// Whether the last record runs over a line break because a quote was opened and never closed.
fn swallowed(bytes: &[u8], last: &csv::ByteRecord) -> bool {
    last.as_slice().contains(&b'\n') && bytes.iter().filter(|b| **b == b'"').count() % 2 == 1
}

/// Reads `metadata.jsonl`: one JSON object a line, UTF-8; empty lines are skipped.
///
/// # Errors
/// No line holds both a file name and a caption.
pub fn jsonl(bytes: &[u8]) -> Result<Rows> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rows = Rows::default();
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Fields>(line) {
            // An array would also fill the fields by position.
            Ok(fields) if line.starts_with(b"{") => rows.add(i + 1, fields),
            Ok(_) => rows.problem(i + 1, "", "is not a JSON object"),
            Err(e) => {
                // The parser counts lines within this line; only its column says something.
                let sentence = e.to_string();
                let cause = sentence.split(" at line").next().unwrap_or_default();
                rows.problem(i + 1, "", format!("is not a JSON object with texts ({cause}, column {})", e.column()));
            }
        }
    }
    if rows.rows.is_empty() {
        let first = rows.problems.first().map_or(String::new(), |p| format!("; row {}: {}", p.row, p.problem));
        return Err(Error::format("metadata.jsonl", format!("no line is an object with {COLUMNS}{first}")));
    }
    Ok(rows.checked())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: usize, file: &str, caption: &str) -> Row {
        Row { row, file: file.into(), caption: caption.into(), label: None, part: None }
    }

    fn problems(rows: &Rows) -> Vec<(usize, &str)> {
        rows.problems.iter().map(|p| (p.row, p.problem.as_str())).collect()
    }

    #[test]
    fn csv_with_mark_crlf_quotes_and_line_breaks() {
        let text =
            "\u{feff}File_Name, text \r\na.png,\"a cat, \"\"big\"\"\"\r\nb.png,\"two\r\nlines\"\r\nc.png, spaced \r\n";
        let rows = csv(text.as_bytes()).unwrap();
        assert_eq!(rows.problems, []);
        let want = [row(2, "a.png", "a cat, \"big\""), row(3, "b.png", "two\r\nlines"), row(4, "c.png", "spaced")];
        assert_eq!(rows.rows, want);
    }

    #[test]
    fn csv_problems_carry_their_row() {
        let text = b"file_name,caption,label,split\na.png,one,x,train\nb.png,,x,test\n,three,x,test\nd.png,four\n\
            e.png,\xff,x,train\nf.png,five,7,holdout\ng.png,six,,\nh.png,a, comma,x,train\ni.png,seven,y,Validation\n";
        let rows = csv(text).unwrap();
        let says: Vec<_> = rows.problems.iter().map(|p| (p.row, p.file.as_str())).collect();
        assert_eq!(says, [(3, "b.png"), (4, ""), (5, "d.png"), (6, "e.png"), (7, "f.png"), (8, "g.png"), (9, "h.png")]);
        for (problem, what) in
            rows.problems.iter().zip(["caption", "file_name", "2 fields", "UTF-8", "holdout", "empty", "5 fields"])
        {
            assert!(problem.problem.contains(what), "{problem:?}");
        }
        let used: Vec<_> = rows.rows.iter().map(|r| (r.row, r.label.as_deref(), r.part)).collect();
        let (train, held) = (Some(Part::Train), Some(Part::HeldOut));
        assert_eq!(used, [(2, Some("x"), train), (7, Some("7"), None), (8, None, None), (10, Some("y"), held)]);
    }

    #[test]
    fn csv_without_the_columns_says_which() {
        for text in ["", "\n\n", "image,text\na,b\n", "file_name,words\na,b\n", "\0\0\0"] {
            let error = csv(text.as_bytes()).unwrap_err().to_string();
            assert!(error.contains("file_name, text (or caption)"), "{error}");
        }
        assert_eq!(csv(b"file_name,text\n").unwrap(), Rows::default());
    }

    #[test]
    fn an_open_quote_does_not_swallow_rows_in_silence() {
        let rows = csv(b"file_name,text\na.png,fine\nb.png,\"open\nc.png,dog\nd.png,cow\n").unwrap();
        assert_eq!(rows.rows, [row(2, "a.png", "fine")]);
        assert!(rows.problems[0].row == 3 && rows.problems[0].problem.contains("never closed"));
        // A lone quote inside an unquoted field opens nothing.
        let rows = csv(b"file_name,text\na.png,5\" nail\nb.png,dog\n").unwrap();
        assert_eq!(rows.rows, [row(2, "a.png", "5\" nail"), row(3, "b.png", "dog")]);
    }

    #[test]
    fn jsonl_rows_and_problems() {
        let text =
            b"\xef\xbb\xbf{\"file_name\":\"a.png\",\"text\":\"one\",\"caption\":\"other\",\"label\":3,\"w\":[1]}\r\n\n\
            {\"file_name\":\"b.png\"\n[\"c.png\",\"three\"]\n{\"file_name\":\"d.png\",\"text\":5}\n\
            {\"file_name\":\"e.png\",\"caption\":\" e \",\"split\":\"test\"}\n{}\n{\"file_name\":\"\xff\"}\nnull\n";
        let rows = jsonl(text).unwrap();
        assert_eq!(rows.rows.len(), 2);
        assert_eq!(rows.rows[0], Row { label: Some("3".into()), ..row(1, "a.png", "one") });
        assert_eq!(rows.rows[1], Row { part: Some(Part::HeldOut), ..row(6, "e.png", "e") });
        let got: Vec<usize> = problems(&rows).iter().map(|p| p.0).collect();
        assert_eq!(got, [1, 3, 4, 5, 7, 8, 9]);
        assert!(rows.problems[1].problem.contains("column"), "{:?}", rows.problems[1]);
        assert!(jsonl(b"").unwrap_err().to_string().contains("file_name"));
        assert!(jsonl(&b"[".repeat(100_000)).is_err());
    }
}
