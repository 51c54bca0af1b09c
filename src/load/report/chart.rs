//! A chart of lines, as SVG.

use std::ops::Range;

use plotters::coord::ranged1d::{DefaultFormatting, KeyPointHint, Ranged};
use plotters::prelude::{
    ChartBuilder, DrawingAreaErrorKind, IntoDrawingArea, IntoFont, LineSeries, RGBColor, SVGBackend,
};
use plotters::style::{Color, ShapeStyle};

use super::axis::Axis;
use super::escaped;

/// Size of a chart.
const SIZE: (u32, u32) = (720, 300);

const GRID: RGBColor = RGBColor(225, 228, 232);
const AXIS: RGBColor = RGBColor(110, 118, 129);

/// What a line stands for, always in the same colour.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Role {
    /// What this is about.
    Main,
    /// What it is compared with.
    Other,
    /// Something beside both.
    Third,
    /// What should be.
    Expected,
}

impl Role {
    const fn rgb(self) -> (u8, u8, u8) {
        match self {
            Self::Main => (9, 105, 218),
            Self::Other => (191, 105, 0),
            Self::Third => (130, 80, 223),
            Self::Expected => (87, 96, 106),
        }
    }

    fn style(self) -> ShapeStyle {
        let (red, green, blue) = self.rgb();
        RGBColor(red, green, blue).stroke_width(2)
    }
}

/// One line.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub name: String,
    pub role: Role,
    pub points: Vec<(f64, f64)>,
}

/// One chart.
#[derive(Clone, Debug)]
pub(super) struct Chart {
    pub title: String,
    pub x: Axis,
    pub y: Axis,
    pub lines: Vec<Line>,
}

impl Chart {
    /// A figure of HTML: title, legend, drawing.
    pub fn html(&self) -> String {
        let mut html = format!("<figure>\n<figcaption>{}", escaped(&self.title));
        for line in &self.lines {
            let (red, green, blue) = line.role.rgb();
            let name = escaped(&line.name);
            html.extend([
                &format!("<span class=\"key\"><i style=\"background:rgb({red},{green},{blue})\"></i>"),
                name.as_str(),
                "</span>",
            ]);
        }
        html.push_str("</figcaption>\n");
        if self.lines.iter().all(|line| line.points.is_empty()) {
            html.push_str("<p>too short a run to draw</p>");
        } else {
            let mut svg = String::new();
            self.draw(&mut svg).expect("invariant: drawing into memory can't fail");
            html.push_str(&svg);
        }
        html.push_str("</figure>\n");
        html
    }

    fn draw(&self, svg: &mut String) -> Result<(), DrawingAreaErrorKind<std::io::Error>> {
        let places = |axis: Axis, value: fn(&(f64, f64)) -> f64| {
            let values = || self.lines.iter().flat_map(|line| &line.points).map(value);
            let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
            axis.marks(least, most)
        };
        let x = Side::new(places(self.x, |point| point.0));
        let y = Side::new(places(self.y, |point| point.1));
        let (x_count, y_count) = (x.marks.len(), y.marks.len());
        let area = SVGBackend::with_string(svg, SIZE).into_drawing_area();
        let mut chart = ChartBuilder::on(&area)
            .margin(10)
            .margin_right(34)
            .x_label_area_size(50)
            .y_label_area_size(96)
            .build_cartesian_2d(x, y)?;
        let font = ("sans-serif", 15).into_font();
        chart
            .configure_mesh()
            .disable_x_mesh()
            .max_light_lines(0)
            .bold_line_style(GRID)
            .axis_style(AXIS)
            .label_style(font.clone().color(&AXIS))
            .axis_desc_style(font.color(&AXIS))
            .x_labels(x_count)
            .y_labels(y_count)
            .x_label_formatter(&|place| self.x.label(*place))
            .y_label_formatter(&|place| self.y.label(*place))
            .x_desc(self.x.title)
            .y_desc(self.y.title)
            .draw()?;
        for line in &self.lines {
            let drawn = line.points.iter().map(|(x, y)| (self.x.place(*x), self.y.place(*y)));
            chart.draw_series(LineSeries::new(drawn, line.role.style()))?;
        }
        area.present()
    }
}

/// One side of a drawing: from where to where, and its marks.
struct Side {
    from: f64,
    to: f64,
    marks: Vec<f64>,
}

impl Side {
    fn new((from, to, marks): (f64, f64, Vec<f64>)) -> Self {
        Self { from, to, marks }
    }
}

impl Ranged for Side {
    type FormatOption = DefaultFormatting;
    type ValueType = f64;

    #[allow(clippy::cast_possible_truncation)] // pixels
    fn map(&self, value: &f64, limit: (i32, i32)) -> i32 {
        let share = (value - self.from) / (self.to - self.from);
        limit.0 + (share * f64::from(limit.1 - limit.0)).round() as i32
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        // Light lines between the marks are not drawn.
        if hint.weight().allow_light_points() { Vec::new() } else { self.marks.clone() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.to
    }
}
