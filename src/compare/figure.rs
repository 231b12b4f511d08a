//! The figure: image AMI against mR, for the transfer weights from 0 to 4, with the rivals beside them.

use super::{Part, Record};
use crate::error::{Error, Result};
use crate::objectives::{self, Role, WEIGHTS};
use plotters::prelude::*;

const SIZE: (u32, u32) = (820, 520);
const INK: RGBColor = RGBColor(29, 26, 22);
const CURVE: RGBColor = RGBColor(38, 98, 196);
const RIVAL: RGBColor = RGBColor(150, 140, 124);

/// A labelled point: mR, image AMI.
struct Point {
    at: (f64, f64),
    label: String,
}

/// The curve on unseen concepts as SVG; an error where the records hold none of its points.
pub fn weights(records: &[Record]) -> Result<String> {
    let mean = |id: &str, metric: &str| {
        let here = records
            .iter()
            .filter(|r| r.job.objective == id && r.job.split == Part::Concept && !r.job.without_generic_words);
        let values: Vec<f64> = here.filter_map(|r| r.metrics.get(metric).copied().flatten()).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    let point = |id: &str, label: String| Some(Point { at: (mean(id, "mr")?, mean(id, "ami_image")?), label });
    let default = crate::config::Config::default().transfer.lambda_v;
    let mut curve: Vec<(f64, Option<Point>)> = vec![(0.0, point("twin", "λ 0".into()))];
    curve.push((default, point("mtls", format!("λ {default} (default)"))));
    curve.extend(WEIGHTS.map(|w| (w, point(&format!("mtls:weight-{w}"), format!("λ {w}")))));
    curve.sort_by(|a, b| a.0.total_cmp(&b.0));
    let curve: Vec<Point> = curve.into_iter().filter_map(|(_, p)| p).collect();
    let rivals = objectives::all().into_iter().filter(|o| matches!(o.role, Role::Rival | Role::Closed));
    let rivals: Vec<Point> = rivals.filter_map(|o| point(&o.id, o.id.clone())).collect();
    if curve.len() < 2 {
        return Err(Error::Data("the figure needs mtls and its twin on unseen concepts; run them first".into()));
    }
    draw(&curve, &rivals).map_err(|e| Error::format("figure", e))
}

fn draw(curve: &[Point], rivals: &[Point]) -> std::result::Result<String, String> {
    let range = |of: fn(&Point) -> f64| {
        let all = || curve.iter().chain(rivals).map(of);
        let (low, high) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
        let margin = 0.08 * (high - low).max(1e-3);
        low - margin..high + margin
    };
    let mut svg = String::new();
    {
        let root = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        root.fill(&WHITE).map_err(|e| e.to_string())?;
        let mut chart = ChartBuilder::on(&root)
            .margin(14)
            .x_label_area_size(44)
            .y_label_area_size(58)
            .build_cartesian_2d(range(|p| p.at.0), range(|p| p.at.1))
            .map_err(|e| e.to_string())?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .x_desc("mR (retrieval)")
            .y_desc("image AMI (clusters)")
            .label_style(("sans-serif", 14, &INK))
            .draw()
            .map_err(|e| e.to_string())?;
        let series = LineSeries::new(curve.iter().map(|p| p.at), CURVE.stroke_width(2));
        chart.draw_series(series).map_err(|e| e.to_string())?;
        for (points, colour) in [(rivals, RIVAL), (curve, CURVE)] {
            let marks = points.iter().map(|p| {
                EmptyElement::at(p.at)
                    + Circle::new((0, 0), 4, colour.filled())
                    + Text::new(p.label.clone(), (7, -6), ("sans-serif", 12).into_font().color(&INK))
            });
            chart.draw_series(marks).map_err(|e| e.to_string())?;
        }
        root.present().map_err(|e| e.to_string())?;
    }
    Ok(svg)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::compare::Job;

    #[test]
    fn the_curve_needs_two_points_and_names_its_weights() {
        let record = |id: &str, mr: f64, ami: f64| Record {
            job: Job { objective: id.into(), split: Part::Concept, fold: None, seed: 1, without_generic_words: false },
            data: "emoji-4".into(),
            metrics: [("mr".to_owned(), Some(mr)), ("ami_image".to_owned(), Some(ami))].into(),
            views: Default::default(),
            stop_epoch: None,
            configuration: String::new(),
            seconds: 0.0,
        };
        assert!(weights(&[record("mtls", 36.0, 0.35)]).is_err());
        let all = [record("mtls", 36.0, 0.35), record("twin", 35.0, 0.28), record("cca", 35.0, 0.33)];
        let svg = weights(&all).unwrap();
        assert!(svg.contains("λ 0") && svg.contains("default") && svg.contains("cca"));
    }
}
