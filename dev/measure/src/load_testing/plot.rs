//! One plot, as an SVG that can be read on white and on black.
//!
//! The background is transparent, and all colours are of middle brightness: a
//! file has no way to know which scheme its page has, as that can be chosen
//! apart from the system's.

use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::*;
use plotters::style::Color as _;

use super::figures::large;

const SIZE: (u32, u32) = (760, 400);
const FONT: &str = "sans-serif";
const TEXT: RGBColor = RGBColor(0x79, 0x79, 0x79);
const GRID: RGBAColor = RGBAColor(0x79, 0x79, 0x79, 0.35);

/// The colour of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Color {
    Blue,
    Orange,
    Green,
    Purple,
    Grey,
}

/// A plot.
pub(super) struct Plot {
    pub(super) title: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) lines: Vec<Line>,
}

/// What is drawn along a side, with its unit.
pub(super) struct Axis {
    pub(super) name: &'static str,
    pub(super) scale: Scale,
}

/// How values are spread along an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scale {
    /// From zero, evenly.
    Linear,
    /// Each doubling is as long.
    Doublings,
    /// Each tenfold is as long.
    Decades,
}

/// A line.
pub(super) struct Line {
    /// What the legend calls it; one that continues another has no name.
    pub(super) name: String,
    pub(super) color: Color,
    pub(super) is_dashed: bool,
    pub(super) points: Vec<(f64, f64)>,
}

impl Line {
    pub(super) fn new(name: &str, color: Color, points: Vec<(f64, f64)>) -> Self {
        Self { name: name.to_owned(), color, is_dashed: false, points }
    }

    pub(super) fn dashed(name: &str, color: Color, points: Vec<(f64, f64)>) -> Self {
        Self { is_dashed: true, ..Self::new(name, color, points) }
    }
}

impl Color {
    #[cfg(test)]
    const ALL: [Self; 5] = [Self::Blue, Self::Orange, Self::Green, Self::Purple, Self::Grey];

    const fn rgb(self) -> RGBColor {
        match self {
            Self::Blue => RGBColor(0x3b, 0x82, 0xf6),
            Self::Orange => RGBColor(0xd9, 0x73, 0x0d),
            Self::Green => RGBColor(0x2f, 0x96, 0x44),
            Self::Purple => RGBColor(0xa8, 0x55, 0xf7),
            Self::Grey => TEXT,
        }
    }
}

impl Scale {
    /// Returns where a value is.
    fn place(self, value: f64) -> f64 {
        match self {
            Self::Linear => value,
            Self::Doublings => value.log2(),
            Self::Decades => value.log10(),
        }
    }

    /// Returns the value that is at a place.
    fn value(self, place: f64) -> f64 {
        match self {
            Self::Linear => place,
            Self::Doublings => place.exp2(),
            Self::Decades => 10_f64.powf(place),
        }
    }

    /// Returns the places of the marks for some values, first to last.
    fn marks(self, values: impl Iterator<Item = f64> + Clone) -> Vec<f64> {
        let places = values.map(|value| self.place(value)).filter(|place| place.is_finite());
        let last = places.clone().fold(f64::MIN, f64::max);
        let (first, step) = match self {
            Self::Linear => (0.0, nice_step(last / 6.0)),
            _ => (places.fold(f64::MAX, f64::min).floor(), 1.0),
        };
        let marks = (0..=64).map(|mark| first + step * f64::from(mark));
        let mut is_past = false;
        marks.take_while(|mark| !std::mem::replace(&mut is_past, *mark >= last - 1e-9)).collect()
    }
}

/// Returns the next of 1, 2 and 5, and their tenfolds.
fn nice_step(least: f64) -> f64 {
    if least <= 0.0 {
        return 1.0;
    }
    let decade = 10_f64.powf(least.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|step| step * decade);
    steps.into_iter().find(|step| *step >= least).unwrap_or(least)
}

type Failure = DrawingAreaErrorKind<std::io::Error>;

impl Plot {
    /// Draws it.
    pub(super) fn svg(&self) -> String {
        let mut svg = String::new();
        // Writing to a string fails for no other reason than a mistake here.
        self.draw(&mut svg).expect("a plot with two axes can be drawn on a string");
        svg
    }

    fn draw(&self, svg: &mut String) -> Result<(), Failure> {
        let root = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let text = |size: u32| (FONT, size).into_font().color(&TEXT);
        root.draw(&Text::new(self.title.clone(), (12, 12), text(20)))?;
        self.draw_legend(&root)?;

        let points = || self.lines.iter().flat_map(|line| &line.points);
        let x_marks = self.x.scale.marks(points().map(|(x, _)| *x));
        let y_marks = self.y.scale.marks(points().map(|(_, y)| *y));
        let mut chart = ChartBuilder::on(&root)
            .margin_top(66)
            .margin_right(28)
            .margin_bottom(8)
            .margin_left(8)
            .x_label_area_size(50)
            .y_label_area_size(84)
            .build_cartesian_2d(Marks(x_marks.clone()), Marks(y_marks.clone()))?;
        chart
            .configure_mesh()
            .axis_style(GRID)
            .bold_line_style(GRID)
            .light_line_style(TRANSPARENT)
            .label_style(text(17))
            .axis_desc_style(text(17))
            .x_desc(self.x.name)
            .y_desc(self.y.name)
            .x_labels(x_marks.len().max(2))
            .y_labels(y_marks.len().max(2))
            .x_label_formatter(&|place| self.x.label(*place))
            .y_label_formatter(&|place| self.y.label(*place))
            .draw()?;
        for line in &self.lines {
            let style = line.color.rgb().stroke_width(2);
            let (x, y) = (self.x.scale, self.y.scale);
            let places: Vec<_> =
                line.points.iter().map(|(at, value)| (x.place(*at), y.place(*value))).collect();
            if line.is_dashed {
                chart.draw_series(DashedLineSeries::new(places, 6, 5, style))?;
            } else {
                let dots = if places.len() <= 16 { 3 } else { 0 };
                let series = LineSeries::new(places, style.filled()).point_size(dots);
                chart.draw_series(series)?;
            }
        }
        root.present()
    }

