//! Rows of `metadata.csv` or `metadata.jsonl` (the *imagefolder* convention): which picture has which caption.
//!
//! Columns: `file_name`; `text` or `caption` (`text` where a row has both); optional `label`; optional `split`, one of
//! `train`, `test`, `validation`. Other columns are ignored. Rows that cannot be used come back as [`RowProblem`]s beside
//! the ones that can: nothing is dropped in silence. A row without a caption is a problem, and kept: the picture can be
//! given one later.

use super::layout::path_in;
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
    /// Number of the row among all rows, from 0, with those that cannot be used.
    pub at: usize,
    /// As written; not checked. Empty for features without pictures.
    pub file: String,
    /// Trimmed; empty where there is none.
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
    /// Rows seen, with those that cannot be used.
    pub count: usize,
}

/// A longer caption is cut: it would be no caption, and a list entry of a megabyte.
const MOST_CAPTION_CHARS: usize = 2_000;

/// Without control characters (a NUL ends a text in many programs) and white space around it.
fn clean(text: &str) -> Option<String> {
    let text: String = text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t' | '\r')).collect();
    Some(text.trim()).filter(|text| !text.is_empty()).map(str::to_owned)
}

impl Rows {
    pub(super) fn problem(&mut self, row: usize, file: &str, problem: impl Into<String>) {
        self.problems.push(RowProblem { row, file: file.to_owned(), problem: problem.into() });
    }

    /// A picture with a caption from a place that has no columns.
    pub(super) fn add_caption(&mut self, row: usize, file: &str, caption: &str, label: Option<&str>) {
        let own = |text: &str| Some(text.to_owned());
        let fields =
            Fields { file_name: own(file), text: own(caption), label: label.and_then(own), ..Fields::default() };
        self.add(row, fields, false);
    }

    /// A picture with the JSON object beside it.
    pub(super) fn add_json(&mut self, row: usize, file: &str, json: &str, label: Option<String>) {
        match serde_json::from_str::<Fields>(json) {
            Ok(fields) if json.trim_start().starts_with('{') => {
                let label = fields.label.clone().or(label);
                self.add(row, Fields { file_name: Some(file.to_owned()), label, ..fields }, false);
            }
            _ => {
                self.problem(row, file, "the .json beside it is no object with a text or caption; correct it");
                self.keep(row, file);
            }
        }
    }

    /// A picture whose caption cannot be read, so that it can be given one.
    pub(super) fn keep(&mut self, row: usize, file: &str) {
        let at = self.count;
        self.rows.push(Row { row, at, file: file.to_owned(), caption: String::new(), label: None, part: None });
        self.count += 1;
    }

    /// Takes over the rows of a table that lies in `folder`.
    pub(super) fn append(&mut self, folder: &str, rows: Self) {
        let start = self.count;
        self.problems.extend(rows.problems);
        for mut row in rows.rows {
            // A name that leads out stays as it is, to be refused as it was written.
            if let Ok(path) = path_in(folder, &row.file) {
                row.file = path;
            }
            row.at += start;
            self.rows.push(row);
        }
        self.has_split |= rows.has_split;
        self.count += rows.count;
    }

    fn add(&mut self, row: usize, fields: Fields, file_needed: bool) {
        let at = self.count;
        self.count += 1;
        let text = |field: &Option<String>| field.as_deref().and_then(clean);
        // As it is, so that a name with a NUL is refused and not found under another one.
        let file = fields.file_name.as_deref().map(str::trim).filter(|f| !f.is_empty()).map(str::to_owned);
        if file_needed && file.is_none() {
            return self.problem(row, "", "file_name is empty; name the picture");
        }
        let file = file.unwrap_or_default();
        let mut caption = text(&fields.text).or_else(|| text(&fields.caption)).unwrap_or_default();
        if caption.is_empty() {
            self.problem(row, &file, "the caption is empty; fill in text or caption");
        } else if let Some((end, _)) = caption.char_indices().nth(MOST_CAPTION_CHARS) {
            caption.truncate(end);
            self.problem(
                row,
                &file,
                format!("the caption is longer than {MOST_CAPTION_CHARS} characters; it was cut there"),
            );
        }
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
        self.rows.push(Row { row, at, file, caption, label: text(&fields.label), part });
    }

