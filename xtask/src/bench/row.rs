//! One line of the result: what was measured, what it is compared with, and whether that is enough.

use serde::Serialize;

use super::facts::Reading;

/// What is to be reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Target {
    /// This many times as fast as the peer, or faster.
    Faster(f64),
    /// At most this many times what the peer takes.
    Within(f64),
    /// At least this share of the peer's rate.
    Share(f64),
    /// At most this.
    AtMost(f64),
    /// At least this.
    AtLeast(f64),
    /// Nothing is asked.
    Open,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// Row of the plan's table.
    pub row: u8,
    /// What was measured.
    pub what: String,
    /// Our value; none where it was not measured.
    pub ours: Option<f64>,
    /// Who is compared with; none where a limit is.
    pub peer: Option<String>,
    /// The peer's value.
    pub peer_value: Option<f64>,
    /// How many times as fast as the peer ([`Target::Faster`]); else ours over the peer's value or over the limit.
    pub ratio: Option<f64>,
    /// What is to be reached.
    pub target: Option<String>,
    /// Whether it is; none where it was not measured.
    pub met: Option<bool>,
    /// Of the values.
    pub unit: &'static str,
    /// Our 95th percentile.
    pub p95: Option<f64>,
    /// The peer's.
    pub peer_p95: Option<f64>,
    /// Why something is missing, or how it was measured.
    pub note: String,
}

impl Row {
    /// Puts the two sides and the target together.
    pub fn new(
        row: u8,
        what: impl Into<String>,
        unit: &'static str,
        ours: Option<Reading>,
        peer: Option<Reading>,
        target: Target,
    ) -> Self {
        let (value, against) = (ours.as_ref().map(|r| r.value), peer.as_ref().map(|r| r.value));
        let over = |a: Option<f64>, b: Option<f64>| Some(a? / b?).filter(|ratio| ratio.is_finite());
        let (ratio, text) = match target {
            Target::Faster(times) => (over(against, value), Some(format!("≥ {times}× as fast"))),
            Target::Within(times) => (over(value, against), Some(format!("≤ {times}×"))),
            Target::Share(share) => (over(value, against), Some(format!("≥ {:.0} %", share * 100.0))),
            Target::AtMost(limit) => (over(value, Some(limit)), Some(format!("≤ {limit} {unit}").trim().to_owned())),
            Target::AtLeast(limit) => (over(value, Some(limit)), Some(format!("≥ {limit} {unit}").trim().to_owned())),
            Target::Open => (over(value, against), None),
        };
        let met = match target {
            Target::Faster(least) | Target::Share(least) => ratio.map(|r| r >= least),
            Target::Within(most) => ratio.map(|r| r <= most),
            Target::AtMost(limit) => value.map(|v| v <= limit),
            Target::AtLeast(limit) => value.map(|v| v >= limit),
            Target::Open => None,
        };
        Self {
            row,
            what: what.into(),
            ours: value,
            peer: peer.as_ref().and_then(|r| r.peer.clone()),
            peer_value: against,
            ratio,
            target: text,
            met,
            unit,
            p95: ours.and_then(|r| r.p95),
            peer_p95: peer.and_then(|r| r.p95),
            note: String::new(),
        }
    }

    /// The same with a remark.
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[expect(clippy::unnecessary_wraps, reason = "that is what a row takes")]
    fn at(value: f64) -> Option<Reading> {
        Some(Reading { value, p95: None, peer: None })
    }

    fn judged(ours: Option<Reading>, peer: Option<Reading>, target: Target) -> (Option<f64>, Option<bool>) {
        let row = Row::new(1, "x", "ms", ours, peer, target);
        (row.ratio, row.met)
    }

    #[test]
    fn ratios_and_verdicts_at_their_borders() {
        assert_eq!(judged(at(10.0), at(25.0), Target::Faster(2.5)), (Some(2.5), Some(true)));
        assert_eq!(judged(at(10.0), at(24.0), Target::Faster(2.5)), (Some(2.4), Some(false)));
        assert_eq!(judged(at(20.0), at(10.0), Target::Within(2.0)), (Some(2.0), Some(true)));
        assert_eq!(judged(at(21.0), at(10.0), Target::Within(2.0)), (Some(2.1), Some(false)));
        assert_eq!(judged(at(6.0), at(10.0), Target::Share(0.6)), (Some(0.6), Some(true)));
        assert_eq!(judged(at(5.0), at(10.0), Target::Share(0.6)), (Some(0.5), Some(false)));
        assert_eq!(judged(at(5.0), None, Target::AtMost(5.0)), (Some(1.0), Some(true)));
        assert_eq!(judged(at(6.0), None, Target::AtMost(5.0)), (Some(1.2), Some(false)));
        assert_eq!(judged(at(60.0), None, Target::AtLeast(60.0)), (Some(1.0), Some(true)));
        assert_eq!(judged(at(6.0), at(3.0), Target::Open), (Some(2.0), None));
    }

    #[test]
    fn what_was_not_measured_is_neither_met_nor_missed() {
        assert_eq!(judged(None, at(10.0), Target::Faster(2.5)), (None, None));
        assert_eq!(judged(at(10.0), None, Target::Faster(2.5)), (None, None));
        assert_eq!(judged(None, None, Target::AtMost(5.0)), (None, None));
        assert_eq!(judged(at(0.0), at(0.0), Target::Within(1.0)), (None, None));
    }

    #[test]
    fn the_file_has_the_promised_fields() {
        let row = Row::new(8, "search", "ms", at(4.0), None, Target::AtMost(5.0)).note("quiet");
        let json = serde_json::to_value(row).unwrap();
        for field in ["row", "what", "ours", "peer", "peer_value", "ratio", "target", "met"] {
            assert!(json.get(field).is_some(), "{field}");
        }
        assert_eq!((&json["target"], &json["met"]), (&"≤ 5 ms".into(), &true.into()));
    }
}