    /// Draws the lines' names, in their colours, below the title.
    fn draw_legend<B: DrawingBackend>(
        &self,
        root: &DrawingArea<B, Shift>,
    ) -> Result<(), DrawingAreaErrorKind<B::ErrorType>> {
        let mut x = 14;
        for line in self.lines.iter().filter(|line| !line.name.is_empty()) {
            let style = line.color.rgb().stroke_width(2);
            if line.is_dashed {
                for dash in [0, 8, 16] {
                    root.draw(&PathElement::new([(x + dash, 50), (x + dash + 5, 50)], style))?;
                }
            } else {
                root.draw(&PathElement::new([(x, 50), (x + 21, 50)], style))?;
            }
            let font = (FONT, 17).into_font().color(&line.color.rgb());
            root.draw(&Text::new(line.name.clone(), (x + 28, 43), font))?;
            // As wide as such letters are, on average.
            let width = 7 * line.name.chars().count();
            x += 28 + i32::try_from(width).unwrap_or(i32::MAX / 2) + 20;
        }
        Ok(())
    }
}

/// The places of an axis's marks, from its beginning to its end.
struct Marks(Vec<f64>);

impl Ranged for Marks {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    #[expect(clippy::cast_possible_truncation, reason = "a plot has fewer pixels than 2^31")]
    fn map(&self, place: &f64, (from, to): (i32, i32)) -> i32 {
        let Range { start, end } = self.range();
        let along = (place - start) / (end - start);
        from + (f64::from(to - from) * along).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        if hint.weight().allow_light_points() { Vec::new() } else { self.0.clone() }
    }

    fn range(&self) -> Range<f64> {
        let first = self.0.first().copied().unwrap_or(0.0);
        // A single mark has a place all the same.
        first..self.0.last().copied().filter(|last| *last > first).unwrap_or(first + 1.0)
    }
}

impl Axis {
    fn label(&self, place: f64) -> String {
        large(self.scale.value(place)).replace(" million", "M").replace(" billion", "B")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The luminance of a colour, and the contrast of two, as WCAG defines them.
    fn contrast(one: RGBColor, other: RGBColor) -> f64 {
        let luminance = |RGBColor(red, green, blue): RGBColor| {
            let linear = [red, green, blue].map(|channel| {
                let channel = f64::from(channel) / 255.0;
                if channel <= 0.040_45 {
                    channel / 12.92
                } else {
                    ((channel + 0.055) / 1.055).powf(2.4)
                }
            });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2] + 0.05
        };
        let (one, other) = (luminance(one), luminance(other));
        one.max(other) / one.min(other)
    }

    #[test]
    fn every_colour_stands_out_on_white_and_on_githubs_black() {
        for ground in [RGBColor(0xff, 0xff, 0xff), RGBColor(0x0d, 0x11, 0x17)] {
            for color in Color::ALL {
                let contrast = contrast(color.rgb(), ground);
                assert!(contrast >= 3.0, "{color:?}: {contrast:.2}");
            }
            assert!(contrast(TEXT, ground) >= 4.2, "the text");
        }
    }

    #[test]
    fn marks_reach_past_the_last_value_and_no_further() {
        for (scale, values, expected) in [
            (Scale::Linear, &[3.0, 57.0][..], &[0.0, 10.0, 20.0, 30.0, 40.0, 50.0, 60.0][..]),
            (Scale::Doublings, &[1.0, 8.0], &[0.0, 1.0, 2.0, 3.0]),
            (Scale::Decades, &[0.5, 40.0], &[-1.0, 0.0, 1.0, 2.0]),
            (Scale::Linear, &[0.0], &[0.0]),
        ] {
            assert_eq!(scale.marks(values.iter().copied()), expected, "{scale:?} {values:?}");
        }
    }

    #[test]
    fn a_plot_has_its_title_its_units_and_its_lines() {
        let plot = Plot {
            title: "Requests/s".to_owned(),
            x: Axis { name: "connections", scale: Scale::Doublings },
            y: Axis { name: "requests/s", scale: Scale::Linear },
            lines: vec![
                Line::new("availability", Color::Blue, vec![(1.0, 900.0), (64.0, 2_300.0)]),
                Line::dashed("the bar", Color::Grey, vec![(1.0, 500.0), (64.0, 500.0)]),
            ],
        };
        let svg = plot.svg();
        for expected in ["Requests/s", "connections", "availability", "the bar", "2,000", "64"] {
            assert!(svg.contains(expected), "{expected} is missing");
        }
        assert_eq!(svg, plot.svg(), "the same plot is drawn the same");
    }
}