    /// Rows without a part in data that has a split: trained on, and said so.
    pub(super) fn checked(mut self) -> Self {
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
/// The header lacks `file_name` (where `file_needed`: features come without files), or both `text` and `caption`.
pub fn csv(name: &str, bytes: &[u8], file_needed: bool) -> Result<Rows> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut reader = csv::ReaderBuilder::new().flexible(true).from_reader(bytes);
    let unreadable = |e: csv::Error| Error::format(name, e.to_string());
    let header: Vec<String> = reader
        .byte_headers()
        .map_err(unreadable)?
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_lowercase())
        .collect();
    let column = |name: &str| header.iter().position(|other| other == name);
    let file_name = column("file_name");
    let captions = [column("text"), column("caption")];
    if file_needed && file_name.is_none() || captions == [None, None] {
        return Err(Error::format(
            name,
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
            rows.count += 1;
        } else if record.len() != header.len() {
            let problem =
                format!("has {} fields, the header has {}; quote texts with commas", record.len(), header.len());
            rows.problem(row, &file, problem);
            rows.count += 1;
        } else if reader.position().byte() >= bytes.len() as u64 && swallowed(bytes, &record) {
            rows.problem(
                row,
                &file,
                "a quotation mark is never closed: the rest of the file stands in this row; close it",
            );
            rows.count += 1;
        } else {
            let [text, caption] = captions.map(field);
            let fields = Fields {
                file_name: Some(file),
                text,
                caption,
                label: field(column("label")),
                split: field(column("split")),
            };
            rows.add(row, fields, file_needed);
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
/// No line is an object with a file name (where `file_needed`).
pub fn jsonl(name: &str, bytes: &[u8], file_needed: bool) -> Result<Rows> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let mut rows = Rows::default();
    for (i, line) in bytes.split(|b| *b == b'\n').enumerate() {
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Fields>(line) {
            // An array would also fill the fields by position.
            Ok(fields) if line.starts_with(b"{") => rows.add(i + 1, fields, file_needed),
            Ok(_) => {
                rows.count += 1;
                rows.problem(i + 1, "", "is not a JSON object");
            }
            Err(e) => {
                rows.count += 1;
                // The parser counts lines within this line; only its column says something.
                let sentence = e.to_string();
                let cause = sentence.split(" at line").next().unwrap_or_default();
                rows.problem(i + 1, "", format!("is not a JSON object with texts ({cause}, column {})", e.column()));
            }
        }
    }
    if rows.rows.is_empty() {
        let first = rows.problems.first().map_or(String::new(), |p| format!("; row {}: {}", p.row, p.problem));
        return Err(Error::format(name, format!("no line is an object with {COLUMNS}{first}")));
    }
    Ok(rows.checked())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(row: usize, at: usize, file: &str, caption: &str) -> Row {
        Row { row, at, file: file.into(), caption: caption.into(), label: None, part: None }
    }

    fn csv(bytes: &[u8]) -> Result<Rows> {
        super::csv("metadata.csv", bytes, true)
    }

    fn jsonl(bytes: &[u8]) -> Result<Rows> {
        super::jsonl("metadata.jsonl", bytes, true)
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
        let want =
            [row(2, 0, "a.png", "a cat, \"big\""), row(3, 1, "b.png", "two\r\nlines"), row(4, 2, "c.png", "spaced")];
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
        // Row 3 has no caption: a problem, and kept.
        assert_eq!(
            used,
            [(2, Some("x"), train), (3, Some("x"), held), (7, Some("7"), None), (8, None, None), (10, Some("y"), held)]
        );
        assert_eq!((rows.count, rows.rows[4].at), (9, 8));
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
    fn hostile_captions_are_tamed() {
        let long = "x".repeat(1 << 20);
        let text = format!(
            "{{\"file_name\":\"a.png\",\"text\":\"a\\u0000b\\u0007\"}}\n{{\"file_name\":\"b.png\",\"text\":\"\\ud800\"}}\n{{\"file_name\":\"c.png\",\"text\":\"{long}\"}}\n{{\"file_name\":\"d.png\",\"text\":\"<img src=x onerror=alert(1)>\"}}\n"
        );
        let rows = jsonl(text.as_bytes()).unwrap();
        let captions: Vec<&str> = rows.rows.iter().map(|r| r.caption.as_str()).collect();
        // Markup is text: whoever shows it escapes it.
        assert_eq!((captions[0], captions[1].len(), captions[2]), ("ab", 2_000, "<img src=x onerror=alert(1)>"));
        assert!(rows.problems[0].row == 2 && rows.problems[1].row == 3 && rows.problems[1].problem.contains("2000"));
    }

    #[test]
    fn an_open_quote_does_not_swallow_rows_in_silence() {
        let rows = csv(b"file_name,text\na.png,fine\nb.png,\"open\nc.png,dog\nd.png,cow\n").unwrap();
        assert_eq!(rows.rows, [row(2, 0, "a.png", "fine")]);
        assert!(rows.problems[0].row == 3 && rows.problems[0].problem.contains("never closed"));
        // A lone quote inside an unquoted field opens nothing.
        let rows = csv(b"file_name,text\na.png,5\" nail\nb.png,dog\n").unwrap();
        assert_eq!(rows.rows, [row(2, 0, "a.png", "5\" nail"), row(3, 1, "b.png", "dog")]);
    }

    #[test]
    fn jsonl_rows_and_problems() {
        let text =
            b"\xef\xbb\xbf{\"file_name\":\"a.png\",\"text\":\"one\",\"caption\":\"other\",\"label\":3,\"w\":[1]}\r\n\n\
            {\"file_name\":\"b.png\"\n[\"c.png\",\"three\"]\n{\"file_name\":\"d.png\",\"text\":5}\n\
            {\"file_name\":\"e.png\",\"caption\":\" e \",\"split\":\"test\"}\n{}\n{\"file_name\":\"\xff\"}\nnull\n";
        let rows = jsonl(text).unwrap();
        assert_eq!(rows.rows.len(), 2);
        assert_eq!(rows.rows[0], Row { label: Some("3".into()), ..row(1, 0, "a.png", "one") });
        assert_eq!(rows.rows[1], Row { part: Some(Part::HeldOut), ..row(6, 4, "e.png", "e") });
        let got: Vec<usize> = problems(&rows).iter().map(|p| p.0).collect();
        assert_eq!(got, [1, 3, 4, 5, 7, 8, 9]);
        assert!(rows.problems[1].problem.contains("column"), "{:?}", rows.problems[1]);
        assert!(jsonl(b"").unwrap_err().to_string().contains("file_name"));
        assert!(jsonl(&b"[".repeat(100_000)).is_err());
    }
}
